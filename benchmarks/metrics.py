"""How near an alpha is to the true mask: the measures of the papers on salient objects.

All are taken of the alpha in 8 bits, as it is written to a file: a float32 alpha is rounded first. Where a
measure needs a mask of two values, 128 and more is subject.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rembolt.metrics import LEVELS, f_measure, histograms, mae, precision_and_recall

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[Any]

WORST_BOUNDARY = 100.0
"""Boundary error of a photo where one mask has no boundary to compare with, in percent of the diagonal."""


class PhotoScores(NamedTuple):
    """How near one alpha is to the truth; see the functions of the same names."""

    mae: float
    s_measure: float
    boundary_error: float
    iou: float


class Scores(NamedTuple):
    """How near a model comes on a data set.

    Attributes:
        photos: how many were measured.
        mae: mean absolute error, averaged over the photos; 0 is best.
        max_f: largest F-measure over all thresholds, precision and recall averaged over the photos first;
            1 is best.
        s_measure: structure measure, averaged over the photos; 1 is best.
        boundary_error: distance between the boundaries in percent of the photo's diagonal, averaged over
            the photos; 0 is best.
    """

    photos: int
    mae: float
    max_f: float
    s_measure: float
    boundary_error: float


class Accuracy:
    """Adds up how near a model's alphas are to the truth."""

    def __init__(self) -> None:
        self._precision = np.zeros(LEVELS)
        self._recall = np.zeros(LEVELS)
        self._photos: list[PhotoScores] = []

    def add(self, alpha: Values, truth: Values) -> PhotoScores:
        """Measure one photo and count it in.

        Args:
            alpha: `(H, W)`, `float32` in [0, 1] or `uint8`.
            truth: `(H, W)`, `uint8` in [0, 255] or `bool`.

        Returns:
            The photo's own scores.

        Raises:
            ValueError: the arrays are not of these kinds, or not of the same size.
        """
        levels, true_levels = _levels(alpha), _levels(truth)
        if levels.shape != true_levels.shape:
            raise ValueError(f"the alpha is {levels.shape} and the true mask {true_levels.shape}.")
        scores = PhotoScores(
            mae(levels, true_levels),
            s_measure(levels, true_levels),
            boundary_error(levels, true_levels),
            iou(levels, true_levels),
        )
        precision, recall = precision_and_recall(levels, true_levels)
        self._precision += precision
        self._recall += recall
        self._photos.append(scores)
        return scores

    def scores(self) -> Scores:
        """The scores of all photos added so far.

        Raises:
            ValueError: there are none.
        """
        count = len(self._photos)
        if not count:
            raise ValueError("no photo has been measured.")
        means = np.mean(self._photos, axis=0).tolist()
        photo = PhotoScores(*means)
        best = float(f_measure(self._precision / count, self._recall / count).max())
        return Scores(count, photo.mae, best, photo.s_measure, photo.boundary_error)


def iou(alpha: Bytes, truth: Bytes) -> float:
    """Intersection over union of the two subjects; 1 when both are empty."""
    found, subject = alpha >= 128, truth >= 128
    union = int(np.count_nonzero(found | subject))
    return int(np.count_nonzero(found & subject)) / union if union else 1.0


def s_measure(alpha: Bytes, truth: Bytes) -> float:
    """Structure measure: Fan et al., "Structure-measure: a new way to evaluate foreground maps", ICCV 2017.

    The mean of an object-aware and a region-aware half, and 0 where that is negative. Without a subject it
    is how empty the alpha is, and where everything is subject how full.
    """
    subject = truth >= 128
    if not subject.any():
        return 1 - float(alpha.mean()) / 255
    if subject.all():
        return float(alpha.mean()) / 255
    return max(0.0, (_object_similarity(alpha, subject) + _region_similarity(alpha, subject)) / 2)


def boundary_error(alpha: Bytes, truth: Bytes) -> float:
    """Distance between the boundaries of the two subjects, in percent of the photo's diagonal.

    From each boundary pixel of one the Euclidean distance to the nearest of the other, averaged; the same
    the other way; the mean of both: the boundary displacement error of Freixenet et al., "Yet another survey
    on image segmentation", ECCV 2002. A boundary pixel is a pixel of the subject beside one (left, right,
    above or below) that is not; the photo's frame is no boundary. Where either mask has no boundary the
    error is 0 when the masks are equal, else `WORST_BOUNDARY`.
    """
    from scipy.spatial import KDTree

    found, subject = alpha >= 128, truth >= 128
    ours, theirs = np.argwhere(_boundary(found)), np.argwhere(_boundary(subject))
    if not len(ours) or not len(theirs):
        return 0.0 if np.array_equal(found, subject) else WORST_BOUNDARY
    there, _ = KDTree(theirs).query(ours)
    back, _ = KDTree(ours).query(theirs)
    return float(there.mean() + back.mean()) / 2 / float(np.hypot(*alpha.shape)) * 100


def _levels(values: Values) -> Bytes:
    """The values as 8-bit levels."""
    if values.ndim != 2 or not values.size:
        raise ValueError(f"an alpha or mask is (height, width) and not empty, not {values.shape}.")
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind != "f":
        raise ValueError(f"an alpha or mask is of uint8, bool or floats, not {values.dtype}.")
    if not (values.min() >= 0 and values.max() <= 1):  # NaN fails too
        raise ValueError("a float alpha must lie in [0, 1].")
    levels: Bytes = np.rint(values * 255).astype(np.uint8)
    return levels


def _object_similarity(alpha: Bytes, subject: Mask) -> float:
    """The object-aware half: subject and background should each be even and set off from the other."""
    inside, outside = histograms(alpha, subject)
    share = float(subject.mean())
    return share * _evenness(inside) + (1 - share) * _evenness(outside[::-1])


def _evenness(histogram: npt.NDArray[np.int64]) -> float:
    """How near 1, and near one another, the values are whose levels were counted."""
    count = int(histogram.sum())
    values = np.arange(LEVELS) / (LEVELS - 1)
    mean = float(histogram @ values) / count
    variance = float(histogram @ (values - mean) ** 2) / max(count - 1, 1)
    return 2 * mean / (mean**2 + 1 + math.sqrt(variance))


def _region_similarity(alpha: Bytes, subject: Mask) -> float:
    """The region-aware half: similarity in the quarters around the true centre, weighted by their size."""
    y, x = (int(place) + 1 for place in np.argwhere(subject).mean(axis=0).round())
    score = 0.0
    for rows in (slice(0, y), slice(y, None)):
        for columns in (slice(0, x), slice(x, None)):
            quarter = alpha[rows, columns]
            if quarter.size:
                score += quarter.size * _similarity(quarter, subject[rows, columns])
    return score / alpha.size


def _similarity(alpha: Bytes, subject: Mask) -> float:
    """Structural similarity of one quarter, in whole numbers, so that an even quarter has no variance.

    With n pixels, sums instead of means leave n^4 above and below, which cancels.
    """
    count = alpha.size
    full = LEVELS - 1
    levels = alpha.astype(np.int64)
    total, true_total = int(levels.sum()), full * int(np.count_nonzero(subject))
    square, true_square = int((levels * levels).sum()), full * true_total
    product = full * int(levels[subject].sum())
    variance = count * square - total**2
    true_variance = count * true_square - true_total**2
    covariance = count * product - total * true_total
    above = 4 * total * true_total * covariance
    below = (total**2 + true_total**2) * (variance + true_variance)
    if above:
        return above / below
    return 0.0 if below else 1.0


def _boundary(mask: Mask) -> Mask:
    """Pixels of the mask beside one outside of it; beyond the frame it goes on as at the frame."""
    padded = np.pad(mask, 1, mode="edge")
    around = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~around
