"""`rembolt batch`: many photos."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rembolt.cli.options import JSON, given, options_from, set_up_messages, verbosity, workers
from rembolt.errors import INTERRUPTED
from rembolt.settings import GROUPS, check_values

if TYPE_CHECKING:
    from rembolt.batch.run import Outcome
    from rembolt.batch.sources import Photo, Tree

LIST = "-"


@click.command("batch", context_settings={"help_option_names": ["--help", "-h"]})
@click.argument("source", metavar="INPUT")
@click.argument("target", metavar="OUTPUT", type=click.Path(path_type=Path))
@options_from(*GROUPS)
@click.option("-x", "--extras", type=JSON, help="more options, as a JSON object")
@workers("photos")
@click.option("-w", "--watch", is_flag=True, help="go on with photos that come or change, until Ctrl-C")
@click.option(
    "--settle",
    type=click.FloatRange(0.05, 3600),
    metavar="SECONDS",
    help="with --watch: how long a photo has to stay unchanged before it is taken  [default: 1.0]",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="add a line of JSON for each photo to FILE",
)
@click.option("--resume", is_flag=True, help="skip what the report says is done, retry what failed")
@click.option("--overwrite", is_flag=True, help="redo photos whose results exist")
@click.option(
    "-d",
    "--delete-input",
    "--delete_input",
    "delete_input",
    is_flag=True,
    help="delete each photo once its result is on the disk",
)
@click.option("--accept-usage-cost", is_flag=True, hidden=True, help="rembg's; there is nothing to pay here")
@click.option("--json", "as_json", is_flag=True, help="print a summary as one JSON object on stdout")
@verbosity
@click.pass_context
def command(
    ctx: click.Context,
    /,
    source: str,
    target: Path,
    extras: Any,
    workers: int | None,
    watch: bool,
    settle: float | None,
    report: Path | None,
    resume: bool,
    overwrite: bool,
    delete_input: bool,
    accept_usage_cost: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **values: Any,
) -> int:
    """Cut out many photos.

    INPUT is a folder (with all its sub-folders), a pattern in quotes such as 'photos/**/*.jpg', one photo, or
    - for a list of paths on stdin. OUTPUT is a folder; the sub-folders of INPUT are made in it too.
    """
    del accept_usage_cost
    options = given(values, extras)
    check_values(options)  # wrong ones are told before any work
    if resume and report is None:
        raise click.UsageError("--resume goes on from a report; name it with --report FILE.", ctx)
    if settle is not None and not watch:
        raise click.UsageError("--settle is for --watch; add it, or leave --settle out.", ctx)
    set_up_messages(quiet=quiet, verbose=verbose)
    if watch:
        gc.enable()  # one run's garbage is not worth looking for, but that of a watch adds up
    photos = _photos(ctx, source, target, watch=watch, quiet=quiet)

    from rembolt.batch.run import Batch, Wishes

    wishes = Wishes(
        options=options,
        workers=workers,
        overwrite=overwrite,
        delete_input=delete_input,
        report=report,
        resume=resume,
        settle=(settle or 1.0) if watch else None,
        quiet=quiet,
        verbose=verbose,
    )
    # The messages are set up once more where the bar has taken over stderr.
    outcome = Batch(photos, target, wishes, lambda: set_up_messages(quiet=quiet, verbose=verbose)).run()
    if as_json:
        import json

        summary = {"input": source, "output": str(target), **outcome.totals.as_json()}
        click.echo(json.dumps({**summary, "interrupted": outcome.interrupted, **outcome.placed}))
    if not quiet:
        _tell(source, outcome)
    elif outcome.totals.stopped:
        _say(f"stopped: {outcome.totals.stopped}")
    return _code(outcome)


def _photos(ctx: click.Context, source: str, target: Path, *, watch: bool, quiet: bool) -> Tree | list[Photo]:
    from rembolt.batch.sources import Photo, listed, tree_of, without_repeats
    from rembolt.errors import OutputError

    if target.exists() and not target.is_dir():
        raise OutputError(f"'{target}' is a file; give OUTPUT the name of a folder.")
    if source != LIST:
        tree = tree_of(source, target)
        if tree is not None:
            return tree
    if watch:
        raise click.UsageError("--watch needs a folder or a pattern as INPUT.", ctx)
    if source != LIST:
        return [Photo(source, Path(source).name)]
    if sys.stdin is None:
        raise click.UsageError("standard input is closed; pipe a list of paths in.", ctx)
    named = listed(sys.stdin.buffer.read())
    photos = without_repeats(named)
    if len(photos) < len(named) and not quiet:
        _say(f"the list names photos more than once ({len(named) - len(photos)} repeats); each is done once.")
    return photos


def _tell(source: str, outcome: Outcome) -> None:
    """Say how it ended, with the failures once more."""
    totals = outcome.totals
    if totals.planned == 0:
        where = "the list" if source == LIST else f"'{source}'"
        _say(f"no photos in {where}.")
        return
    for record in totals.failures:
        _say(f"failed: {record.complaint}")
    if totals.failed > len(totals.failures):
        _say(f"and {totals.failed - len(totals.failures)} more failed; --report FILE notes all of them.")
    if totals.stopped:
        _say(f"stopped: {totals.stopped}")
    if outcome.interrupted:
        _say("interrupted, nothing half-written; the same command goes on where this ended.")
    _say(
        f"{totals.done} done, {totals.skipped} skipped, {totals.failed} failed in {totals.seconds:.1f} s "
        f"({totals.rate:.1f} photos/s)"
    )


def _say(sentence: str) -> None:
    from rembolt.batch.progress import printable

    click.echo(f"rembolt: {printable(sentence)}", err=True)


def _code(outcome: Outcome) -> int:
    if outcome.interrupted:
        return INTERRUPTED
    return 1 if outcome.totals.failed or outcome.totals.stopped else 0
