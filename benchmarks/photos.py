"""Photos to measure with, made from scikit-image's so that everyone has the same."""

from __future__ import annotations

import numpy as np
from PIL import Image

GRAIN = 3.0
"""Standard deviation of the noise that takes the place of the detail an enlarged photo lacks."""


def photo(width: int, height: int, name: str = "astronaut") -> Image.Image:
    """A photo of any size, the middle of one of scikit-image's, enlarged.

    Args:
        width: in pixels.
        height: in pixels.
        name: which of `skimage.data`, such as `astronaut` or `chelsea`.

    Raises:
        ImportError: scikit-image is not installed.
    """
    from skimage import data

    source = Image.fromarray(np.ascontiguousarray(getattr(data, name)()[..., :3]))
    scale = max(width / source.width, height / source.height)
    left = (source.width - width / scale) / 2
    top = (source.height - height / scale) / 2
    box = (left, top, left + width / scale, top + height / scale)
    enlarged = np.asarray(source.resize((width, height), Image.Resampling.BICUBIC, box=box))
    noise = np.random.default_rng(0).standard_normal(enlarged.shape, dtype=np.float32) * GRAIN
    return Image.fromarray(np.clip(np.rint(enlarged + noise), 0, 255).astype(np.uint8))
