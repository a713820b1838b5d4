"""Our own cut-outs: straight colours at full size, the refinement at the size asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.cutout.compose import multiply_alpha, straight_rgba, strip

if TYPE_CHECKING:
    from rembolt.images.picture import Picture
    from rembolt.settings import CutoutOptions
    from rembolt.timings import Timings

log = logging.getLogger(__name__)

Bytes = npt.NDArray[np.uint8]
Refine = Callable[[Image.Image, Image.Image], Image.Image]
"""Makes a better mask from a picture and its mask (ViTMatte)."""


def shrink(image: Image.Image, max_size: int | None) -> Image.Image:
    """The picture to work on: `image` itself, or a copy whose longest side is `max_size` pixels."""
    if max_size is None or max(image.size) <= max_size:
        return image
    factor = max_size / max(image.size)
    width, height = (max(1, round(side * factor)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def cut(
    picture: Picture,
    work: Image.Image,
    masks: Sequence[Image.Image],
    options: CutoutOptions,
    timings: Timings,
    refine: Refine,
) -> Bytes:
    """Cut a picture out.

    Args:
        picture: the photo at full size; its own alpha is multiplied in.
        work: what `shrink` made of it; matting and decontamination work at this size.
        masks: of mode `L` and the size of `work`; several become a strip.
        options: how to cut out.
        timings: gets the stages refine and foreground.
        refine: used when `options.vitmatte` is on.

    Returns:
        `uint8` RGBA `(H, W, 4)` at full size, straight colours.

    Raises:
        MissingExtraError: matting was asked for and PyMatting is not installed.
    """
    return strip([_cut_one(picture, work, mask, options, timings, refine) for mask in masks])


def _cut_one(
    picture: Picture,
    work: Image.Image,
    mask: Image.Image,
    options: CutoutOptions,
    timings: Timings,
    refine: Refine,
) -> Bytes:
    with timings.stage("refine"):
        alpha, change = _refined(work, mask, options, refine)
    with timings.stage("foreground"):
        if alpha.size != picture.image.size:
            alpha = alpha.resize(picture.image.size, Image.Resampling.BICUBIC)
        foreground = picture.image
        if change is not None:
            from rembolt.cutout.foreground import recolour

            foreground = recolour(foreground, alpha, *change)
        if picture.alpha is not None:
            alpha = Image.fromarray(multiply_alpha(np.asarray(alpha), picture.alpha))
        return straight_rgba(foreground, alpha, keep_hidden=options.putalpha)


def _refined(
    work: Image.Image, mask: Image.Image, options: CutoutOptions, refine: Refine
) -> tuple[Image.Image, tuple[Image.Image, Image.Image] | None]:
    """The alpha at the mask's size, and how the colours change, as `recolour` takes it."""
    if options.post_process_mask:
        from rembolt.cutout.clean import post_process

        mask = Image.fromarray(post_process(np.asarray(mask)))
    if options.vitmatte:
        mask = refine(work, mask)
    elif options.alpha_matting:
        from rembolt.cutout.matting import matte

        try:
            colours, alpha = matte(np.asarray(work), np.asarray(mask), options)
            return _to_image(alpha), (work, _to_image(colours))
        except ValueError as error:
            log.warning("alpha matting was not possible, the mask is used instead: %s", error)
    if options.decontaminate or options.vitmatte:
        from rembolt.cutout.foreground import decontaminate

        return mask, decontaminate(work, mask)
    return mask, None


def _to_image(values: npt.NDArray[np.floating[Any]]) -> Image.Image:
    """8-bit image of values in [0, 1], rounded."""
    return Image.fromarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8))
