"""Display matrices: all eight ways a camera can be held."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from rembolt.video.upright import Orientation, orientation

ONE = 1 << 16
STORED = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)


def matrix(a: int, b: int, c: int, d: int) -> bytes:
    return struct.pack("=9i", a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30)


def shown(a: int, b: int, c: int, d: int) -> np.ndarray:
    """By the definition: the stored point (x, y) is shown at (a x + c y, b x + d y)."""
    points = {
        (a * x + c * y, b * x + d * y): STORED[y, x, 0]
        for y in range(STORED.shape[0])
        for x in range(STORED.shape[1])
    }
    left, top = min(x for x, _ in points), min(y for _, y in points)
    width, height = 1 + max(x for x, _ in points) - left, 1 + max(y for _, y in points) - top
    result = np.empty((height, width, 1), np.uint8)
    for (x, y), value in points.items():
        result[y - top, x - left, 0] = value
    return result


@pytest.mark.parametrize(
    "turn",
    [
        *[(1, 0, 0, 1), (-1, 0, 0, 1), (1, 0, 0, -1), (-1, 0, 0, -1)],
        *[(0, 1, 1, 0), (0, -1, 1, 0), (0, 1, -1, 0), (0, -1, -1, 0)],
    ],
)
def test_every_turn(turn: tuple[int, int, int, int]) -> None:
    turned = orientation(matrix(*turn)).turn(STORED)
    np.testing.assert_array_equal(turned, shown(*turn))
    assert turned.flags.c_contiguous


def test_a_slight_tilt_is_none() -> None:
    assert orientation(struct.pack("=9i", ONE, 900, 0, -900, ONE, 0, 0, 0, 1 << 30)) == Orientation()
