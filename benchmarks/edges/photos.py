"""Photos with true alphas, read whole and checked."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import report, samples
from benchmarks.samples import SamplesError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt
    from PIL import Image


class Photo(NamedTuple):
    """A photo and its true alpha.

    Attributes:
        name: its name in the data.
        image: mode `RGB`.
        truth: `uint8` `(H, W)` in [0, 255], of the same size.
    """

    name: str
    image: Image.Image
    truth: npt.NDArray[np.uint8]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which photos are taken."""
    parser.add_argument("--data", type=Path, required=True, help="shard or folder with true alphas")
    parser.add_argument("--limit", type=report.positive, metavar="N", help="only the first N photos")


def read(place: Path, limit: int | None) -> Iterator[Photo]:
    """Read the pairs of a place, one after the other; see `samples.read`.

    Raises:
        SamplesError: the place holds no usable pairs, or a photo and its alpha differ in size.
    """
    for sample in islice(samples.read(place), limit):
        image, truth = sample.picture(), sample.truth()
        if (image.height, image.width) != truth.shape:
            size = f"{image.width} x {image.height}"
            other = f"{truth.shape[1]} x {truth.shape[0]}"
            raise SamplesError(f"{place.name}: the photo of {sample.name} is {size} and its mask {other}.")
        yield Photo(sample.name, image, truth)
