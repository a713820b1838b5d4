"""`rembolt quantise`: a model's weights in fewer bits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from rembolt.cli.options import set_up_messages, verbosity

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("quantise", context_settings={"help_option_names": ["--help", "-h"]})
@click.argument("model")
@click.option(
    "--photos",
    type=FOLDER,
    required=True,
    help="photos like yours, 48 or more; a third of them judge the result",
)
@click.option("--to", type=click.Choice(["int8", "fp16"]), help="number format  [default: int8]")
@click.option(
    "--masks", type=FOLDER, help="true masks, PNG files with the photos' names, to measure accuracy"
)
@click.option("--count", type=int, metavar="N", help="photos to use, evenly spread  [default: 64]")
@click.option(
    "--calibration",
    type=click.Choice(["min-max", "percentile", "entropy", "mean-squared-error"]),
    help="how to choose what 8 bits stand for (default: the best of all)",
)
@click.option(
    "--limit", type=float, metavar="PERCENT", help="mean difference of the masks allowed  [default: 1.5]"
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="write the report as JSON, and pictures of the worst photos beside it",
)
@click.option(
    "--force", is_flag=True, help="keep the result past the limit, and make it anew when it is there"
)
@click.option("--json", "as_json", is_flag=True, help="print the report as JSON on stdout")
@verbosity
def command(*, as_json: bool, quiet: bool, verbose: bool, **wishes: Any) -> None:
    """Make a model's weights in fewer bits, calibrated on your photos, and say how near its masks stay.

    MODEL is a name from `rembolt models` or the path of an own .onnx file. What is made is found by
    --precision int8 (or fp16), and by auto where it was measured to be faster.
    """
    from rembolt.quantise.report import as_json as in_json
    from rembolt.quantise.report import lines
    from rembolt.quantise.run import Request, quantise

    set_up_messages(quiet=quiet, verbose=verbose)
    request = Request(**{name: value for name, value in wishes.items() if value is not None})
    with _Steps(quiet=quiet) as steps:
        report = quantise(request, steps.tell)
    if as_json:
        click.echo(in_json(report).decode(), nl=False)
    elif not quiet:
        click.echo(f"{report['model']} in {report['precision']}: {report['path']}")
        for line in lines(report):
            click.echo(f"  {line}")


class _Steps:
    """What is being done: one line that changes on a terminal, a line each elsewhere, on stderr."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._status: Any = None

    def __enter__(self) -> _Steps:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status("reading")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def tell(self, sentence: str) -> None:
        if self._quiet:
            return
        if self._status is not None:
            self._status.update(sentence)
        else:
            click.echo(f"rembolt: {sentence}", err=True)
