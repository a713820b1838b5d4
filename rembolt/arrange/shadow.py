"""A soft shadow under the subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from rembolt.cutout.compose import over

if TYPE_CHECKING:
    from rembolt.cutout.subject import Box

Bytes = npt.NDArray[np.uint8]

SOFTNESS = 0.03
"""Standard deviation of the blur, as a part of the subject's longest side."""

RIGHT, DOWN = 0.015, 0.03
"""How far it is shifted, as a part of the subject's longest side: light from above and the left."""

_SMALL_SIGMA = 4
"""Standard deviation in pixels of the copy that is blurred: as smooth at any size, and quick at all."""


def with_shadow(rgba: Bytes, box: Box, opacity: float) -> Bytes:
    """Put a black, soft shadow of the subject under it.

    Args:
        rgba: `uint8` `(H, W, 4)`, straight colours.
        box: around the subject; blur and shift are in proportion to it.
        opacity: of the shadow under an opaque subject, in percent.

    Returns:
        `uint8` `(H, W, 4)`, straight colours.
    """
    height, width = rgba.shape[:2]
    side = max(box.width, box.height)
    factor = min(1.0, _SMALL_SIGMA / (SOFTNESS * side))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    alpha = Image.fromarray(np.ascontiguousarray(rgba[:, :, 3])).resize(size, Image.Resampling.BOX)
    alpha = _shifted(alpha, round(RIGHT * side * factor), round(DOWN * side * factor))
    alpha = alpha.filter(ImageFilter.GaussianBlur(SOFTNESS * side * factor))
    alpha = alpha.point([round(level * opacity / 100) for level in range(256)])
    shadow = Image.new("RGBA", (width, height))
    shadow.putalpha(alpha.resize((width, height), Image.Resampling.BICUBIC))
    return over(rgba, shadow)


def _shifted(alpha: Image.Image, right: int, down: int) -> Image.Image:
    # A subject that the photo's edge cuts off goes on there.
    pixels = np.pad(np.asarray(alpha), ((down, 0), (right, 0)), "edge")
    return Image.fromarray(np.ascontiguousarray(pixels[: alpha.height, : alpha.width]))
