"""How near the masks of one network are to those of another, and both to the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.images.resample import enlarge
from rembolt.metrics import f_measure, mae, precision_and_recall
from rembolt.settings import CutoutOptions
from rembolt.timings import Timings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rembolt.quantise.photos import Photo
    from rembolt.segmenters.base import Segmenter

Bytes = npt.NDArray[np.uint8]


class Difference(NamedTuple):
    """Between the masks of two networks; 0 is equal, 1 the most there is.

    Attributes:
        mean: of all pixels of all photos.
        percentile_99: below which the difference of 99 % of the pixels is.
        photos: the mean of each photo.
    """

    mean: float
    percentile_99: float
    photos: tuple[float, ...]


class Accuracy(NamedTuple):
    """Against true masks: mean absolute error, and the largest F-measure over all thresholds."""

    mae: float
    max_f: float


def masks_of(segmenter: Segmenter, photos: Sequence[Photo]) -> list[Bytes]:
    """The masks as they are used, `uint8` `(h, w)` of the network's size, several stacked on each other."""
    return [np.concatenate([np.asarray(mask) for mask in _masks(segmenter, photo)]) for photo in photos]


def difference(masks: Sequence[Bytes], others: Sequence[Bytes]) -> Difference:
    """Compare the masks of the same photos by two networks."""
    apart = [np.abs(one.astype(np.int16) - other) / 255 for one, other in zip(masks, others, strict=True)]
    means = tuple(float(each.mean()) for each in apart)
    every = np.concatenate([each.ravel() for each in apart])
    return Difference(float(np.mean(means)), float(np.percentile(every, 99)), means)


def accuracy(masks: Sequence[Bytes], photos: Sequence[Photo]) -> Accuracy | None:
    """Compare masks with the truth at each photo's size; None where no photo has one."""
    scores = []
    for mask, photo in zip(masks, photos, strict=True):
        if photo.truth is not None:
            image = enlarge(Image.fromarray(mask), photo.image.size, Image.Resampling.BICUBIC)
            alpha = np.asarray(image)
            scores.append((mae(alpha, photo.truth), *precision_and_recall(alpha, photo.truth)))
    if not scores:
        return None
    errors, precisions, recalls = zip(*scores, strict=True)
    best = f_measure(np.mean(precisions, axis=0), np.mean(recalls, axis=0)).max()
    return Accuracy(float(np.mean(errors)), float(best))


def _masks(segmenter: Segmenter, photo: Photo) -> list[Image.Image]:
    return segmenter.segment(photo.image, CutoutOptions(), Timings())
