"""A steadier alpha over time."""

from __future__ import annotations

from collections import deque
from itertools import chain, repeat
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rembolt.video.frame import Frame

Bytes = npt.NDArray[np.uint8]

SAME = 16
"""Colours that differ by no more than this (of 255, in the channel that differs most) are the same: noise."""

OTHER = 48
"""From this difference on a pixel shows something else, and its alpha counts nothing."""

CUT = 24.0
"""Mean difference of two thumbnails, of 255, from which on they are of different scenes."""

_WEIGHTS = np.clip((OTHER - np.arange(256, dtype=np.float32)) / (OTHER - SAME), 0.0, 1.0)


def smoothed(frames: Iterable[Frame], radius: int) -> Iterator[Frame]:
    """Average each frame's alpha with those of the frames around it.

    A bilateral mean over time: at each pixel a neighbour's alpha counts fully while the colour there is the
    same, and not at all once it is another, so what stands still stops to flicker and what moves keeps
    its own alpha instead of dragging a ghost. Nothing is averaged across a cut between scenes.

    Args:
        frames: RGBA of one size, in order, with the colours kept under alpha 0.
        radius: frames on either side; `2 * radius + 1` are kept in memory. 0 gives the frames as they are.

    Returns:
        The same frames with other alphas; those given are not changed.
    """
    window: deque[_Placed | None] = deque([None] * (2 * radius + 1), maxlen=2 * radius + 1)
    for placed in chain(_in_scenes(frames), repeat(None, radius)):
        window.append(placed)
        centre = window[radius]
        if centre is not None:
            others = [
                other.frame
                for other in window
                if other and other.scene == centre.scene and other is not centre
            ]
            yield _mean(centre.frame, others)


class _Placed(NamedTuple):
    """A frame and the number of its scene."""

    frame: Frame
    scene: int


def _in_scenes(frames: Iterable[Frame]) -> Iterator[_Placed]:
    scene, before = 0, None
    for frame in frames:
        small = _thumbnail(frame.pixels)
        if before is not None and np.abs(small - before).mean() > CUT:
            scene += 1
        before = small
        yield _Placed(frame, scene)


def _thumbnail(pixels: Bytes) -> npt.NDArray[np.int16]:
    colours = Image.fromarray(np.ascontiguousarray(pixels[:, :, :3]))
    return np.asarray(colours.resize((32, 18), Image.Resampling.BOX), np.int16)


def _mean(frame: Frame, others: Sequence[Frame]) -> Frame:
    """The frame with the weighted mean of all alphas; only where they differ is there anything to do."""
    alpha = frame.pixels[:, :, 3]
    differs = np.zeros(alpha.shape, np.bool_)
    for other in others:
        differs |= other.pixels[:, :, 3] != alpha
    places = np.flatnonzero(differs)
    if not places.size:
        return frame
    own = _samples(frame, places)
    total, weight = own[:, 3].astype(np.float32), np.ones(places.size, np.float32)
    for other in others:
        samples = _samples(other, places)
        weights = _WEIGHTS[np.abs(samples[:, :3] - own[:, :3]).max(axis=1)]
        total += weights * samples[:, 3]
        weight += weights
    pixels = frame.pixels.copy()
    pixels.reshape(-1, 4)[places, 3] = np.rint(total / weight).astype(np.uint8)
    return frame._replace(pixels=pixels)


def _samples(frame: Frame, places: npt.NDArray[np.intp]) -> npt.NDArray[np.int16]:
    """RGBA at some places, `int16` `(N, 4)`."""
    return np.ascontiguousarray(frame.pixels).reshape(-1, 4)[places].astype(np.int16)
