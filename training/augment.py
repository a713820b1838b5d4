"""Changes to a photo that leave its subject the subject: crops, flips, colours, other backgrounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.photos import Photo
    from training.recipe import Views

    Bytes = NDArray[np.uint8]

# The processes that make batches are the parallelism, and OpenCV's own threads do not survive a fork.
cv2.setNumThreads(0)

BOUNDARY = 1 / 7
"""Side of the box in which a pixel looks for a boundary, relative to the picture's."""

EMPTY = 0.05
"""Share of the made backgrounds that stay empty: where nothing is, nothing is to be found."""

CLOSEST = 0.25
"""Least side of a close-up, relative to the photo's: nearer, there are too few pixels to see anything."""


class Example(NamedTuple):
    """What the network sees and should answer, all `uint8`.

    Attributes:
        picture: RGB `(S, S, 3)`.
        mask: `(S, S)`, 255 for the subject.
        boundary: `(S, S)`, how near a boundary is: 0 far from any, about 127 beside a straight one, more in
            corners and thin parts.
    """

    picture: Bytes
    mask: Bytes
    boundary: Bytes


def scene(
    random: Generator, photos: Sequence[Photo], index: int, size: int, views: Views
) -> tuple[Bytes, Bytes]:
    """Draw what is to be seen: a part of a photo, mirrored or not, or its subject on a made background.

    What is drawn does not depend on the size, but for a background's grain, so a teacher may see the scene
    at another one.

    Args:
        random: where chance comes from.
        photos: all of them: any may lend its colours as a background.
        index: of the photo.
        size: side of the scene in pixels.
        views: how often what is done.

    Returns:
        RGB `(S, S, 3)` and mask `(S, S)`, both `uint8`.
    """
    photo = photos[index]
    picture, mask = (
        _close_up(random, *photo) if random.random() < views.close_up else _crop(random, *photo, views)
    )
    picture, mask = resized(picture, size), resized(mask, size)
    if random.random() < 0.5:
        picture, mask = picture[:, ::-1], mask[:, ::-1]
    if random.random() < views.studio:
        background = _background(random, photos[random.integers(len(photos))].picture, size)
        if random.random() < EMPTY:
            return background, np.zeros_like(mask)
        picture = _paste(picture, mask, background, random)
    return picture, mask


def resized(values: Bytes, size: int) -> Bytes:
    """Bring a picture or a mask to `size` x `size`."""
    # Averaging areas is right for shrinking only: enlarged that way, a mask has steps.
    way = cv2.INTER_AREA if min(values.shape[:2]) >= size else cv2.INTER_LINEAR
    return cv2.resize(values, (size, size), interpolation=way)


def photographed(random: Generator, picture: Bytes, mask: Bytes) -> Example:
    """Take a scene's picture: its light, colours and sharpness are drawn."""
    size = len(mask)
    picture = _colours(random, picture)
    if random.random() < 0.1:
        picture = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.4, 1.2) * size / 224)
    side = int(size * BOUNDARY) | 1
    return Example(picture, mask, cv2.absdiff(cv2.blur(mask, (side, side)), mask))


def _crop(random: Generator, picture: Bytes, mask: Bytes, views: Views) -> tuple[Bytes, Bytes]:
    """Cut out a part, unless the photo is to be seen whole."""
    if random.random() < views.whole:
        return picture, mask
    height, width = mask.shape
    scale = random.uniform(views.smallest, 1)
    rows = max(1, int(height * scale * random.uniform(0.85, 1)))
    columns = max(1, int(width * scale * random.uniform(0.85, 1)))
    top, left = random.integers(0, height - rows + 1), random.integers(0, width - columns + 1)
    part = (slice(top, top + rows), slice(left, left + columns))
    return picture[part], mask[part]


def _close_up(random: Generator, picture: Bytes, mask: Bytes) -> tuple[Bytes, Bytes]:
    """Cut out the subject so that it fills the frame: a little around it, or a little of it outside."""
    subject = mask > 127
    if not subject.any():
        return picture, mask
    part = []
    for axis in (1, 0):
        found = np.flatnonzero(subject.any(axis))
        before, after = random.uniform(-0.12, 0.2, 2)
        middle = (found[0] + found[-1] + 1) / 2
        length = max(found[-1] + 1 - found[0], CLOSEST * mask.shape[1 - axis])
        start, stop = round(middle - (0.5 + before) * length), round(middle + (0.5 + after) * length)
        part.append(slice(max(0, start), max(start + 1, stop)))
    return picture[tuple(part)], mask[tuple(part)]


def _background(random: Generator, other: Bytes, size: int) -> Bytes:
    """Paper in one colour or with a gradient, as in a studio, or another photo out of focus."""
    kind = random.random()
    if kind < 0.2:
        few = int(random.integers(4, 13))  # so few pixels, enlarged, are a strong blur, and a cheap one
        coarse = cv2.resize(other, (few, few), interpolation=cv2.INTER_AREA)
        return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    if kind < 0.4:
        grey = 255.0 if random.random() < 0.5 else random.uniform(0, 255)
        first = np.full(3, grey)
    elif kind < 0.6:
        first = random.uniform(180, 256) + random.uniform(-12, 12, 3)
    else:
        first = random.uniform(0, 256, 3)
    if random.random() < 0.4:
        paper = np.broadcast_to(first, (size, size, 3))
    else:
        second = first * random.uniform(0.5, 1.1) + random.uniform(-15, 15, 3)
        angle = random.uniform(0, 2 * np.pi)
        across, down = np.linspace(-0.5, 0.5, size), np.linspace(-0.5, 0.5, size)[:, None]
        if random.random() < 0.5:
            way = across * np.cos(angle) + down * np.sin(angle) + 0.5
        else:
            way = np.hypot(across - random.uniform(-0.3, 0.3), down - random.uniform(-0.3, 0.3))
        paper = first + (second - first) * np.clip(way, 0, 1)[..., None]
    # A generator of its own: how much it draws depends on the size.
    grain = random.spawn(1)[0].normal(0, random.uniform(0, 4), (size, size, 1))
    return np.clip(paper + grain, 0, 255).astype(np.uint8)


def _paste(picture: Bytes, mask: Bytes, background: Bytes, random: Generator) -> Bytes:
    """Put the subject on another background, sometimes with a soft shadow under it."""
    opacity = mask[..., None].astype(np.float32) / 255
    if random.random() < 0.3:
        size, small = len(mask), 32
        right, down = random.uniform(-0.06, 0.06) * small, random.uniform(0, 0.08) * small
        shadow = cv2.resize(mask, (small, small), interpolation=cv2.INTER_AREA)
        shadow = cv2.warpAffine(shadow, np.float32([[1, 0, right], [0, 1, down]]), (small, small))
        shadow = cv2.GaussianBlur(shadow, (0, 0), small * random.uniform(0.02, 0.06))
        shadow = cv2.resize(shadow, (size, size), interpolation=cv2.INTER_LINEAR)
        background = background * (1 - random.uniform(0.1, 0.5) * shadow[..., None].astype(np.float32) / 255)
    return np.rint(picture * opacity + background * (1 - opacity)).astype(np.uint8)


def _colours(random: Generator, picture: Bytes) -> Bytes:
    """Light, contrast, gamma and tint through one table, and now and then no colour at all."""
    levels = np.arange(256)[:, None] / 255
    gain = random.uniform(0.7, 1.3)
    tint = random.uniform(0.85, 1.15, 3) if random.random() < 0.5 else np.ones(3)
    table = (levels ** random.uniform(0.8, 1.25) * gain + random.uniform(-0.1, 0.1)) * tint
    table = np.clip(np.rint(table * 255), 0, 255).astype(np.uint8)
    if random.random() < 0.12:
        picture = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    return cv2.LUT(np.ascontiguousarray(picture), np.ascontiguousarray(table[None].reshape(1, 256, 3)))
