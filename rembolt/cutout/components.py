"""Connected components of a region, by runs.

A run is an unbroken stretch of a row that belongs to the region. There are far fewer runs than pixels, so
they are found, joined and painted as arrays, and no pixel is looked at one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Neighbours = Literal[4, 8]
Region = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Components:
    """The connected components of a region.

    Attributes:
        shape: `(H, W)` of the region.
        starts, ends: `int64` `(runs,)`, from the first row to the last and from left to right: where in the
            flattened region a run begins, and one after its last pixel.
        labels: `int64` `(runs,)`, the component of each run, from 0 to `count - 1`.
        count: how many components there are.
    """

    shape: tuple[int, int]
    starts: Whole
    ends: Whole
    labels: Whole
    count: int

    def sums(self, values: npt.NDArray[Any]) -> Whole:
        """Add up the pixels of each component.

        Args:
            values: whole numbers or booleans `(H, W)`.

        Returns:
            `int64` `(count,)`.
        """
        total = np.zeros(self.count, np.int64)
        if self.count:
            flat = values.ravel()
            bounds = np.stack((self.starts, self.ends), axis=1).ravel()
            if bounds[-1] == flat.size:  # the last sum goes to the end by itself
                bounds = bounds[:-1]
            np.add.at(total, self.labels, np.add.reduceat(flat, bounds, dtype=np.int64)[::2])
        return total

    def touch_border(self) -> Region:
        """Say of each component whether it reaches the picture's border: `bool` `(count,)`."""
        height, width = self.shape
        row, first = np.divmod(self.starts, width)
        last = first + self.ends - self.starts
        touching = np.zeros(self.count, bool)
        touching[self.labels[(row == 0) | (row == height - 1) | (first == 0) | (last == width)]] = True
        return touching

    def paint(self, target: npt.NDArray[np.uint8], chosen: Region, value: int) -> None:
        """Set the pixels of some components.

        Args:
            target: `uint8` `(H, W)`, contiguous; changed in place.
            chosen: `bool` `(count,)`, which of them.
            value: what their pixels become.
        """
        runs = chosen[self.labels]
        target.reshape(-1)[_spelt_out(self.starts[runs], (self.ends - self.starts)[runs])] = value


def components(region: Region, neighbours: Neighbours) -> Components:
    """Find the connected components of a region.

    A subject takes 8 neighbours, since a hair one pixel wide that goes down by steps is one hair; what is
    around it, and its holes, then take 4, since such a hair has to keep its two sides apart.

    Args:
        region: `bool` `(H, W)`.
        neighbours: 8 joins pixels that touch at a corner, 4 only those that share a side.
    """
    height, width = region.shape
    stride = width + 1
    # A column of False after each row ends its last run, and one pixel before all begins the first.
    padded = np.zeros(height * stride + 1, bool)
    padded[1:].reshape(height, stride)[:, :width] = region
    changes = np.flatnonzero(padded[1:] != padded[:-1]).astype(np.int64)
    starts, ends = changes[::2], changes[1::2]
    labels, count = _numbered(_joined(len(starts), *_touching(starts, ends, stride, neighbours)))
    row = starts // stride
    return Components((height, width), starts - row, ends - row, labels, count)


def _touching(starts: Whole, ends: Whole, stride: int, neighbours: Neighbours) -> tuple[Whole, Whole]:
    """Pairs of runs, the upper and the lower, that touch across two rows."""
    corner = 1 if neighbours == 8 else 0
    # Moved down a row, the upper run [a, b) touches the lower [c, d) when b > c - corner and a < d + corner;
    # runs are in order, so those that do are neighbours in the list.
    first = np.searchsorted(ends + stride, starts - corner, side="right")
    number = np.searchsorted(starts + stride, ends + corner, side="left") - first
    return _spelt_out(first, number), np.repeat(np.arange(len(starts)), number)


def _spelt_out(starts: Whole, lengths: Whole) -> Whole:
    """All the numbers of some ranges, one range after the other."""
    before = np.cumsum(lengths) - lengths
    positions: Whole = np.arange(lengths.sum()) + np.repeat(starts - before, lengths)
    return positions


def _joined(count: int, upper: Whole, lower: Whole) -> Whole:
    """Union-find on whole arrays: the root, which is the first run, of each run.

    Each round hangs every root below the lowest root it touches and then flattens the trees. In two rounds
    every component that still has a neighbour is joined to one, so that a few rounds do.
    """
    roots = np.arange(count)
    while True:
        first, second = roots[upper], roots[lower]
        apart = first != second
        if not apart.any():
            return roots
        upper, lower = upper[apart], lower[apart]
        first, second = first[apart], second[apart]
        np.minimum.at(roots, np.maximum(first, second), np.minimum(first, second))
        while not np.array_equal(flatter := roots[roots], roots):
            roots = flatter


def _numbered(roots: Whole) -> tuple[Whole, int]:
    """Labels from 0 in the order of the roots, and how many there are."""
    is_root = roots == np.arange(len(roots))
    return (np.cumsum(is_root) - 1)[roots], int(is_root.sum())
