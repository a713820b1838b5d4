"""`rembolt remove`: one photo."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rembolt.cli.options import JSON, given, options_from, set_up_messages, verbosity
from rembolt.cli.pipes import is_terminal, read_image, write_image
from rembolt.errors import UnreadableImageError, UsageError
from rembolt.settings import GROUPS, InputOptions, SessionOptions, check_values, pick

if TYPE_CHECKING:
    from rembolt.cutout.result import Encoded

PIPE = "-"


@click.command("remove", context_settings={"help_option_names": ["--help", "-h"]})
@click.argument("source", metavar="INPUT", required=False)
@click.argument("target", metavar="[OUTPUT]", required=False)
@options_from(*GROUPS)
@click.option("-x", "--extras", type=JSON, help="more options, as a JSON object")
@click.option("--json", "as_json", is_flag=True, help="print what was done as one JSON object on stdout")
@click.option("--server", metavar="URL", help="let the service at this address do it, with no model here")
@click.option("--api-key", metavar="KEY", help="its API key (default: the environment's REMBOLT_API_KEY)")
@verbosity
@click.pass_context
def command(
    ctx: click.Context,
    /,
    source: str | None,
    target: str | None,
    extras: Any,
    as_json: bool,
    server: str | None,
    api_key: str | None,
    quiet: bool,
    verbose: bool,
    **values: Any,
) -> None:
    """Cut out one photo.

    INPUT is a file, or - for a pipe. OUTPUT is a file whose extension says the format, or - for a pipe;
    without it, <stem>.out.png is written beside the photo.
    """
    options = given(values, extras)
    check_values(options)  # wrong ones are told before any work
    if api_key is not None and server is None:
        raise click.UsageError("--api-key is for a service; give --server too.", ctx)
    if source is None:
        source = _piped(ctx)
    # rembg's `i` without OUTPUT writes into a pipe when there is one.
    into_pipe = ctx.info_name == "i" and not is_terminal(sys.stdout)
    target = _target(source, target, options, into_pipe=into_pipe)
    if target == PIPE and as_json:
        raise click.UsageError("--json and the image cannot both go to stdout; give OUTPUT a file name.", ctx)
    if target == PIPE and is_terminal(sys.stdout):
        raise click.UsageError("an image is not for the terminal; give OUTPUT or redirect to a file.", ctx)
    if target != PIPE:
        from rembolt.images.files import check_place

        _refuse_same_file(source, Path(target))
        check_place(Path(target))
    set_up_messages(quiet=quiet, verbose=verbose)

    image = read_image() if source == PIPE else Path(source)
    encoded = _cut_out(image, options) if server is None else _let_cut_out(server, api_key, image, options)
    _write(encoded.data, target)
    if as_json:
        import json

        click.echo(json.dumps(_report(source, target, encoded)))
    elif not quiet:
        click.echo(_sentence(source, target, encoded, verbose=verbose), err=True)


def _cut_out(image: bytes | Path, options: dict[str, Any]) -> Encoded:
    """Load the model in the background while the rest of the program is imported and the photo decoded."""
    if isinstance(image, Path) and (image.is_dir() or not image.exists()):
        # Before a model is loaded, or even downloaded, for a photo that is not there.
        _read(image, options)

    from rembolt.cli.background import Background
    from rembolt.engine.runtime import onnxruntime
    from rembolt.segmenters.opening import open_segmenter

    onnxruntime()  # here, since in the background its import would hold up those that follow
    session = pick(SessionOptions, options)
    exact = bool(options.get("exact", False))
    loading = Background(lambda: open_segmenter(session, exact=exact))

    from rembolt.remover import Remover
    from rembolt.timings import Timings

    timings = Timings()
    with timings.stage("decode"):
        photo = _read(image, options)
    loading.result()  # the remover finds the session where this left it
    return Remover(options.pop("model", "bolt"), **options).encode(photo, timings=timings)


def _let_cut_out(server: str, api_key: str | None, image: bytes | Path, options: dict[str, Any]) -> Encoded:
    """Let a service do it."""
    from rembolt.client import Client
    from rembolt.cutout.result import Encoded
    from rembolt.timings import Timings

    timings = Timings()
    key = api_key or os.environ.get("REMBOLT_API_KEY")
    with Client(server, api_key=key) as client, timings.stage("request"):
        made = client.cutout(image, **options)
    placed = (made.model, made.device, made.precision)
    return Encoded(made.data, made.width, made.height, *placed, "service", timings)


def _read(image: bytes | Path, options: dict[str, Any]) -> Any:
    from rembolt.images.source import read

    return read(image, pick(InputOptions, options), exact=bool(options.get("exact", False)))


def _piped(ctx: click.Context) -> str:
    if is_terminal(sys.stdin):
        raise click.UsageError("Missing argument 'INPUT': name a photo, or pipe one in.", ctx)
    return PIPE


def _target(source: str, target: str | None, options: dict[str, Any], *, into_pipe: bool) -> str:
    """Where the result goes; sets `options["format"]` from the extension."""
    if target is None and (source == PIPE or into_pipe):
        target = PIPE
    if target is None:
        photo = Path(source)
        if not photo.name:
            raise UnreadableImageError(f"'{source}' is a folder; give the path of one photo.")
        return str(photo.with_suffix(f".out.{options.get('format', 'png')}"))
    if target == PIPE:
        return target
    if Path(target).is_dir():
        raise UsageError(f"'{target}' is a folder; give OUTPUT the name of a file in it.")
    from rembolt.images.encode import format_of

    asked = options.get("format")
    if asked is None or Path(target).suffix:
        options["format"] = format_of(target)
        if asked not in (None, options["format"]):
            raise UsageError(f"{target} is a {options['format']} file, but --format says {asked}.")
    return target


def _refuse_same_file(source: str, target: Path) -> None:
    if source != PIPE and target.exists() and Path(source).exists() and target.samefile(source):
        raise UsageError(f"{target} is the photo itself, which is never overwritten; give another OUTPUT.")


def _write(data: bytes, target: str) -> None:
    if target == PIPE:
        write_image(data)
        return
    from rembolt.images.files import write_atomically

    write_atomically(Path(target), data)


def _report(source: str, target: str, encoded: Encoded) -> dict[str, Any]:
    return {
        "input": source,
        "output": target,
        "size": [encoded.width, encoded.height],
        "bytes": len(encoded.data),
        "model": encoded.model,
        "device": encoded.device,
        "precision": encoded.precision,
        "runtime": encoded.runtime,
        "timings": {stage: round(seconds, 6) for stage, seconds in encoded.timings.items()},
    }


def _sentence(source: str, target: str, encoded: Encoded, *, verbose: bool) -> str:
    total = sum(encoded.timings.values())
    text = (
        f"{source} -> {target} ({encoded.width}x{encoded.height}, {encoded.model} on {encoded.device} "
        f"in {encoded.precision}, {total:.3f} s)"
    )
    if verbose:
        stages = ", ".join(f"{stage} {seconds * 1000:.1f} ms" for stage, seconds in encoded.timings.items())
        text = f"{text}\n  {stages}"
    return text
