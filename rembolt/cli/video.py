"""`rembolt video`: every frame of a video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rembolt.cli.options import JSON, given, options_from, set_up_messages, verbosity, workers
from rembolt.errors import UsageError
from rembolt.settings import CutoutOptions, InputOptions, SessionOptions, names_of, pick
from rembolt.video.options import VideoOptions

GROUPS = (InputOptions, SessionOptions, CutoutOptions)


@click.command("video", context_settings={"help_option_names": ["--help", "-h"]})
@click.argument("source", metavar="INPUT")
@click.argument("target", metavar="OUTPUT")
@options_from(VideoOptions)
@workers("frames")
@options_from(*GROUPS)
@click.option("-x", "--extras", type=JSON, help="more options, as a JSON object")
@click.option("--json", "as_json", is_flag=True, help="print what was done as one JSON object on stdout")
@verbosity
def command(
    source: str,
    target: str,
    workers: int | None,
    extras: Any,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **values: Any,
) -> None:
    """Cut out every frame of a video and keep its sound.

    OUTPUT is .webm (VP9 with alpha) or .mov (ProRes 4444 with alpha), with an opaque --bgcolor also .mp4
    (H.264), or a pattern of numbered pictures such as 'frames/%05d.png'.
    """
    options = given(values, extras)
    made = pick(VideoOptions, {name: options.pop(name) for name in names_of(VideoOptions) if name in options})
    for group in GROUPS:
        pick(group, options)  # wrong values are told before any work
    odd = set(options) - set(names_of(*GROUPS))
    if odd:
        raise UsageError(f"{', '.join(sorted(odd))} means nothing for a video; leave it out.")
    set_up_messages(quiet=quiet, verbose=verbose)

    import gc
    import time

    from rembolt.video.package import pyav
    from rembolt.video.progress import default_progress, silent
    from rembolt.video.transcode import cut_video

    gc.enable()  # one photo's garbage is not worth looking for, but that of a video adds up
    pyav()  # before all else: without it nothing can be done
    start = time.monotonic()
    outcome = cut_video(
        Path(source),
        Path(target),
        made,
        options,
        workers=workers,
        progress=silent if quiet else default_progress,
    )
    seconds = time.monotonic() - start
    if as_json:
        import json

        size = [outcome.width, outcome.height]
        report = {"input": source, "output": target, "size": size, "frames": outcome.frames}
        placed = {"model": outcome.model, "device": outcome.device, "precision": outcome.precision}
        click.echo(json.dumps({**report, "sound": outcome.sound, "seconds": round(seconds, 3), **placed}))
    elif not quiet:
        sound = "".join(f", {said}" for said in outcome.sound) or ", no sound"
        click.echo(
            f"{source} -> {target} ({outcome.frames} frames of {outcome.width}x{outcome.height}{sound}, "
            f"{outcome.model} on {outcome.device} in {outcome.precision}, {seconds:.3f} s)",
            err=True,
        )
