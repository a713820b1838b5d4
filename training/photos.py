"""The photos a training learns from, decoded once and kept in memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from benchmarks.samples import Sample, read

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray


class Photo(NamedTuple):
    """A photo and its mask: `uint8` RGB `(H, W, 3)` and `uint8` `(H, W)`, 255 for the subject."""

    picture: NDArray[np.uint8]
    mask: NDArray[np.uint8]


def load(folder: Path, families: Iterable[str], *, most: int | None = None) -> list[Photo]:
    """Decode every sample of the named families of shards.

    Args:
        folder: where the shards are.
        families: `duts-train` stands for `duts-train-00.tar` and its siblings.
        most: stop after so many photos.

    Raises:
        FileNotFoundError: a family has no shard there.
        ValueError: a file is not a photo.
    """
    samples: list[Sample] = []
    for family in families:
        shards = sorted(folder.glob(f"{family}-[0-9]*.tar"))
        if not shards:
            raise FileNotFoundError(f"{folder} holds no shard of {family} ({family}-00.tar and so on).")
        for shard in shards:
            samples += read(shard)
    with ThreadPoolExecutor() as pool:
        return list(pool.map(_decode, samples[:most]))


def _decode(sample: Sample) -> Photo:
    picture = cv2.imdecode(np.frombuffer(sample.photo, np.uint8), cv2.IMREAD_COLOR)
    mask = cv2.imdecode(np.frombuffer(sample.mask, np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None or mask is None:
        raise ValueError(f"{sample.name}: the photo or its mask cannot be decoded.")
    return Photo(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), mask)
