"""How near an alpha is to the true mask: the two measures that papers on salient objects agree on.

Both are taken of the alpha in 8 bits; 128 and more of a true mask is subject.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

LEVELS = 256
BETA_SQUARED = 0.3
"""Weight of recall against precision in the F-measure: Achanta et al., "Frequency-tuned salient region
detection", CVPR 2009."""


def mae(alpha: Bytes, truth: Bytes) -> float:
    """Mean absolute error in [0, 1]: Perazzi et al., "Saliency filters", CVPR 2012."""
    return float(np.abs(alpha.astype(np.int16) - truth).mean()) / 255


def precision_and_recall(
    alpha: Bytes, truth: Bytes
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Precision and recall at each threshold 0 to 255, the subject being what reaches it.

    Where nothing is found, precision is 0, and where nothing is to be found, recall is 0, as in the papers'
    programs.
    """
    inside, outside = histograms(alpha, truth >= 128)
    right = inside[::-1].cumsum()[::-1]
    found = right + outside[::-1].cumsum()[::-1]
    precision = np.divide(right, found, out=np.zeros(LEVELS), where=found > 0)
    return precision, right / max(right[0], 1)


def f_measure(precision: npt.NDArray[np.float64], recall: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Weighted harmonic mean of precision and recall; 0 where both are."""
    below = BETA_SQUARED * precision + recall
    above = (1 + BETA_SQUARED) * precision * recall
    return np.divide(above, below, out=np.zeros_like(below), where=below > 0)


def histograms(alpha: Bytes, subject: Mask) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """How often each level occurs inside and outside of the subject."""
    inside = np.bincount(alpha[subject], minlength=LEVELS)
    return inside, np.bincount(alpha.ravel(), minlength=LEVELS) - inside
