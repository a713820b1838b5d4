"""One video, the whole way: decode, cut out, smooth, encode, with its sound."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rembolt.cutout.compose import over_colour
from rembolt.errors import RemboltError, UsageError
from rembolt.images.files import whole_file
from rembolt.images.limits import check_size
from rembolt.pipeline import each
from rembolt.settings import DEFAULT_MAX_PIXELS, CutoutOptions, pick
from rembolt.video.container import RECIPES, recipe_of
from rembolt.video.crew import crewed_remover
from rembolt.video.numbered import NumberedPictures, has_number
from rembolt.video.place import check_target
from rembolt.video.progress import Progress, silent
from rembolt.video.smooth import smoothed
from rembolt.video.source import Facts, facts_of, pictures, to_frame
from rembolt.video.target import VideoFile, written

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from rembolt.remover import Remover
    from rembolt.video.frame import Bytes, Frame
    from rembolt.video.options import VideoOptions
    from rembolt.video.source import Picture

log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """What was made.

    Attributes:
        frames: how many.
        width, height: of them, in pixels.
        model, device, precision: what found the subject, and where it ran.
        sound: what became of each sound track, in words.
    """

    frames: int
    width: int
    height: int
    model: str
    device: str
    precision: str
    sound: list[str]


def cut_video(
    source: Path,
    target: Path,
    made: VideoOptions,
    options: dict[str, Any],
    *,
    workers: int | None = None,
    progress: Progress = silent,
) -> Outcome:
    """Cut every frame of a video out.

    Args:
        source: the video.
        target: the file to make, whose extension says its kind (see `RECIPES`), or a pattern of numbered
            pictures such as `frames/%05d.png`.
        made: what is made of the cut-outs.
        options: any option of `Remover` but those in `made`.
        workers: frames worked on at a time; by default what suits the cores.
        progress: shows how far it is.

    Raises:
        UsageError: options or names that do not go together.
        InputError: the video cannot be read.
        OutputError: the result cannot be written; of a video file nothing is left then.
        ModelError, DeviceError: see `Remover`.
    """
    opaque = made.only_mask or (made.bgcolor is not None and made.bgcolor[3] == 255)
    if made.smooth and options.get("exact"):
        raise UsageError("smooth needs straight colours, and exact multiplies them by alpha; leave one out.")
    # A film is one file, and may be called "100% sure.webm", which has a conversion ("% s") in it.
    numbered = target.suffix.lower() not in RECIPES and has_number(target.name)
    sink_of = _numbered(source, target) if numbered else _in_a_file(source, target, opaque=opaque)
    facts = facts_of(source)
    check_size(facts.width, facts.height, options.get("max_pixels", DEFAULT_MAX_PIXELS), "a frame")
    if facts.left_out:
        log.warning("left out of '%s': %s.", source, ", ".join(facts.left_out))

    # Smoothing compares the frames' own colours, and a pixel that it makes visible needs its colour. Which
    # colours have background in them is known with the smooth alpha only.
    kept = {**options, "putalpha": True, "decontaminate": False} if made.smooth else options
    recolour = made.smooth > 0 and pick(CutoutOptions, options).recolours and not made.only_mask
    remover, workers = crewed_remover(kept, workers)
    done = 0
    with (
        sink_of(facts) as sink,
        progress(facts.expected) as show,
        closing(_cut_out(source, facts, remover, workers)) as cutouts,
    ):
        for frame in smoothed(cutouts, made.smooth) if made.smooth else cutouts:
            pixels = _decontaminated(frame.pixels) if recolour else frame.pixels
            pixels = _finished(pixels, made, hide=made.smooth > 0 and not options.get("putalpha"))
            sink.write(frame._replace(pixels=pixels))
            done += 1
            show(done)
    place = (remover.model, remover.device, remover.precision)
    return Outcome(done, facts.width, facts.height, *place, sink.sound.said if sink.sound else [])


def _cut_out(source: Path, facts: Facts, remover: Remover, workers: int) -> Generator[Frame, None, None]:
    """The frames as RGBA, in order, a few worked on at a time."""

    def job(picture: Picture) -> Frame:
        frame = to_frame(picture, facts)
        rgba = remover.cutout(frame.pixels).rgba
        if rgba.shape[:2] != frame.pixels.shape[:2]:
            raise UsageError(
                f"{remover.model} gives several pictures of one; choose one, for example with "
                "--cloth-category upper."
            )
        return frame._replace(pixels=rgba)

    for result in each(job, pictures(source, facts), workers=workers):
        if isinstance(result, RemboltError):
            raise result
        yield result


def _decontaminated(rgba: Bytes) -> Bytes:
    from PIL import Image

    from rembolt.cutout.foreground import foreground

    colours, alpha = (Image.fromarray(part) for part in (rgba[:, :, :3], rgba[:, :, 3]))
    return np.dstack([np.asarray(foreground(colours, alpha)), rgba[:, :, 3]])


def _finished(rgba: Bytes, made: VideoOptions, *, hide: bool) -> Bytes:
    """What is written of a cut-out: RGBA, or RGB when nothing shows through."""
    if made.only_mask:
        return np.repeat(rgba[:, :, 3:], 3, axis=2)
    if made.bgcolor is not None:
        placed = over_colour(rgba, made.bgcolor)
        return placed[:, :, :3] if made.bgcolor[3] == 255 else placed
    if hide:
        rgba = rgba.copy()
        rgba[rgba[:, :, 3] == 0] = 0
    return rgba


SinkOf = Callable[[Facts], AbstractContextManager["VideoFile | NumberedPictures"]]


def _in_a_file(source: Path, target: Path, *, opaque: bool) -> SinkOf:
    recipe = recipe_of(target, opaque=opaque)
    check_target(source, target)

    @contextmanager
    def sink_of(facts: Facts) -> Iterator[VideoFile]:
        with (
            whole_file(target) as place,
            written(place, target, source, facts, recipe, opaque=opaque) as file,
        ):
            yield file

    return sink_of


def _numbered(source: Path, target: Path) -> SinkOf:
    sink = NumberedPictures(target, source)

    @contextmanager
    def sink_of(facts: Facts) -> Iterator[NumberedPictures]:
        if facts.sounds:
            log.warning("pictures have no sound: it is left out.")
        sink.files.make_folder()
        yield sink

    return sink_of
