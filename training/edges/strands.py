"""Alphas that no mask of a saliency dataset has: hair, fur, leaves, and edges out of focus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Alpha = NDArray[np.float32]

FINE = 2
"""Strands are drawn at this many times the size and averaged: a hair is thinner than a pixel."""

SHIFT = 4
"""Bits behind the point of the coordinates that are drawn."""


def fringed(random: Generator, alpha: Alpha) -> Alpha:
    """Give a hard alpha the edge of something real: hair, fur, leaves, blur, or what it has.

    Args:
        random: where chance comes from.
        alpha: `(S, S)` in [0, 1], subject and background both in it.
    """
    kind = random.random()
    if kind < 0.5:
        alpha = _hair(random, alpha)
    elif kind < 0.72:
        alpha = _leaves(random, alpha)
    elif kind < 0.77:
        alpha = _net(random, alpha)
    if random.random() < 0.5:
        alpha = _out_of_focus(random, alpha)
    return alpha


def _hair(random: Generator, alpha: Alpha) -> Alpha:
    """Draw strands that start at the outline and bend their own way; some are gaps that lead inwards."""
    size = len(alpha)
    large = cv2.resize(alpha, None, fx=FINE, fy=FINE, interpolation=cv2.INTER_LINEAR)
    outline = cv2.morphologyEx((large > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    starts = np.argwhere(outline > 0)[:, ::-1].astype(np.float32)
    if not len(starts):
        return alpha
    part = random.uniform(0.2, 1)  # of the outline has hair: what lies on one side of a line
    way = random.uniform(0, 2 * np.pi)
    side = starts @ np.float32([np.cos(way), np.sin(way)])
    starts = starts[side <= np.quantile(side, part)]
    smooth = cv2.GaussianBlur(large, (0, 0), 6 * FINE)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    count = int(len(starts) * random.uniform(0.05, 0.8))
    longest = size * FINE * random.uniform(0.02, 0.25)
    thick = random.uniform(0.5, 2.5) * FINE
    curl, spread = random.uniform(0, 0.25), random.uniform(0.05, 0.9)
    combed = random.normal(0, 0.6)  # all of it leans the same way
    strong = random.uniform(0.35, 1)
    hair, gaps = np.zeros_like(large), np.zeros_like(large)
    hairs = _strands(random, starts, (across, down), count, longest, curl, spread, combed)
    for points, inwards in hairs:
        value = float(strong * random.uniform(0.6, 1))
        width = max(1, round(thick * random.uniform(0.5, 1)))
        canvas = gaps if inwards else hair
        halves = (points, points[: len(points) // 2]) if width > 1 else (points,)
        for number, line in enumerate(halves):  # thinner towards the tip
            fixed = np.rint(line * (1 << SHIFT)).astype(np.int32)
            thickness = width if number else max(1, width - 1)
            cv2.polylines(canvas, [fixed[:, None]], False, value, thickness, cv2.LINE_AA, SHIFT)
    large = np.maximum(large * (1 - gaps), hair)
    return cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA)


def _strands(
    random: Generator,
    starts: Alpha,
    slope: tuple[Alpha, Alpha],
    count: int,
    longest: float,
    curl: float,
    spread: float,
    combed: float,
) -> list[tuple[Alpha, bool]]:
    """Points of each strand `(N, 2)`, and whether it is a gap."""
    chosen = starts[random.integers(0, len(starts), count)]
    columns, rows = chosen[:, 0].astype(int), chosen[:, 1].astype(int)
    # Outwards is where the smoothed alpha falls.
    angles = np.arctan2(-slope[1][rows, columns], -slope[0][rows, columns])
    gap = random.random(count) < random.choice([0, 0.1, 0.4])
    angles = angles + combed + random.normal(0, spread, count) + np.where(gap, np.pi, 0)
    steps = 8
    lengths = longest * random.uniform(0.2, 1, count) * np.where(gap, 0.5, 1) / steps
    turns = random.normal(0, curl, (count, steps)) + random.normal(0, curl, (count, 1))
    headings = angles[:, None] + np.cumsum(turns, axis=1)
    moves = np.stack([np.cos(headings), np.sin(headings)], axis=-1) * lengths[:, None, None]
    points = chosen[:, None] + np.concatenate([np.zeros((count, 1, 2)), np.cumsum(moves, axis=1)], axis=1)
    return list(zip(points.astype(np.float32), gap.tolist(), strict=True))


def _leaves(random: Generator, alpha: Alpha) -> Alpha:
    """Let noise decide near the outline: foliage, lace, splashes."""
    size = len(alpha)
    reach = size * random.choice([random.uniform(0.02, 0.1), random.uniform(0.1, 0.3)])
    near = cv2.GaussianBlur(alpha, (0, 0), reach)
    grain = random.uniform(1.2, 8)
    noise = cv2.GaussianBlur(random.normal(0, 1, (size, size)).astype(np.float32), (0, 0), grain)
    noise *= random.uniform(0.15, 0.5) / max(float(noise.std()), 1e-6)
    steep = random.uniform(2, 14)
    return np.clip((near + noise * (4 * near * (1 - near)) - 0.5) * steep + 0.5, 0, 1).astype(np.float32)


def _net(random: Generator, alpha: Alpha) -> Alpha:
    """Let the background show between the wires of a net."""
    size = len(alpha)
    across, down = np.meshgrid(np.arange(size), np.arange(size))
    wires = np.zeros_like(alpha)
    first = random.uniform(0, np.pi)
    for angle in (first, first + random.uniform(0.5, np.pi / 2)):
        apart, thick = random.uniform(6, 30), random.uniform(1, 4)
        bent = random.uniform(0, 4) * np.sin(across / size * random.uniform(2, 12))
        place = (across * np.cos(angle) + (down + bent) * np.sin(angle)) % apart
        wires = np.maximum(wires, np.clip((thick - np.abs(place - apart / 2) * 2) / 2 + 0.5, 0, 1))
    return (alpha * wires).astype(np.float32)


def _out_of_focus(random: Generator, alpha: Alpha) -> Alpha:
    """Blur by amounts that change across the picture."""
    size = len(alpha)
    little, much = np.sort(random.uniform(0.3, 4, 2))
    first, second = (cv2.GaussianBlur(alpha, (0, 0), float(sigma)) for sigma in (little, much))
    where = random.random((3, 3)).astype(np.float32)
    where = np.clip(cv2.resize(where, (size, size), interpolation=cv2.INTER_CUBIC), 0, 1)
    return first + (second - first) * where
