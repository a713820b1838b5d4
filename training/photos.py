"""The photos a training learns from, decoded once and kept in memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.samples import Sample, SamplesError, read

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
        SamplesError: a photo or mask cannot be read, or they differ in size.
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
    picture, mask = np.asarray(sample.picture()), sample.truth()
    if picture.shape[:2] != mask.shape:
        raise SamplesError(f"the photo of {sample.name} is {picture.shape[:2]} and its mask {mask.shape}.")
    return Photo(picture, mask)
