"""How far an alpha is from the true one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LEAK = 0.1
"""What lies beyond 0 and 1 counts so much: it is clipped in the end, but must still be able to come back."""

SLOPE = 1.0
SQUARE = 2.0


def loss(alpha: Tensor, truth: Tensor) -> Tensor:
    """Absolute, squared and gradient error, averaged.

    Args:
        alpha: `(B, 1, H, W)`, not clipped.
        truth: `(B, 1, H, W)` in [0, 1].
    """
    clipped = alpha.clamp(0, 1)
    alpha = clipped + LEAK * (alpha - clipped)
    error = alpha - truth
    across, down = error.diff(dim=3), error.diff(dim=2)
    steep = across.abs().mean() + down.abs().mean()
    return error.abs().mean() + SQUARE * error.square().mean() + SLOPE * steep
