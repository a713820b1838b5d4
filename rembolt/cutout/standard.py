"""Our own cut-outs: the edge and the straight colours at full size, found on small copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.cutout.foreground import SIDE, Recolour
from rembolt.cutout.guided import Guided, Lines, small_alpha
from rembolt.cutout.join import StraightRows
from rembolt.cutout.small import Copies
from rembolt.images.enlarge import Enlarged
from rembolt.images.resample import enlarge
from rembolt.images.rows import ArrayRows, Rows, whole

if TYPE_CHECKING:
    from rembolt.cutout.join import Alpha
    from rembolt.images.picture import Picture
    from rembolt.settings import CutoutOptions
    from rembolt.timings import Timings

Bytes = npt.NDArray[np.uint8]

Refine = Callable[[Image.Image, Image.Image], Image.Image]
"""Makes a better mask from a picture and its mask, of the same size (ViTMatte)."""

FindLines = Callable[[Copies, Image.Image], Lines]
"""Finds the lines of a picture, of which it gets copies, from its mask, of any size."""

BICUBIC = Image.Resampling.BICUBIC


class Refiners(NamedTuple):
    """What may make a mask better.

    Attributes:
        vitmatte: used when the option of this name is on.
        lines: used otherwise; None when the mask is to stay as it is.
    """

    vitmatte: Refine
    lines: FindLines | None


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
    refiners: Refiners,
) -> Rows:
    """Cut a picture out.

    Args:
        picture: the photo at full size; its own alpha is multiplied in.
        work: what `shrink` made of it; the refinement and the foreground's colours are found on it.
        masks: of mode `L` and any size; several become a strip.
        options: how to cut out.
        timings: gets the stages refine and foreground.
        refiners: what makes masks better.

    Returns:
        The rows of the RGBA at full size, straight colours.
    """
    copies = Copies(work, picture.image.size)
    parts = [_cut_one(picture, copies, mask, options, timings, refiners) for mask in masks]
    if len(parts) == 1:
        return parts[0]
    with timings.stage("foreground"):
        return ArrayRows(np.concatenate([whole(part) for part in parts]))


def _cut_one(
    picture: Picture,
    copies: Copies,
    mask: Image.Image,
    options: CutoutOptions,
    timings: Timings,
    refiners: Refiners,
) -> Rows:
    with timings.stage("refine"):
        edge = _refined(copies, _cleaned(mask, copies.image.size, options), options, refiners)
        alpha = _moved(_alpha(edge, picture.image), options)
    with timings.stage("foreground"):
        recolour = None
        if options.recolours:
            recolour = _recolour(
                copies, edge if isinstance(alpha, Guided) else alpha.mask, picture.image.size
            )
        return StraightRows(
            picture.image, alpha, picture.alpha, keep_hidden=options.putalpha, recolour=recolour
        )


def _cleaned(mask: Image.Image, size: tuple[int, int], options: CutoutOptions) -> Image.Image:
    """The network's mask without what is no part of the subject, and smoother."""
    if options.remove_islands is not None:
        from rembolt.cutout.islands import remove_islands

        mask = Image.fromarray(remove_islands(np.asarray(mask), options.remove_islands))
    if options.fill_holes is not None:
        from rembolt.cutout.islands import fill_holes

        mask = Image.fromarray(fill_holes(np.asarray(mask), options.fill_holes))
    if options.smooth_mask:
        from rembolt.cutout.smooth import smooth

        mask = Image.fromarray(smooth(np.asarray(mask)))
    if options.post_process_mask:
        from rembolt.cutout.clean import post_process

        mask = Image.fromarray(post_process(np.asarray(enlarge(mask, size, BICUBIC))))
    return mask


def _refined(
    copies: Copies, mask: Image.Image, options: CutoutOptions, refiners: Refiners
) -> Image.Image | Lines:
    if options.vitmatte:
        return refiners.vitmatte(copies.image, enlarge(mask, copies.image.size, BICUBIC))
    if options.post_process_mask and not options.alpha_matting:
        return mask  # it is to be hard
    return mask if refiners.lines is None else refiners.lines(copies, mask)


def _alpha(edge: Image.Image | Lines, image: Image.Image) -> Alpha:
    return Enlarged(edge, image.size, BICUBIC) if isinstance(edge, Image.Image) else Guided(image, edge)


def _moved(alpha: Alpha, options: CutoutOptions) -> Alpha:
    """The alpha with its edge moved or blurred, where that is asked for."""
    if not options.shift_edge and not options.feather:
        return alpha
    pixels = alpha.whole()
    if options.shift_edge:
        from rembolt.cutout.shift import shift

        pixels = shift(pixels, options.shift_edge)
    if options.feather:
        from rembolt.cutout.feather import feather

        pixels = feather(pixels, options.feather)
    return Enlarged(Image.fromarray(pixels), alpha.size, BICUBIC)


def _recolour(copies: Copies, edge: Image.Image | Lines, size: tuple[int, int]) -> Recolour:
    small = copies.at(SIDE)
    if isinstance(edge, Image.Image):
        alpha = np.asarray(edge.resize(small.image.size, Image.Resampling.BOX))
    else:
        alpha = small_alpha(small, edge)
    return Recolour.estimated(small, alpha, size)
