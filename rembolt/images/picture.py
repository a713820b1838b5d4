"""A decoded photo, as every stage after `decode` sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded photo: upright, 8-bit RGB, with what came beside the colours.

    Attributes:
        image: Pillow image of mode `RGB`, upright. Never changed after construction.
        alpha: the photo's own opacity, `uint8` `(H, W)` in [0, 255], or None when it had none.
        icc_profile: the ICC profile that describes `image`'s colours (always an RGB profile), or None.
        format: name of the source format as Pillow spells it (`"JPEG"`, `"PNG"`, …), None for arrays.
    """

    image: Image.Image
    alpha: npt.NDArray[np.uint8] | None = None
    icc_profile: bytes | None = field(default=None, repr=False)
    format: str | None = None

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.image.width

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.image.height

    def with_alpha(self) -> Image.Image:
        """The photo as one image: mode `RGBA` where it has an alpha of its own, otherwise `RGB`."""
        if self.alpha is None:
            return self.image
        image = self.image.convert("RGBA")
        image.putalpha(Image.fromarray(self.alpha))
        return image

    @cached_property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """The colours as a `uint8` RGB array `(H, W, 3)`."""
        return np.asarray(self.image)
