"""Examples for the refiner: a photo, a coarse mask as a network would give it, and the true alpha."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from training.edges.strands import fringed
from training.photos import Photo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float32]

cv2.setNumThreads(0)

ANSWERED = 0.6
"""Share of the examples of photos that networks have answered which are these answers."""

REAL = 0.1
"""Share of the others that are photos as they are, with their own, hard masks, made coarse."""

TRIES = 8
"""How often a part of a photo is drawn until subject and background are both in it."""


class Example(NamedTuple):
    """All `uint8`.

    Attributes:
        picture: RGB `(S, S, 3)`.
        mask: `(S, S)`, coarse.
        alpha: `(S, S)`, true.
    """

    picture: Bytes
    mask: Bytes
    alpha: Bytes


def example(
    random: Generator,
    photos: Sequence[Photo],
    index: int,
    size: int,
    answers: Mapping[int, Sequence[Bytes]],
) -> Example:
    """Draw one example.

    Args:
        random: where chance comes from.
        photos: any may lend its colours as a background.
        index: of the photo that lends the subject.
        size: side of the example in pixels.
        answers: what networks made of some of the photos: masks of any size. Such a photo is sometimes taken
            as it is, with one of them as its coarse mask.
    """
    if index in answers and random.random() < ANSWERED:
        given = answers[index]
        mask = given[int(random.integers(len(given)))]
        picture, alpha, mask = _answered(random, photos[index], mask, size)
        return Example(*_turned(random, _camera(random, picture), mask, _bytes(alpha * 255)))
    picture, alpha = _part(random, photos[index], size)
    if random.random() >= REAL:
        other = photos[int(random.integers(len(photos)))].picture
        foreground = _spread(picture, alpha)
        alpha = fringed(random, _crisp(alpha))
        background = _view(random, other, size)
        mixed = foreground * alpha[..., None] + background * (1 - alpha[..., None])
        picture = np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)
    mask = coarse(random, alpha)
    return Example(*_turned(random, _camera(random, picture), mask, _bytes(alpha * 255)))


def coarse(random: Generator, alpha: Floats) -> Bytes:
    """What a network makes of an alpha: too few pixels, edges displaced, soft or too hard."""
    size = len(alpha)
    side = max(16, round(size / random.uniform(0.8, 3.2)))
    mask = cv2.resize(alpha, (side, side), interpolation=cv2.INTER_AREA)
    kind = random.random()
    if kind < 0.2:  # thin parts lost
        radius = int(random.integers(1, 4))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel)
        mask = mask + (opened - mask) * np.float32(random.uniform(0.3, 1))
    elif kind < 0.27:  # gaps filled
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
    if random.random() < 0.2:
        mask = _displaced(random, mask)
    mask = cv2.GaussianBlur(mask, (0, 0), float(random.uniform(0.4, 3.2)))
    if random.random() < 0.75:
        low, high = random.uniform(0, 0.45), random.uniform(0.55, 1)
        mask = np.clip((mask - low) / (high - low), 0, 1)
    if random.random() < 0.5:
        mask = cv2.GaussianBlur(mask, (0, 0), float(random.uniform(0.3, 0.9)))
    return cv2.resize(_bytes(mask * 255), (size, size), interpolation=cv2.INTER_CUBIC)


def _turned(random: Generator, *pictures: Bytes) -> list[Bytes]:
    """All of them mirrored, or none."""
    if random.random() < 0.5:
        return list(pictures)
    return [np.ascontiguousarray(picture[:, ::-1]) for picture in pictures]


def _answered(random: Generator, photo: Photo, mask: Bytes, size: int) -> tuple[Bytes, Floats, Bytes]:
    """A part of a photo, its true alpha and a network's mask of it."""
    height, width = photo.mask.shape
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_CUBIC)
    both = Photo(np.dstack([photo.picture, mask]), photo.mask)
    picture, alpha = _part(random, both, size)
    return np.ascontiguousarray(picture[..., :3]), alpha, np.ascontiguousarray(picture[..., 3])


def _part(random: Generator, photo: Photo, size: int) -> tuple[Bytes, Floats]:
    """A square part of a photo with an outline in it, enlarged somewhat."""
    height, width = photo.mask.shape
    for _ in range(TRIES):
        side = int(min(height, width, size) * random.uniform(0.5, 1))
        top, left = random.integers(0, height - side + 1), random.integers(0, width - side + 1)
        part = (slice(top, top + side), slice(left, left + side))
        if 0.05 < photo.mask[part].mean() / 255 < 0.95:
            break
    picture = cv2.resize(photo.picture[part], (size, size), interpolation=cv2.INTER_CUBIC)
    alpha = cv2.resize(
        photo.mask[part].astype(np.float32) / 255, (size, size), interpolation=cv2.INTER_LINEAR
    )
    return picture, alpha


def _crisp(alpha: Floats) -> Floats:
    """An outline without the steps and the blur that enlarging gave it."""
    return np.clip((cv2.GaussianBlur(alpha, (0, 0), 2) - 0.5) * 4 + 0.5, 0, 1)


def _spread(picture: Bytes, alpha: Floats) -> Floats:
    """The subject's colours, carried on to where the new alpha shows more of it."""
    inside = cv2.erode((alpha > 0.9).astype(np.float32), np.ones((3, 3), np.uint8))
    colours = picture.astype(np.float32)
    result, weight = colours * inside[..., None], inside
    for sigma in (2, 8, 32):
        few = 1 if sigma < 8 else 4 if sigma < 32 else 16
        small = cv2.resize(
            np.dstack([colours * inside[..., None], inside]),
            None,
            fx=1 / few,
            fy=1 / few,
            interpolation=cv2.INTER_AREA,
        )
        small = cv2.GaussianBlur(small, (0, 0), sigma / few)
        wide = cv2.resize(small, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)
        missing = np.clip(1 - weight, 0, 1)
        mean = wide[..., :3] / np.maximum(wide[..., 3:], 1e-4)
        share = np.minimum(missing, np.clip(wide[..., 3] * 8, 0, 1))
        result = result + mean * share[..., None]
        weight = weight + share
    return result / np.maximum(weight, 1e-3)[..., None]


def _view(random: Generator, other: Bytes, size: int) -> Floats:
    """A part of another photo, often out of focus, sometimes plain."""
    if random.random() < 0.15:
        plain = np.broadcast_to(random.uniform(0, 256, 3).astype(np.float32), (size, size, 3))
        return plain + random.normal(0, random.uniform(0, 4), (size, size, 1)).astype(np.float32)
    height, width = other.shape[:2]
    side = int(min(height, width) * random.uniform(0.4, 1))
    top, left = random.integers(0, height - side + 1), random.integers(0, width - side + 1)
    view = cv2.resize(
        other[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_CUBIC
    )
    if random.random() < 0.6:
        view = cv2.GaussianBlur(view, (0, 0), float(random.uniform(0.5, 8)))
    return view.astype(np.float32)


def _displaced(random: Generator, mask: Floats) -> Floats:
    """Move the outline by a few pixels, here one way and there another."""
    side = len(mask)
    few = int(random.integers(3, 12))
    reach = random.uniform(0.3, 1.8)
    across, down = (
        cv2.resize(
            random.normal(0, reach, (few, few)).astype(np.float32),
            (side, side),
            interpolation=cv2.INTER_CUBIC,
        )
        for _ in range(2)
    )
    places = np.arange(side, dtype=np.float32)
    return cv2.remap(
        mask, places[None] + across, places[:, None] + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _camera(random: Generator, picture: Bytes) -> Bytes:
    """Light, noise and JPEG."""
    gain, lift = random.uniform(0.6, 1.25), random.uniform(-25, 25)
    values = picture.astype(np.float32) * (gain * random.uniform(0.92, 1.08, 3)).astype(
        np.float32
    ) + np.float32(lift)
    if random.random() < 0.6:
        values += random.normal(0, random.uniform(0.5, 6), values.shape).astype(np.float32)
    picture = _bytes(values)
    if random.random() < 0.1:
        picture = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    if random.random() < 0.6:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(60, 99))]
        picture = cv2.imdecode(cv2.imencode(".jpg", picture, quality)[1], cv2.IMREAD_COLOR)
    return picture


def _bytes(values: Floats) -> Bytes:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
