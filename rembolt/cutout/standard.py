"""Our own cut-outs: straight colours at full size, the refinement at the size asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.cutout.join import StraightRows
from rembolt.images.resample import enlarge
from rembolt.images.rows import ArrayRows, Rows, whole

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
) -> Rows:
    """Cut a picture out.

    Args:
        picture: the photo at full size; its own alpha is multiplied in.
        work: what `shrink` made of it; matting and decontamination work at this size.
        masks: of mode `L` and any size; several become a strip. They are enlarged to the photo's size, or to
            that of `work` when they are refined first.
        options: how to cut out.
        timings: gets the stages refine and foreground.
        refine: used when `options.vitmatte` is on.

    Returns:
        The rows of the RGBA at full size, straight colours.

    Raises:
        MissingExtraError: matting was asked for and PyMatting is not installed.
    """
    parts = [_cut_one(picture, work, mask, options, timings, refine) for mask in masks]
    if len(parts) == 1:
        return parts[0]
    with timings.stage("foreground"):
        return ArrayRows(np.concatenate([whole(part) for part in parts]))


def _cut_one(
    picture: Picture,
    work: Image.Image,
    mask: Image.Image,
    options: CutoutOptions,
    timings: Timings,
    refine: Refine,
) -> Rows:
    with timings.stage("refine"):
        alpha, change = _refined(work, mask, options, refine)
    with timings.stage("foreground"):
        foreground = picture.image
        if change is not None:
            from rembolt.cutout.foreground import recolour

            alpha = _enlarged(alpha, picture.image.size)
            foreground = recolour(foreground, alpha, *change)
        return StraightRows(foreground, alpha, picture.alpha, keep_hidden=options.putalpha)


def _enlarged(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    return enlarge(mask, size, Image.Resampling.BICUBIC)


def _refined(
    work: Image.Image, mask: Image.Image, options: CutoutOptions, refine: Refine
) -> tuple[Image.Image, tuple[Image.Image, Image.Image] | None]:
    """The alpha, of `work`'s size where anything was refined, and the colours' change, for `recolour`."""
    if options.post_process_mask:
        from rembolt.cutout.clean import post_process

        mask = Image.fromarray(post_process(np.asarray(_enlarged(mask, work.size))))
    if options.vitmatte:
        mask = refine(work, _enlarged(mask, work.size))
    elif options.alpha_matting:
        from rembolt.cutout.matting import matte

        try:
            pixels, levels = np.asarray(work), np.asarray(_enlarged(mask, work.size))
            colours, alpha = matte(pixels, levels, options)
            return _to_image(alpha), (work, _to_image(colours))
        except ValueError as error:
            log.warning("alpha matting was not possible, the mask is used instead: %s", error)
    if options.decontaminate or options.vitmatte:
        from rembolt.cutout.foreground import decontaminate

        mask = _enlarged(mask, work.size)
        return mask, decontaminate(work, mask)
    return mask, None


def _to_image(values: npt.NDArray[np.floating[Any]]) -> Image.Image:
    """8-bit image of values in [0, 1], rounded."""
    return Image.fromarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8))
