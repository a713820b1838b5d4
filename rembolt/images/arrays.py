"""NumPy arrays to a `Picture`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.errors import UnsupportedImageError
from rembolt.images.limits import MAX_PIXELS, check_size
from rembolt.images.picture import Picture


def picture_from_array(array: npt.NDArray[Any], *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Make a picture of an array.

    `uint8` is taken as it is; `bool` becomes 0 and 255; `uint16` is scaled by 255/65535 and rounded. Other
    integers must lie in [0, 255] and are taken as they are. Floats must lie in [0, 1] and are scaled by 255
    and rounded.

    Args:
        array: `(H, W)` or `(H, W, 1)` grey, `(H, W, 2)` grey and alpha, `(H, W, 3)` RGB or `(H, W, 4)` RGBA
            with straight colours; any strides and byte order. Neither changed nor shared with the picture.
        max_pixels: largest height times width accepted.

    Returns:
        The picture, without profile and format; `alpha` is None when it is opaque everywhere.

    Raises:
        UnsupportedImageError: another shape or dtype, no pixels, or values out of range.
        ImageTooLargeError: it has more than `max_pixels` pixels.
    """
    if not isinstance(array, np.ndarray):
        raise UnsupportedImageError(f"expected a NumPy array, not {type(array).__name__}; see numpy.asarray.")
    shape = array.shape
    if not (array.ndim == 2 or (array.ndim == 3 and shape[2] in {1, 2, 3, 4})):
        raise UnsupportedImageError(
            f"an array of shape {shape} is not a photo; give (H, W) or (H, W, C) with 1 to 4 channels last."
        )
    if array.size == 0:
        raise UnsupportedImageError(f"an array of shape {shape} has no pixels; give one that has.")
    check_size(shape[1], shape[0], max_pixels, "the array")
    samples = _to_8_bits(np.asarray(array))
    if samples.ndim == 2:
        return Picture(_image(samples).convert("RGB"))
    channels = shape[2]
    alpha = None
    if channels in {2, 4} and samples[:, :, -1].min() < 255:
        alpha = samples[:, :, -1].copy()
    if channels <= 2:
        return Picture(_image(samples[:, :, 0]).convert("RGB"), alpha)
    return Picture(_image(samples[:, :, :3]), alpha)


def _image(samples: npt.NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(samples))


def _to_8_bits(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    dtype = array.dtype
    if dtype == np.uint8:
        return array
    if dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if dtype.kind == "u" and dtype.itemsize == 2:
        return ((array.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if dtype.kind in "iu":
        lowest, highest = array.min(), array.max()
        if lowest < 0 or highest > 255:
            raise UnsupportedImageError(
                f"{dtype} values must lie in [0, 255], these lie in [{lowest}, {highest}]; "
                "scale them, or give 16-bit data as uint16."
            )
        return array.astype(np.uint8)
    if dtype.kind == "f":
        lowest, highest = array.min(), array.max()
        # NaN fails both comparisons.
        if not (lowest >= 0 and highest <= 1):
            raise UnsupportedImageError(
                f"{dtype} values must lie in [0, 1], these lie in [{lowest}, {highest}]; "
                "divide them by their white level, or give them as uint8."
            )
        levels: npt.NDArray[Any] = np.rint(array.astype(np.float32) * np.float32(255))
        return levels.astype(np.uint8)
    raise UnsupportedImageError(f"an array of {dtype} is not a photo; give uint8, uint16, bool or floats.")
