"""How far an alpha is from the true one: the errors of the papers on matting."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

SIGMA = 1.4
"""Standard deviation, in pixels, of the Gaussian whose derivatives give the gradient."""

CUT = 0.01
"""Value of that Gaussian at which the filters end, as in the paper's program."""


class Errors(NamedTuple):
    """Errors of one alpha, or their means over photos; 0 is best.

    Attributes:
        absolute: mean absolute difference of alphas in [0, 1], times 1000.
        squared: mean squared difference, times 1000.
        gradient: mean squared difference of the gradients' magnitudes, times 1000.
    """

    absolute: float
    squared: float
    gradient: float


def errors(alpha: Bytes, truth: Bytes) -> Errors:
    """Measure one alpha over all of its pixels.

    The gradient error is that of Rhemann et al., "A perceptually motivated online benchmark for image
    matting", CVPR 2009, as a mean instead of a sum.

    Args:
        alpha: `uint8` `(H, W)` in [0, 255].
        truth: the same of the true alpha.

    Raises:
        ValueError: they are not of the same size.
    """
    if alpha.shape != truth.shape:
        raise ValueError(f"the alpha is {alpha.shape} and the true one {truth.shape}.")
    ours, true = alpha / 255.0, truth / 255.0
    difference = ours - true
    steeper = gradient(ours) - gradient(true)
    return Errors(
        float(np.abs(difference).mean()) * 1000,
        float((difference**2).mean()) * 1000,
        float((steeper**2).mean()) * 1000,
    )


def gradient(alpha: Floats) -> Floats:
    """Magnitude of the gradient, by Gaussian derivatives; the frame's pixels are repeated outwards.

    Args:
        alpha: `float64` `(H, W)` in [0, 1].

    Returns:
        `float64` `(H, W)`. The filters have a Euclidean norm of 1, so its scale has no unit.
    """
    from scipy.ndimage import correlate1d

    smooth, slope = _filters()
    across = correlate1d(correlate1d(alpha, slope, axis=1, mode="nearest"), smooth, axis=0, mode="nearest")
    down = correlate1d(correlate1d(alpha, slope, axis=0, mode="nearest"), smooth, axis=1, mode="nearest")
    magnitude: Floats = np.hypot(across, down)
    return magnitude


def mean(several: list[Errors]) -> Errors:
    """The mean over photos."""
    return Errors(*np.mean(several, axis=0).tolist())


def _filters() -> tuple[Floats, Floats]:
    """A Gaussian and its derivative along one axis, each of norm 1; their product has the same norm."""
    scale = math.sqrt(2 * math.pi) * SIGMA
    radius = math.ceil(SIGMA * math.sqrt(-2 * math.log(scale * CUT)))
    x = np.arange(-radius, radius + 1)
    smooth = np.exp(-(x**2) / (2 * SIGMA**2)) / scale
    slope = x * smooth
    return smooth / np.linalg.norm(smooth), slope / np.linalg.norm(slope)
