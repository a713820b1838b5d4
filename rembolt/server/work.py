"""What a worker thread does for one order: the whole way of a photo, abandoned when nobody waits any more."""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from rembolt.arrange.finish import finish
from rembolt.cutout.subject import Box
from rembolt.errors import UsageError
from rembolt.images.encode import encode, output_format
from rembolt.images.picture import Picture
from rembolt.images.rows import ArrayRows
from rembolt.images.source import read
from rembolt.lengths import region_of
from rembolt.server.errors import RegionError, RegionOutsideError
from rembolt.server.result import Result
from rembolt.settings import InputOptions, OutputOptions, names_of, pick
from rembolt.timings import Timings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rembolt.remover import Remover
    from rembolt.server.order import Order


class AbandonedError(Exception):
    """Nobody waits for the result any more."""


class Watched(Timings):
    """Timings of a photo whose work ends between two stages once it is abandoned."""

    def __init__(self) -> None:
        super().__init__()
        self.abandoned = threading.Event()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage; see `Timings`.

        Raises:
            AbandonedError: nobody waits any more.
        """
        if self.abandoned.is_set():
            raise AbandonedError
        with super().stage(name):
            yield


def cut_out(order: Order, remover: Remover, timings: Timings) -> Result:
    """Do what an order says.

    Raises:
        RemboltError: as `Remover.encode`.
        AbandonedError: see `Watched`.
    """
    options = dict(order.options)
    extras = order.extras
    with timings.stage("decode"):
        source = pick(InputOptions, options)
        picture = read(order.photo, source, exact=bool(options.get("exact")))
        box = None
        if isinstance(picture, Picture):
            sent = picture.image.size
            if extras.megapixels is not None:
                picture = _at_most(picture, extras.megapixels)
            if extras.region is not None:
                box = _region(extras.region, sent, picture.image.size)
        if extras.background is not None:
            options["background"] = _background(extras.background, source)
    if isinstance(picture, Picture) and box is not None:
        return _within(picture, box, remover, options, timings)
    made = remover.encode(picture, timings=timings, find_subject=extras.find_subject, **options)
    media_type = output_format(options.get("format", "png")).media_type
    placed = (made.model, made.device, made.precision)
    return Result(made.data, media_type, made.width, made.height, *placed, made.subject)


def _within(
    picture: Picture, box: Box, remover: Remover, options: dict[str, Any], timings: Timings
) -> Result:
    """Look for the subject in a part of the photo; the rest is background."""
    left, top, right, bottom = box
    alpha = None if picture.alpha is None else picture.alpha[top:bottom, left:right]
    part = Picture(picture.image.crop(box), alpha, picture.icc_profile, picture.format)
    output, source = pick(OutputOptions, options), pick(InputOptions, options)
    rest = {name: value for name, value in options.items() if name not in names_of(OutputOptions)}
    cutout = remover.cutout(part, **rest)
    timings.update({name: timings.get(name, 0.0) + spent for name, spent in cutout.timings.items()})
    rgba = np.zeros((picture.height, picture.width, 4), np.uint8)
    rgba[top:bottom, left:right] = cutout.rgba
    made = finish(ArrayRows(rgba), picture, output, source, timings, find_subject=True)
    with timings.stage("encode"):
        data = encode(made.pixels, output.format, quality=output.quality, icc_profile=made.icc_profile)
    height, width = made.pixels.shape[:2]
    media_type = output_format(output.format).media_type
    return Result(
        data, media_type, width, height, cutout.model, cutout.device, cutout.precision, made.subject
    )


def _region(text: str, sent: tuple[int, int], size: tuple[int, int]) -> Box:
    """A region as a box in the photo that is worked on.

    Args:
        text: see `region_of`.
        sent: width and height of the photo as it was sent, which pixels are counted in.
        size: width and height of the photo that is worked on.

    Raises:
        UsageError: this is no region.
        RegionError: it holds nothing of the photo.
        RegionOutsideError: it reaches beyond the photo.
    """
    box = region_of(text, sent)
    if box is None:
        raise UsageError(f"roi must be four lengths such as '0px 0px 100% 50%', not {text!r}.")
    left, top, right, bottom = box
    if right > sent[0] or bottom > sent[1]:
        raise RegionOutsideError(
            f"roi {text!r} reaches beyond the photo, which has {sent[0]} x {sent[1]} pixels."
        )
    if left == right or top == bottom:
        raise RegionError(f"roi {text!r} holds nothing of the photo; give two corners that are apart.")
    across, down = size[0] / sent[0], size[1] / sent[1]
    return Box(
        int(left * across),
        int(top * down),
        min(math.ceil(right * across), size[0]),
        min(math.ceil(bottom * down), size[1]),
    )


def _at_most(picture: Picture, megapixels: float) -> Picture:
    """The photo with no more pixels than asked for, its sides in the same ratio."""
    factor = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
    if factor >= 1:
        return picture
    size = (max(1, int(picture.width * factor)), max(1, int(picture.height * factor)))
    image = picture.image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    alpha = picture.alpha
    if alpha is not None:
        alpha = np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))
    return Picture(image, alpha, picture.icc_profile, picture.format)


def _background(photo: bytes, source: InputOptions) -> Image.Image:
    from rembolt.arrange.background import read_background

    return read_background(photo, source.max_pixels).with_alpha()
