"""How far an answer is from the truth, and from a teacher's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

FARTHEST = 6.0
"""Deviations from its mean beyond which a teacher's feature is not followed: few are, and they are loud."""

COARSE = 0.4
"""What an answer of a coarser scale counts beside the finest."""

BOUNDARY = 4.0
"""What a pixel at a boundary counts more than one far from any."""


def loss(answers: Sequence[Tensor], masks: Tensor, boundaries: Tensor) -> Tensor:
    """Weighted cross entropy and weighted IoU, at every scale, averaged over the batch.

    After Wei et al., "F3Net: Fusion, Feedback and Focus for Salient Object Detection", AAAI 2020.

    Args:
        answers: logits `(B, 1, h, w)`, the finest first.
        masks: `(B, 1, H, W)` in [0, 1].
        boundaries: `(B, 1, H, W)` in [0, 1].
    """
    total = _at(answers[0], masks, boundaries)
    for answer in answers[1:]:
        factor = masks.shape[-1] // answer.shape[-1]
        total = total + COARSE * _at(
            answer, functional.avg_pool2d(masks, factor), functional.avg_pool2d(boundaries, factor)
        )
    return total


def distance(answers: Sequence[Tensor], features: Sequence[Tensor]) -> Tensor:
    """Mean squared distance from a teacher's features, summed over the layers.

    Args:
        answers: `(B, C, h, w)` of each layer.
        features: the teacher's, `(B, C, H, W)`, every channel with mean 0 and deviation 1.
    """
    total = answers[0].new_zeros(())
    for answer, feature in zip(answers, features, strict=True):
        wanted = functional.interpolate(
            feature.clamp(-FARTHEST, FARTHEST), answer.shape[2:], mode="bilinear", antialias=True
        )
        total = total + functional.mse_loss(answer, wanted)
    return total


def _at(logits: Tensor, masks: Tensor, boundaries: Tensor) -> Tensor:
    weights = 1 + BOUNDARY * boundaries
    entropy = functional.binary_cross_entropy_with_logits(logits, masks, reduction="none")
    weighted = (weights * entropy).sum((2, 3)) / weights.sum((2, 3))
    alpha = logits.sigmoid()
    both = (alpha * masks * weights).sum((2, 3))
    either = ((alpha + masks) * weights).sum((2, 3)) - both
    return (weighted + 1 - (both + 1) / (either + 1)).mean()
