"""From a network's raw output to a mask in [0, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from rembolt.models.spec import Head


def to_masks(output: npt.NDArray[np.float32], head: Head) -> npt.NDArray[np.float32]:
    """Turn a network's first output into masks.

    Args:
        output: `float32` `(N, C, h, w)`, only channel 0 is read; logits or already in [0, 1].
        head: how to read it.

    Returns:
        `float32` `(N, h, w)` in [0, 1]. A photo whose output is the same everywhere gives zeros.
    """
    masks = output[:, 0]
    if head != "minmax":
        masks = _sigmoid(masks)
    if head == "sigmoid":
        return masks
    # Each photo has its own range, so that a batch gives what its photos give one by one.
    low = masks.min(axis=(1, 2), keepdims=True)
    span = masks.max(axis=(1, 2), keepdims=True) - low
    stretched = np.zeros_like(masks)
    np.divide(masks - low, span, out=stretched, where=span > 0)
    return stretched


def spread(masks: npt.NDArray[np.float32], levels: tuple[float, float]) -> npt.NDArray[np.float32]:
    """Move the two `levels` of a mask in [0, 1] to 0 and 1 and cut off what lies beyond."""
    low, high = levels
    if levels == (0.0, 1.0):
        return masks
    wide = (masks - np.float32(low)) / np.float32(high - low)
    return wide.clip(np.float32(0), np.float32(1))


def _sigmoid(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):  # exp(large) is inf, and 1 / inf is the right 0
        return np.float32(1) / (np.float32(1) + np.exp(-logits))
