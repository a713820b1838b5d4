"""Photos to measure with, made from nothing so that everyone has the same."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = npt.NDArray[np.float32]

GRAIN = 3.0
"""Standard deviation of the sensor's noise, in 8-bit steps."""

COOL = (62.0, 96.0, 128.0)
WARM = (214.0, 146.0, 98.0)

RADIUS = 0.335
"""Of the subject: times the side of the square that is as large as the photo."""

WAVES = ((3, 0.12), (7, 0.04), (41, 0.012))
"""Of its outline: how many go around, and how high each is, in radii."""


def photo(width: int, height: int, seed: int = 0) -> Image.Image:
    """Something warm on a cool background out of focus, with texture, an uneven outline and grain.

    The subject has more red than blue and the background less, everywhere, so that even a network that only
    sees colours finds it; see `rembolt.bench.random_networks`.

    Args:
        width: in pixels.
        height: in pixels.
        seed: of the background, the texture and the grain; the same seed gives the same photo.
    """
    random = np.random.default_rng(seed)
    size = (width, height)
    pixels = _ground(random, size)
    opacity = np.asarray(subject(width, height), np.float32)[..., np.newaxis] / np.float32(255)
    pixels += opacity * (_surface(random, size) - pixels)
    pixels += random.standard_normal(pixels.shape, dtype=np.float32) * np.float32(GRAIN)
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def subject(width: int, height: int) -> Image.Image:
    """Where the subject of `photo` is: mode `L`, 255 inside, with a soft edge; about a third of the photo."""
    mask = Image.new("L", (width, height))
    angles = np.linspace(0, 2 * np.pi, 1440, endpoint=False)
    radii = 1 + sum(high * np.sin(count * angles + 0.6) for count, high in WAVES)
    # Stretched a little with the photo, so that it does not leave a wide or high one.
    across, down = (RADIUS * (side / (width * height) ** 0.5) ** 0.5 for side in (width, height))
    side = (width * height) ** 0.5
    x = width / 2 + radii * np.cos(angles) * across * side
    y = height / 2 + radii * np.sin(angles) * down * side
    ImageDraw.Draw(mask).polygon(list(zip(x.tolist(), y.tolist(), strict=True)), fill=255)
    return _soft(mask)


def _soft(mask: Image.Image) -> Image.Image:
    return mask.filter(ImageFilter.GaussianBlur(mask.height / 800))


def _ground(random: np.random.Generator, size: tuple[int, int]) -> Floats:
    """A background out of focus: large shapes alone, `float32` `(H, W, 3)` in 8-bit steps."""
    light = 18 * _clouds(random, size, (3, 5))
    down = np.linspace(14, -24, size[1], dtype=np.float32)[:, np.newaxis]
    return np.array(COOL, np.float32) + (light + down)[..., np.newaxis]


def _surface(random: np.random.Generator, size: tuple[int, int]) -> Floats:
    """Lit from the left, with texture down to a few pixels, `float32` `(H, W, 3)` in 8-bit steps."""
    light = np.linspace(26, -34, size[0], dtype=np.float32)[np.newaxis]
    texture = 7 * _clouds(random, size, (12, 40, 120))
    return np.array(WARM, np.float32) + (light + texture)[..., np.newaxis]


def _clouds(random: np.random.Generator, size: tuple[int, int], cells: Sequence[int]) -> Floats:
    """Smooth noise of several scales, about in [-1, 1], `float32` `(H, W)`."""
    total = np.zeros((size[1], size[0]), np.float32)
    for count in cells:
        grid = random.standard_normal((count, count), dtype=np.float32)
        total += np.asarray(Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC))
    return total / np.float32(len(cells))


def jpeg(image: Image.Image) -> bytes:
    """The photo as a camera's file."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
