"""`rembolt stream`: raw frames through a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from rembolt.cli.options import JSON, given, options_from, set_up_messages, verbosity, workers
from rembolt.cli.pipes import drop_unwritten, is_terminal
from rembolt.errors import OutputError, RemboltError, UnreadableImageError
from rembolt.settings import GROUPS, InputOptions, check_values, pick

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rembolt.remover import Remover
    from rembolt.video.numbered import NumberedFiles

PIPED_FORMATS = ("png", "jpg", "webp")
"""Formats whose images can be told apart when they follow one another in a pipe."""


@click.command("stream", context_settings={"help_option_names": ["--help", "-h"]})
@click.argument("width", type=click.IntRange(min=1))
@click.argument("height", type=click.IntRange(min=1))
@click.option(
    "--raw", is_flag=True, help="raw RGBA frames on stdout instead of images (with -om one grey byte)"
)
@click.option(
    "-o",
    "--output_specifier",
    "--output-specifier",
    "pattern",
    metavar="PATTERN",
    help="numbered files instead of stdout, such as 'out/%04d.png', counted from 0",
)
@workers("frames")
@options_from(*GROUPS)
@click.option("-x", "--extras", type=JSON, help="more options, as a JSON object")
@click.option("--json", "as_json", is_flag=True, help="with -o: print what was done as one JSON object")
@verbosity
@click.pass_context
def command(
    ctx: click.Context,
    /,
    width: int,
    height: int,
    raw: bool,
    pattern: str | None,
    workers: int | None,
    extras: Any,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **values: Any,
) -> None:
    """Cut out raw RGB24 frames of WIDTH x HEIGHT pixels from standard input, in order.

    They go to standard output as PNG images one after the other, with --raw as RGBA frames, or with -o into
    numbered files.
    """
    options = given(values, extras)
    check_values(options)  # wrong ones are told before any work
    files = _files(pattern, options)
    _check_output(ctx, files, options, raw=raw, as_json=as_json)
    if is_terminal(sys.stdin):
        raise click.UsageError("frames cannot be typed; pipe raw RGB24 frames in.", ctx)
    if sys.stdin is None:
        raise UnreadableImageError("standard input is closed; pipe raw RGB24 frames in.")
    set_up_messages(quiet=quiet, verbose=verbose)

    import gc
    import time

    from rembolt.images.limits import check_size
    from rembolt.pipeline import each
    from rembolt.video.crew import crewed_remover
    from rembolt.video.raw import read_frames

    gc.enable()  # one photo's garbage is not worth looking for, but that of a stream adds up
    check_size(width, height, pick(InputOptions, options).max_pixels, "a frame")
    if files is not None:
        files.make_folder()
    remover, workers = crewed_remover(options, workers)
    done, start = 0, time.monotonic()
    # Unbuffered: a frame is read right into its array.
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as pipe:
        job = _job(remover, raw=raw)
        for result in each(job, read_frames(pipe, width, height), workers=workers):
            if isinstance(result, RemboltError):
                raise result
            if files is None:
                _send(result, done)
            else:
                _store(files.path(done), result)
            done += 1
    seconds = time.monotonic() - start
    if as_json:
        import json

        report = {"output": pattern, "size": [width, height], "frames": done, "seconds": round(seconds, 3)}
        placed = {"model": remover.model, "device": remover.device, "precision": remover.precision}
        click.echo(json.dumps({**report, **placed}))
    elif not quiet:
        click.echo(
            f"{done} {'frame' if done == 1 else 'frames'} of {width}x{height} ({remover.model} on "
            f"{remover.device} in {remover.precision}, {seconds:.3f} s)",
            err=True,
        )


def _files(pattern: str | None, options: dict[str, Any]) -> NumberedFiles | None:
    """Where the frames go, None for stdout; sets `options["format"]` from the extension."""
    if pattern is None:
        return None
    from rembolt.images.encode import format_of
    from rembolt.video.numbered import NumberedFiles

    files = NumberedFiles(pattern)
    asked = options.get("format")
    if files.path(0).suffix:
        options["format"] = format_of(files.path(0))
        if asked not in (None, options["format"]):
            raise click.UsageError(f"{pattern} names {options['format']} files, but --format says {asked}.")
    return files


def _check_output(
    ctx: click.Context, files: NumberedFiles | None, options: dict[str, Any], *, raw: bool, as_json: bool
) -> None:
    if files is not None:
        if raw:
            raise click.UsageError("--raw frames go to stdout; leave -o out.", ctx)
        return
    if as_json:
        raise click.UsageError("--json and the frames cannot both go to stdout; give -o.", ctx)
    if is_terminal(sys.stdout):
        raise click.UsageError("frames are not for the terminal; give -o or redirect to a file or pipe.", ctx)
    if sys.stdout is None:
        raise OutputError("standard output is closed; give -o a pattern such as 'out/%04d.png'.")
    if raw and options.get("crop"):
        raise click.UsageError("--raw frames all have one size; leave --crop out.", ctx)
    asked = options.get("format")
    if raw and asked is not None:
        raise click.UsageError("--raw has no format; leave --format out.", ctx)
    if asked is not None and asked not in PIPED_FORMATS:
        raise click.UsageError(
            f"{asked} images cannot follow one another in a pipe; choose one of {', '.join(PIPED_FORMATS)}, "
            "or give -o.",
            ctx,
        )


def _job(remover: Remover, *, raw: bool) -> Callable[[Any], bytes]:
    if raw:
        return lambda frame: remover.remove(frame).tobytes()
    return lambda frame: remover.encode(frame).data


def _send(data: bytes, done: int) -> None:
    """Write a frame to stdout.

    Raises:
        OutputError: it is full, or whoever read it is gone.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        drop_unwritten()
        raise OutputError(
            f"nobody reads standard output any more; whole frames sent: {done}; the rest are not made."
        ) from error
    except OSError as error:
        drop_unwritten()
        raise OutputError(
            f"standard output did not take frame {done} ({error.strerror or error}); "
            "free some space or give -o another place."
        ) from error


def _store(path: Path, data: bytes) -> None:
    from rembolt.images.files import write_atomically

    write_atomically(path, data)
