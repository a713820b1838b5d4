"""Margins, scales and positions as people write them."""

from __future__ import annotations

import re
from typing import NamedTuple

LARGEST_MARGIN_PIXELS = 5000
LARGEST_MARGIN_PERCENT = 100
SMALLEST_SCALE = 10
"""Percent of the picture."""

MARGIN_FORMS = (
    f"1, 2 or 4 lengths such as 10px or 5%, up to {LARGEST_MARGIN_PIXELS}px or {LARGEST_MARGIN_PERCENT}%"
)
SCALE_FORMS = f"original, or {SMALLEST_SCALE}% to 100%"
POSITION_FORMS = "original, center, or 0% to 100% once or twice (across, down)"

_LENGTH = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(px|%)", re.ASCII)


class Length(NamedTuple):
    """So many pixels, or so many percent of something."""

    value: float
    percent: bool

    def pixels(self, whole: int) -> int:
        """The length in pixels where 100 % are `whole` pixels, rounded."""
        return round(self.value * whole / 100) if self.percent else round(self.value)


class Margins(NamedTuple):
    """Room on the four sides, in the order of CSS."""

    top: Length
    right: Length
    bottom: Length
    left: Length


def margins_of(text: str) -> Margins | None:
    """Read one length for all sides, two (top and bottom, right and left) or four (clockwise from the top).

    Returns:
        None for anything else, and past the largest margins.
    """
    lengths = [_length(word) for word in text.split()]
    if len(lengths) not in (1, 2, 4):
        return None
    known = [length for length in lengths if length is not None and _is_margin(length)]
    if len(known) < len(lengths):
        return None
    top, right, bottom, left = known * (4 // len(known))
    return Margins(top, right, bottom, left)


def scale_of(text: str) -> float | None:
    """Read the part of the picture that the subject may fill, 0.1 to 1; None for anything else."""
    length = _length(text.strip())
    if length is None or not length.percent or not SMALLEST_SCALE <= length.value <= 100:
        return None
    return length.value / 100


def position_of(text: str) -> tuple[float, float] | None:
    """Read where in the free room the subject lies, across and down, 0 to 1 each; None for anything else."""
    words = text.split()
    if words == ["center"]:
        return 0.5, 0.5
    lengths = [_length(word) for word in words]
    shares = [length.value / 100 for length in lengths if length is not None and length.percent]
    if len(shares) < len(words) or len(shares) not in (1, 2) or max(shares) > 1:
        return None
    return shares[0], shares[-1]


def region_of(text: str, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Read a region of a picture: two opposite corners, each across and down, in pixels or percent.

    Args:
        text: four lengths, as in `10px 10px 90% 90%`.
        size: the picture's width and height.

    Returns:
        Left, top, right and bottom in pixels, which may lie beyond the picture or on each other; None for
        anything else.
    """
    lengths = [length for word in text.split() if (length := _length(word)) is not None]
    if len(lengths) != 4 or len(text.split()) != 4:
        return None
    across = sorted(length.pixels(size[0]) for length in lengths[0::2])
    down = sorted(length.pixels(size[1]) for length in lengths[1::2])
    return across[0], down[0], across[1], down[1]


def _length(word: str) -> Length | None:
    if word == "0":
        return Length(0, percent=False)
    match = _LENGTH.fullmatch(word)
    return Length(float(match[1]), match[2] == "%") if match else None


def _is_margin(length: Length) -> bool:
    return length.value <= (LARGEST_MARGIN_PERCENT if length.percent else LARGEST_MARGIN_PIXELS)
