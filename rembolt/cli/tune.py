"""`rembolt tune`: what runs best on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from rembolt.cli.options import set_up_messages, verbosity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rembolt.tune.run import Tuned

MOST_SECONDS = 3600

TITLES = {
    "way": "one photo, the network alone",
    "threads": "threads for one photo",
    "photos at a time": "many photos, whole (photos at a time x threads)",
}


@click.command("tune", context_settings={"help_option_names": ["--help", "-h"]})
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option(
    "--seconds",
    type=click.FloatRange(1, MOST_SECONDS),
    metavar="N",
    help="about so long for each model  [default: 60]",
)
@click.option("--offline", is_flag=True, help="never download weights")
@click.option("--forget", is_flag=True, help="remove the profile instead")
@click.option("--json", "as_json", is_flag=True, help="print what was found as one JSON object on stdout")
@verbosity
@click.pass_context
def command(
    ctx: click.Context,
    /,
    models: Sequence[str],
    seconds: float | None,
    offline: bool,
    forget: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Measure how models run best on this machine's CPU, and keep it as a profile for all commands.

    MODEL is a name from `rembolt models` or the path of an own .onnx file; bolt without it. Leave the machine
    alone meanwhile.
    """
    set_up_messages(quiet=quiet, verbose=verbose)
    if forget:
        if models or seconds:
            raise click.UsageError("--forget measures nothing; leave MODEL and --seconds out.", ctx)
        _forget(as_json=as_json, quiet=quiet)
        return

    if seconds is not None and seconds != seconds:  # not a number, which lies in no range and out of none
        raise click.UsageError("--seconds must be a number of seconds from 1 to 3600, not nan.", ctx)

    from rembolt import profile
    from rembolt.bench.machine import busy
    from rembolt.engine.machine import machine
    from rembolt.images.files import check_place, make_folder
    from rembolt.settings import SessionOptions
    from rembolt.tune.progress import progress_for
    from rembolt.tune.run import target, tune

    names = list(dict.fromkeys(models)) or ["bolt"]
    targets = [target(SessionOptions(model=name, offline=offline)) for name in names]
    path = profile.place()
    if not os.path.exists(path.parent):  # noqa: PTH110 - pathlib raises where it may not look
        make_folder(path.parent)
    check_place(path)  # told before minutes of work
    if not quiet and (warning := busy()):
        click.echo(f"rembolt: {warning}", err=True)
    with progress_for(quiet=quiet) as show:
        found = [tune(spec, weights, seconds or 60.0, show) for spec, weights in targets]
    path = profile.keep({tuned.path: tuned.choice for tuned in found})
    if as_json:
        import json

        report = {
            "profile": str(path),
            "machine": machine(),
            "models": [_report(one) for one in found],
        }
        click.echo(json.dumps(report))
    elif not quiet:
        for one in found:
            _tell(one)
        click.echo(f"kept in {path}; every command and Remover uses it from now on.")


def _forget(*, as_json: bool, quiet: bool) -> None:
    from rembolt import profile

    path = profile.forget()
    if as_json:
        import json

        click.echo(json.dumps({"forgotten": str(path) if path else None}))
    elif not quiet:
        click.echo(f"removed {path}" if path else "there is no profile.")


def _report(tuned: Tuned) -> dict[str, Any]:
    return {**tuned.choice._asdict(), "remarks": tuned.remarks}


def _tell(tuned: Tuned) -> None:
    from rembolt.bench.tables import table

    for what, title in TITLES.items():
        rows = [row for row in tuned.choice.measured if row["what"] == what]
        if rows:
            table(f"{tuned.choice.model}: {title}", ("", "ms a photo", "rounds", ""), map(_cells, rows))
    for remark in tuned.remarks:
        click.echo(f"\n{remark}")
    click.echo(f"\n{tuned.choice.model}: {tuned.choice.sentence}")


def _cells(row: dict[str, Any]) -> tuple[str, str, str, str]:
    time = f"{row['milliseconds']:.1f}" if row["milliseconds"] is not None else "-"
    return row["name"], time, str(row["rounds"]), "chosen" if row["chosen"] else row["reason"]
