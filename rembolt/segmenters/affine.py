"""Scaling a picture about its top left corner, sampled bilinearly in float64.

Gives the bits of `scipy.ndimage.map_coordinates(order=1, mode="constant")`, which rembg uses for SAM, without
needing SciPy: source positions outside the picture are 0, the four neighbours are weighted row first, and
the result is cut to the input's type.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def scale_about_origin(pixels: npt.NDArray[Any], factor: float, shape: tuple[int, int]) -> npt.NDArray[Any]:
    """Scale an image by `factor`, cut or padded with 0 to `shape`.

    Args:
        pixels: `(H, W)` or `(H, W, C)`, any real dtype.
        factor: size of a source pixel in the result, in pixels.
        shape: `(height, width)` of the result.

    Returns:
        Array of `shape` (and the channels of `pixels`), of the dtype of `pixels`.
    """
    rows = _Samples(pixels.shape[0], factor, shape[0])
    columns = _Samples(pixels.shape[1], factor, shape[1])
    source = pixels.astype(np.float64)
    # (row weight x value) x column weight, summed in this order: other orders round differently.
    extra = (np.newaxis,) * (pixels.ndim - 2)
    row_weights = [weight[(slice(None), np.newaxis, *extra)] for weight in rows.weights]
    column_weights = [weight[(np.newaxis, slice(None), *extra)] for weight in columns.weights]
    result = np.zeros((*shape, *pixels.shape[2:]), dtype=np.float64)
    for row_index, row_weight in zip(rows.indices, row_weights, strict=True):
        for column_index, column_weight in zip(columns.indices, column_weights, strict=True):
            result += source[np.ix_(row_index, column_index)] * row_weight * column_weight
    result[~rows.inside] = 0
    result[:, ~columns.inside] = 0
    return result.astype(pixels.dtype)


class _Samples:
    """The two source positions and weights of every position along one axis."""

    def __init__(self, source: int, factor: float, target: int) -> None:
        # The inverse as rembg computes it, from the 3 x 3 matrix: its last bit decides roundings.
        inverse = np.linalg.inv(np.diag([factor, factor, 1.0]))[0, 0]
        positions = inverse * np.arange(target)
        floor = np.floor(positions)
        fraction = positions - floor
        first = floor.astype(np.intp)
        self.inside = (positions >= 0) & (positions <= source - 1)
        self.indices = (np.clip(first, 0, source - 1), np.clip(first + 1, 0, source - 1))
        before = 1.0 - fraction
        self.weights = (before, 1.0 - before)  # not `fraction`, which can differ in the last bit
