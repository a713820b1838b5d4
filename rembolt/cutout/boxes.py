"""Boxes that hold what a picture is to be looked at for: each look costs as much as its box is large."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from rembolt.cutout.subject import Box, box_of

Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

GAIN = 0.1
"""Share of a box that cutting it must save to be worth another look."""

AHEAD = 2
"""Cuts one after the other that may save nothing, for the sake of the next."""

SMALL = 4096
"""Positions of a box, with its margin, that are sooner looked at than cut."""


def boxes(wanted: Flags, multiple: int, margin: int, most: int) -> list[Box]:
    """Find boxes that hold all that is wanted, each of it once.

    Args:
        wanted: `bool` `(h, w)`.
        multiple: boxes begin and end at multiples of this many positions, or where the grid ends.
        margin: positions around each box that will be looked at too, a multiple as well.
        most: positions of a box with its margin, which is only more where a cut would not make it less.
    """
    height, width = wanted.shape
    padded = np.pad(wanted, ((0, -height % multiple), (0, -width % multiple)))
    cells = padded.reshape(padded.shape[0] // multiple, multiple, -1, multiple)
    blocks: Flags = np.logical_or.reduce(cells, axis=(1, 3))
    cover = _Cover(blocks, margin // multiple, most // multiple**2, SMALL // multiple**2)
    _, found = cover.best(Box(0, 0, blocks.shape[1], blocks.shape[0]), AHEAD)
    return [Box(*(edge * multiple for edge in box)).grown(0, (width, height)) for box in found]


class _Cover:
    """Finds what `boxes` gives, in whole multiples; the arguments are its own, in these."""

    def __init__(self, wanted: Flags, margin: int, most: int, small: int) -> None:
        self._wanted, self._margin, self._most = wanted, margin, most
        self._small = min(small, most)

    def best(self, box: Box, ahead: int) -> tuple[int, list[Box]]:
        """What is looked at for what is wanted in a box, and the boxes for it."""
        part = self._wanted[box.slices]
        used = box_of(part.view(np.uint8), above=0)
        if used is None:
            return 0, []
        part = part[used.slices]
        box = used.moved(box.left, box.top)
        whole = self._looked_at(box.height, box.width)
        fits = whole <= self._most
        if part.size == 1 or (fits and part.sum() > (1 - GAIN) * whole) or whole <= self._small:
            return whole, [box]
        (across, row), (down, column) = self._cut(part), self._cut(part.T)
        if min(across, down) > (1 - GAIN) * whole:
            if fits and not ahead:
                return whole, [box]
            ahead -= 1
            across, down = box.width, box.height  # the longer side is cut in its middle
            row, column = box.height // 2, box.width // 2
        if across <= down:
            halves = box._replace(bottom=box.top + row), box._replace(top=box.top + row)
        else:
            halves = box._replace(right=box.left + column), box._replace(left=box.left + column)
        (first, ours), (second, theirs) = (self.best(half, max(ahead, 0)) for half in halves)
        if first + second <= (1 - GAIN) * whole or (not fits and max(first, second) < whole):
            return first + second, ours + theirs
        return whole, [box]

    def _looked_at(self, height: Any, width: Any) -> Any:
        return (height + 2 * self._margin) * (width + 2 * self._margin)

    def _cut(self, part: Flags) -> tuple[float, int]:
        """What is to be looked at if the part is cut between two of its rows, at best, and where that is."""
        height, width = part.shape
        if height == 1:
            return math.inf, 0
        used = part.any(axis=1)
        first = np.where(used, part.argmax(axis=1), width)
        last = np.where(used, width - part[:, ::-1].argmax(axis=1), 0)
        both = self._areas(first, last)[:-1] + self._areas(first[::-1], last[::-1])[-2::-1]
        row = int(both.argmin())
        return float(both[row]), row + 1

    def _areas(self, first: Places, last: Places) -> Places:
        """What is looked at for the first row, the first two and so on, without empty rows at the end."""
        heights = np.maximum.accumulate(np.where(last > 0, np.arange(1, len(last) + 1), 0))
        widths = np.maximum.accumulate(last) - np.minimum.accumulate(first)
        areas: Places = self._looked_at(heights, widths)
        return areas
