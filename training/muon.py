"""The optimizer of the dense convolutions."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import torch
from torch.optim import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the Newton-Schulz step: they bring small singular values up fast, to about 1 rather than to 1."""

STEPS = 4

SCALE = 0.2
"""Root mean square of an update at a learning rate of 1, which is AdamW's, so that one rate serves both."""


class Muon(Optimizer):
    """Momentum, made orthogonal: a step goes equally far in all directions that a layer's gradient has.

    After Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024, with updates as
    large as AdamW's (Liu et al., "Muon is Scalable for LLM Training", 2025). PyTorch's own takes matrices
    only; here a convolution's weights `(O, I, K, K)` are the matrix `(O, I K K)`.

    Args:
        weights: of dense convolutions.
        decay: of the weights, decoupled as in AdamW.
        momentum: how much of the mean gradient stays at each step.
        precision: of the products that make a momentum orthogonal; bfloat16 serves, as the paper says.
    """

    def __init__(
        self,
        weights: Iterable[Tensor],
        *,
        decay: float,
        momentum: float = 0.95,
        precision: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(weights, {"lr": 1e-3, "decay": decay, "momentum": momentum})
        self._precision = precision

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Move every weight that has a gradient."""
        for group in self.param_groups:
            rate, momentum = group["lr"], group["momentum"]
            alike = defaultdict(list)  # weights of one shape are computed together
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["mean"] = torch.zeros_like(weight)
                mean = state["mean"]
                mean.lerp_(weight.grad, 1 - momentum)
                ahead = weight.grad.lerp(mean, momentum)  # Nesterov's
                alike[ahead.flatten(1).shape].append((weight, ahead.flatten(1)))
            for shape, members in alike.items():
                updates = orthogonal(torch.stack([matrix for _, matrix in members]), self._precision)
                for (weight, _), update in zip(members, updates, strict=True):
                    weight.mul_(1 - rate * group["decay"])
                    weight.add_(update.view_as(weight), alpha=-rate * SCALE * max(shape) ** 0.5)


def orthogonal(matrices: Tensor, precision: torch.dtype = torch.float32) -> Tensor:
    """Bring the singular values of matrices, those that are not next to 0, to between 0.6 and 1.3.

    Args:
        matrices: `float32` `(N, rows, columns)`.
        precision: of the products.
    """
    wide = matrices.shape[1] <= matrices.shape[2]
    x = matrices if wide else matrices.mT
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)).to(precision)
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return (x if wide else x.mT).to(matrices.dtype)
