"""All steps of an arrangement, in their order."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.arrange.background import backdrop, is_blur
from rembolt.arrange.blur import blurred
from rembolt.arrange.crop import crop, crop_mirrored, with_margins
from rembolt.arrange.place import place
from rembolt.arrange.shadow import with_shadow
from rembolt.checks import ORIGINAL
from rembolt.cutout.compose import over
from rembolt.cutout.subject import Box, box_of
from rembolt.errors import UsageError
from rembolt.images.limits import check_size
from rembolt.lengths import margins_of, position_of, scale_of
from rembolt.settings import InputOptions

if TYPE_CHECKING:
    from rembolt.images.picture import Picture
    from rembolt.settings import OutputOptions

log = logging.getLogger(__name__)

Bytes = npt.NDArray[np.uint8]


class _Moved(NamedTuple):
    """A cut-out whose subject is where it shall be.

    Attributes:
        rgba: `uint8` `(H, W, 4)`.
        window: what of the photo's own frame it shows.
        subject: the box around the subject in `rgba`, None where there is none.
    """

    rgba: Bytes
    window: Box
    subject: Box | None


class Arranged(NamedTuple):
    """An arranged picture.

    Attributes:
        pixels: `uint8` `(H, W, 4)`, straight colours.
        subject: the box around the subject in it; None where there is none, in a strip, and where nothing but
            a background was asked for, which needs no box.
    """

    pixels: Bytes
    subject: Box | None


def arrange(
    rgba: Bytes, picture: Picture, options: OutputOptions, source: InputOptions | None = None
) -> Arranged:
    """Crop, or scale and move; then put a shadow and a background under the subject.

    A strip of several cut-outs is arranged one by one.

    Args:
        rgba: the cut-out, `uint8` `(H, W, 4)` with straight colours, or several below each other.
        picture: the photo, as large as one cut-out.
        options: with `only_mask`, only `crop`, `scale` and `position` are done: the alpha of the result is
            the mask, and shadow and background are no part of the subject.
        source: `max_pixels` is the limit of background photos and of results.

    Raises:
        UsageError: a strip would have to be cropped.
        InputError: the background photo cannot be used, or a margin makes the picture too large.
    """
    source = source or InputOptions()
    count = len(rgba) // picture.height
    if count == 1:
        return _arrange_one(rgba, picture, options, source)
    if options.crop:
        raise UsageError("a strip of several cut-outs cannot be cropped; choose one with cloth_category.")
    parts = [_arrange_one(part, picture, options, source) for part in np.split(rgba, count)]
    return Arranged(np.concatenate([part.pixels for part in parts]), None)


def _arrange_one(rgba: Bytes, picture: Picture, options: OutputOptions, source: InputOptions) -> Arranged:
    moved = _moved(rgba, options, source)
    result = moved.rgba
    if options.only_mask:
        return Arranged(result, moved.subject)
    if options.shadow and moved.subject is not None:
        result = with_shadow(result, moved.subject, options.shadow)
    if is_blur(options):
        own = blurred(picture.image, rgba[:, :, 3], picture.alpha, options.background_blur)
        below = Image.fromarray(crop_mirrored(np.asarray(own), moved.window)).convert("RGBA")
        return Arranged(over(result, below), moved.subject)
    behind = backdrop(options, (result.shape[1], result.shape[0]), picture.icc_profile, source)
    return Arranged(result if behind is None else over(result, behind), moved.subject)


def _moved(rgba: Bytes, options: OutputOptions, source: InputOptions) -> _Moved:
    height, width = rgba.shape[:2]
    frame = Box(0, 0, width, height)
    wanted = [name for name in options.arrangement if name != "background"]
    if not wanted:
        return _Moved(rgba, frame, None)
    subject = box_of(rgba[:, :, 3])
    if subject is None:
        log.warning("there is no subject in this photo, so nothing is done for %s.", " and ".join(wanted))
        return _Moved(rgba, frame, None)
    if options.crop:
        margins = margins_of(options.crop_margin)
        window = with_margins(subject, margins) if margins else subject
        check_size(window.width, window.height, source.max_pixels, "the picture with crop_margin")
        inner = Box(
            subject.left - window.left,
            subject.top - window.top,
            subject.right - window.left,
            subject.bottom - window.top,
        )
        return _Moved(crop(rgba, window), window, inner)
    scale = scale_of(options.scale) if options.scale else None
    position = position_of(options.position) if options.position else None
    if scale is not None and options.position != ORIGINAL:
        position = position or (0.5, 0.5)
    if scale is not None or position is not None:
        rgba = place(rgba, subject, scale, position)
        subject = box_of(rgba[:, :, 3])
    return _Moved(rgba, frame, subject)
