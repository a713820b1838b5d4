"""rembg's cut-outs, pixel for pixel: Pillow images in, a Pillow image out.

This is the path of `rembolt.rembg` and of `exact=True`. It keeps rembg's rules even where ours differ:
colours are multiplied by alpha and stored as if they were straight, several masks become one tall strip,
and a photo's own alpha survives only where Pillow's blending keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.cutout.clean import post_process
from rembolt.cutout.join import MultipliedRows
from rembolt.cutout.matting import matte, multi_level_foreground
from rembolt.errors import RemboltError, UnreadableImageError, UnsupportedImageError
from rembolt.images.resample import enlarge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rembolt.cutout.standard import Refine
    from rembolt.settings import CutoutOptions, OutputOptions
    from rembolt.timings import Timings

    Segment = Callable[[Image.Image, CutoutOptions, Timings], list[Image.Image]]


def cut_whole(
    image: Image.Image,
    segment: Segment,
    options: CutoutOptions,
    output: OutputOptions,
    timings: Timings,
    refine: Refine,
) -> Image.Image | MultipliedRows:
    """Find the subject of `image` and cut it out as rembg does.

    Args:
        image: the upright photo, any mode; with `options.putalpha` it is changed.
        segment: finds the masks, as a `Segmenter` does.
        options: how to cut out.
        output: only `only_mask` and `bgcolor` are used.
        timings: gets the stages of `segment`, and foreground.
        refine: used when `options.vitmatte` is on.

    Returns:
        See `cut_exactly`; rows where they can be made one by one.

    Raises:
        UnreadableImageError: the photo has no pixels.
        UnsupportedImageError: rembg fails with this photo.
        RemboltError: see `segment` and `cut_exactly`.
    """
    if 0 in image.size:
        raise UnreadableImageError(f"the image is {image.width} x {image.height}: it has no pixels.")
    try:
        masks = segment(image, options, timings)
        with timings.stage("foreground"):
            if rows := exact_rows(image, masks, options, output):
                return rows
            masks = [enlarged(mask, image.size) for mask in masks]
            return cut_exactly(image, masks, options, output, refine)
    except RemboltError:
        raise
    except (ValueError, ZeroDivisionError) as error:  # Pillow's and PyMatting's: rembg fails there too
        raise UnsupportedImageError(
            f"an image of mode {image.mode} and {image.width} x {image.height} pixels has no exact "
            f"form here ({error}); leave exact off."
        ) from error


def cut_exactly(
    image: Image.Image,
    masks: Sequence[Image.Image],
    options: CutoutOptions,
    output: OutputOptions,
    refine: Refine | None = None,
) -> Image.Image:
    """Cut `image` out as rembg does.

    Args:
        image: the upright photo, any mode; with `options.putalpha` it is changed.
        masks: of the photo's size, of a mode that Pillow takes for a mask.
        options: how to cut out.
        output: only `only_mask` and `bgcolor` are used.
        refine: used when `options.vitmatte` is on.

    Returns:
        An `RGBA` image; with `only_mask` and one mask, an `L` image.

    Raises:
        MissingExtraError: matting or decontamination was asked for and PyMatting is not installed.
    """
    if options.post_process_mask:
        masks = [Image.fromarray(post_process(np.asarray(mask))) for mask in masks]
    if output.only_mask:
        return _strip(masks) if masks else image
    cutout = _strip([_cut(image, mask, options, refine) for mask in masks]) if masks else image
    if output.bgcolor is not None:
        background = Image.new("RGBA", cutout.size, output.bgcolor)
        cutout = Image.alpha_composite(background, cutout.convert("RGBA"))
    return cutout


def exact_rows(
    image: Image.Image, masks: Sequence[Image.Image], options: CutoutOptions, output: OutputOptions
) -> MultipliedRows | None:
    """Give the rows of the same cut-out where they can be made one by one, as in the default case.

    Args:
        image: see `cut_exactly`; not changed.
        masks: see `cut_exactly`; but a mask of mode `L` of another size is enlarged.
        options: see `cut_exactly`.
        output: see `cut_exactly`.
    """
    refined = options.post_process_mask or options.vitmatte or options.alpha_matting or options.decontaminate
    if refined or options.putalpha or output.only_mask or output.bgcolor is not None:
        return None
    if len(masks) != 1 or masks[0].mode != "L":
        return None
    return MultipliedRows(image, masks[0])


def enlarged(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Give a mask the photo's size as rembg does."""
    return enlarge(mask, size, Image.Resampling.LANCZOS)


def _cut(image: Image.Image, mask: Image.Image, options: CutoutOptions, refine: Refine | None) -> Image.Image:
    if options.vitmatte and refine is not None:
        mask = refine(image, mask)
        return _put_alpha(image, mask) if options.putalpha else _decontaminated(image, mask)
    if options.alpha_matting:
        try:
            return _matted(image, mask, options)
        except ValueError:
            # No sure foreground or background to start from: rembg keeps the mask and cleans the colours.
            return _put_alpha(image, mask) if options.putalpha else _decontaminated(image, mask)
    if options.putalpha:
        return _put_alpha(image, mask)
    if options.decontaminate:
        return _decontaminated(image, mask)
    return Image.composite(image, Image.new("RGBA", image.size, 0), mask)


def _put_alpha(image: Image.Image, mask: Image.Image) -> Image.Image:
    # On the image itself, as rembg does: all parts of a strip then show the last mask.
    image.putalpha(mask)
    return image


def _matted(image: Image.Image, mask: Image.Image, options: CutoutOptions) -> Image.Image:
    if image.mode in ("RGBA", "CMYK", "LA", "PA"):  # rembg fails with the last two
        image = image.convert("RGB")
    return _stacked(*matte(np.asarray(image), np.asarray(mask), options))


def _decontaminated(image: Image.Image, mask: Image.Image) -> Image.Image:
    pixels = np.asarray(image.convert("RGB"))
    alpha = np.asarray(mask.convert("L")) / 255.0
    return _stacked(multi_level_foreground(pixels, alpha), alpha)


def _stacked(foreground: npt.NDArray[np.float32], alpha: npt.NDArray[np.float64]) -> Image.Image:
    """Colours and alpha as 8-bit RGBA; rembg cuts the fraction off."""
    rgba = np.concatenate([foreground, alpha[:, :, np.newaxis]], axis=2)
    return Image.fromarray(np.clip(rgba * 255, 0, 255).astype(np.uint8))


def _strip(images: Sequence[Image.Image]) -> Image.Image:
    """All images below one another on a transparent canvas; a single one as it is."""
    strip = images[0]
    for image in images[1:]:
        taller = Image.new("RGBA", (strip.width, strip.height + image.height))
        taller.paste(strip, (0, 0))
        taller.paste(image, (0, strip.height))
        strip = taller
    return strip
