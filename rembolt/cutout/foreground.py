"""The subject's own colours where it is half transparent.

A soft edge shows a mix of subject and background. Both are estimated on a small copy, from coarse to fine,
inside the band alone: Germer et al., "Fast Multi-Level Foreground Estimation" (ICPR 2020). They change
slowly, so the full picture only takes them from the copy and keeps its own detail: of all pairs of colours
that mix to exactly what the photo shows, each pixel gets the nearest.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.cutout.grid import Axis, axis
from rembolt.cutout.small import Copies, Small
from rembolt.images.bands import BAND, for_bands

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

SIDE = 256
"""Longest side in pixels of the copy that colours are estimated on."""

SMOOTH = np.float32(1e-5)
"""How much neighbours' colours are alike whatever the alpha; beside it counts the alpha's change."""

COARSEST = 1
"""Longest side at which estimating begins."""

LEAST = 2
"""Of 255: an alpha that near to clear or opaque leaves the photo's colour as it is."""

ROUNDS, MORE_ROUNDS = 2, 6
"""How often neighbours are compared: at the finest size, and at the others, which is cheap."""

MOMENTUM = np.float32(0.7)

TRUST = np.float32(0.01)
"""Of the estimate against the photo's own mix: keeps the division from amplifying noise."""


class Colours(NamedTuple):
    """Foreground and background of a picture, on a small copy.

    Attributes:
        values: `float32` `(6, h, w)`, RGB of the foreground, then of the background, in [0, 255].
        step: pixels of the picture, across and down, from one of these to the next.
    """

    values: Floats
    step: tuple[float, float]


def estimate(pixels: Bytes, alpha: Bytes) -> Floats:
    """Estimate foreground and background.

    Args:
        pixels: `uint8` RGB `(H, W, 3)`.
        alpha: `uint8` `(H, W)` in [0, 255].

    Returns:
        `float32` `(6, H, W)` in [0, 255], RGB of the foreground, then of the background. Where alpha is 255
        or 0 one of the two is the picture's own colour, beside soft pixels nearly so.
    """
    pictures = [np.concatenate([pixels.transpose(2, 0, 1), alpha[np.newaxis]]).astype(np.float32)]
    pictures[0][3] /= 255
    while max(pictures[-1].shape[1:]) > COARSEST:
        pictures.append(_halved(pictures[-1]))
    colours = np.tile(pictures[-1][:3].mean(axis=(1, 2), keepdims=True), (2, 1, 1))
    for picture in reversed(pictures):
        _, height, width = picture.shape
        down, across = -(-height // colours.shape[1]), -(-width // colours.shape[2])
        colours = colours.repeat(down, axis=1).repeat(across, axis=2)[:, :height, :width]
        colours = _improved(colours, picture, ROUNDS if picture is pictures[0] else MORE_ROUNDS)
    return colours


class Recolour:
    """Takes the background out of a picture's soft pixels.

    Args:
        colours: estimated for this picture.
        size: its width and height.
    """

    def __init__(self, colours: Colours, size: tuple[int, int]) -> None:
        _, height, width = colours.values.shape
        self._across = axis(width, size[0], colours.step[0])
        self._down = axis(height, size[1], colours.step[1])
        self._values = colours.values

    @classmethod
    def estimated(cls, small: Small, alpha: Bytes, size: tuple[int, int]) -> Recolour:
        """Estimate the colours on a small copy.

        Args:
            small: the copy.
            alpha: of the copy, `uint8` `(h, w)`.
            size: the full picture's width and height.
        """
        return cls(Colours(estimate(np.asarray(small.image), alpha), small.step), size)

    def rows(self, top: int, bottom: int) -> RowsOfColours:
        """Give the colours of some rows; they are computed when they are first asked for."""
        return RowsOfColours(self._values, self._across, self._down, (top, bottom))


class RowsOfColours:
    """Foreground and background of some rows of a picture.

    Args:
        values: `float32` `(6, h, w)`, of the copy.
        across: how the picture's columns lie over the copy's.
        down: how the picture's rows lie over the copy's.
        rows: of the picture, the first and one after the last.
    """

    def __init__(self, values: Floats, across: Axis, down: Axis, rows: tuple[int, int]) -> None:
        self._copy, self._across, self._down, self._rows = values, across, down, slice(*rows)

    @cached_property
    def _values(self) -> Floats:
        """`float32` `(6, rows * w)`: the rows are the picture's, the columns the copy's."""
        lowest, share = self._down.lowest[self._rows], self._down.share[self._rows]
        first = int(lowest[0])
        near = self._copy[:, first : int(lowest[-1]) + 2]
        below = np.minimum(lowest + 1 - first, near.shape[1] - 1)
        between = _between(near[:, lowest - first], near[:, below], share[:, np.newaxis])
        return between.reshape(len(between), -1)

    def straight(
        self, pixels: Bytes, alpha: Bytes, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]
    ) -> Bytes:
        """Give the foreground's colours of some pixels.

        Args:
            pixels: `uint8` RGB `(N, 3)`, as the photo has them.
            alpha: `uint8` `(N,)`.
            rows: `(N,)`, from the first of these rows.
            columns: `(N,)`, of the picture.

        Returns:
            `uint8` RGB `(N, 3)`.
        """
        places = rows * self._across.source + self._across.lowest[columns]
        beside = places + (self._across.source > 1)
        both = _between(
            self._values.take(places, axis=1), self._values.take(beside, axis=1), self._across.share[columns]
        )
        opacity = alpha.astype(np.float32)
        opacity *= np.float32(1 / 255)
        rest = 1 - opacity
        weight = opacity / (opacity * opacity + rest * rest + TRUST)
        straight = np.empty(pixels.shape, np.uint8)
        for channel in range(3):
            foreground, background = both[channel], both[channel + 3]
            missing = pixels[:, channel] - opacity * foreground
            background *= rest
            missing -= background
            missing *= weight
            missing += foreground
            missing += np.float32(0.5)
            straight[:, channel] = np.clip(missing, 0, 255, out=missing)
        return straight


def soft_pixels(alpha: Bytes) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows and columns of the pixels in which enough of both colours is mixed to tell the difference."""
    rows, columns = np.nonzero((alpha - np.uint8(LEAST)) < np.uint8(256 - 2 * LEAST))
    return rows, columns


def foreground(image: Image.Image, alpha: Image.Image) -> Image.Image:
    """Take the background's colour out of a picture's soft edges.

    Args:
        image: mode `RGB`; not changed.
        alpha: mode `L`, of the same size.

    Returns:
        Mode `RGB`: straight colours; the picture's own where alpha is 0 or 255.
    """
    small = Copies(image).at(SIDE)
    shown = np.asarray(alpha.resize(small.image.size, Image.Resampling.BOX))
    change = Recolour.estimated(small, shown, image.size)
    result, opacity = np.array(image), np.asarray(alpha)

    def write(top: int, bottom: int) -> None:
        colours, shown = result[top:bottom], opacity[top:bottom]
        places = soft_pixels(shown)
        if places[0].size:
            colours[places] = change.rows(top, bottom).straight(colours[places], shown[places], *places)

    for_bands(write, image.height, BAND)
    return Image.fromarray(result)


def _between(first: Floats, second: Floats, share: Floats) -> Floats:
    second -= first
    second *= share
    second += first
    return second


def _halved(picture: Floats) -> Floats:
    _, height, width = picture.shape
    even = np.pad(picture, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    sums = even[:, ::2] + even[:, 1::2]
    halved: Floats = (sums[:, :, ::2] + sums[:, :, 1::2]) * np.float32(0.25)
    return halved


def _improved(colours: Floats, picture: Floats, rounds: int) -> Floats:
    """Make colours fit the picture and their neighbours, in the band and next to it.

    Jacobi's iteration with momentum (Polyak 1964), which needs half as many rounds.
    """
    _, height, width = picture.shape
    values = np.array(colours, np.float32)
    alpha = picture[3]
    opaque, clear = alpha >= 1, alpha <= 0
    np.copyto(values[:3], picture[:3], where=opaque)
    np.copyto(values[3:], picture[:3], where=clear)
    rows, columns = np.nonzero(_grown(~(opaque | clear)))
    if not rows.size:
        return values
    places = rows * width + columns
    neighbours = (
        places - (rows > 0) * width,
        places + (rows < height - 1) * width,
        places - (columns > 0),
        places + (columns < width - 1),
    )
    flat, levels = values.reshape(6, -1), alpha.reshape(-1)
    opacity = levels[places]
    weights = [SMOOTH + np.abs(levels[neighbour] - opacity) for neighbour in neighbours]
    # Two equations a pixel and channel: the mix is the photo's, and each colour is near its neighbours'.
    total, rest = weights[0] + weights[1] + weights[2] + weights[3], 1 - opacity
    first, mixed, second = opacity * opacity + total, opacity * rest, rest * rest + total
    scale = 1 / (first * second - mixed * mixed)
    first, mixed, second = first * scale, mixed * scale, second * scale
    shown = picture[:3].reshape(3, -1)[:, places]
    own = np.concatenate([opacity * shown, rest * shown])
    now = flat[:, places]
    before = now
    for _ in range(rounds):
        wanted = own.copy()
        for neighbour, weight in zip(neighbours, weights, strict=True):
            near = flat.take(neighbour, axis=1)
            near *= weight
            wanted += near
        front, back = wanted[:3], wanted[3:]
        new = np.concatenate([second * front - mixed * back, first * back - mixed * front])
        new += MOMENTUM * (now - before)
        before, now = now, new
        flat[:, places] = new
    flat[:, places] = np.clip(now, 0, 255)
    return values


def _grown(region: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    grown = region.copy()
    grown[1:] |= region[:-1]
    grown[:-1] |= region[1:]
    grown[:, 1:] |= region[:, :-1]
    grown[:, :-1] |= region[:, 1:]
    return grown
