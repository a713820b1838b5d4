"""From a picture to the tensor a network takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.images.resample import reduce, shrink

if TYPE_CHECKING:
    from rembolt.models.spec import ModelSpec


GAP = 1.5
"""Times as large as the network's input that the averages of blocks stay, on each side."""


def prepare(image: Image.Image, spec: ModelSpec, *, exact: bool) -> npt.NDArray[np.float32]:
    """Shrink and normalise a picture for `spec`'s network. The aspect is not kept: networks are trained so.

    Args:
        image: the picture; any mode when `exact` (converted as rembg does), else `RGB`.
        spec: the model; its `input_size`, `mean`, `std` and `brightness` are used.
        exact: rembg's pixels (Lanczos over the full picture) instead of a box reduction followed by
            Lanczos, which reads a large picture once and differs by a grey level here and there.

    Returns:
        `float32` `(1, 3, H, W)`.
    """
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    small = shrink(rgb, spec.input_size, Image.Resampling.LANCZOS) if exact else reduced(rgb, spec.input_size)
    return normalise(np.asarray(small), spec)[np.newaxis]


def reduced(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Shrink a picture, most of the way by averaging whole blocks of pixels."""
    across, down = (max(1, int(old / new / GAP)) for old, new in zip(image.size, size, strict=True))
    box = (0.0, 0.0, image.width / across, image.height / down)
    if (across, down) != (1, 1):
        image = reduce(image, (across, down))
    return shrink(image, size, Image.Resampling.LANCZOS, box)


def normalise(pixels: npt.NDArray[np.uint8], spec: ModelSpec) -> npt.NDArray[np.float32]:
    """Apply `(value / brightness - mean) / std` to each channel.

    There are only 256 byte values, so the result is looked up in a table for each channel. The tables are
    computed in float64 and rounded once, as rembg does for every pixel: the same bits at a fraction of
    the cost.

    Args:
        pixels: `uint8` RGB `(H, W, 3)`.
        spec: the model.

    Returns:
        `float32` `(3, H, W)`.
    """
    values = np.arange(256, dtype=np.float64)
    divisor = max(float(pixels.max()), 1e-6) if spec.brightness == "photo-maximum" else 255.0
    tensor = np.empty((3, *pixels.shape[:2]), dtype=np.float32)
    for channel, (mean, std) in enumerate(zip(spec.mean, spec.std, strict=True)):
        table = ((values / divisor - mean) / std).astype(np.float32)
        # No index is out of range; "clip" only spares NumPy a copy.
        np.take(table, pixels[:, :, channel], out=tensor[channel], mode="clip")
    return tensor
