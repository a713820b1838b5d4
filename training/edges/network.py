"""The network that refines edges: from a small picture and its coarse mask to a line through the colours.

It does not answer an alpha but, for every second pixel, what to multiply the photo's own colours with and
what to add: alpha = a . colour + b. Enlarged and applied to the photo at full size, these coefficients follow
hair that the small picture never showed. After Gharbi et al., "Deep Bilateral Learning for Real-Time Image
Enhancement" (SIGGRAPH 2017), and He et al., "Guided Image Filtering" (TPAMI 2013), whose linear model it is.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

COEFFICIENTS = 4
"""Of red, green and blue, and the constant."""

MULTIPLE = 8
"""Sides of the input must be multiples of this."""


class Shape(NamedTuple):
    """How large a network is.

    Attributes:
        widths: channels at 1/2, 1/4 and, where there is a third, 1/8 of the input's side.
        dilations: of the residual convolutions at each but the first of these sizes.
    """

    widths: tuple[int, ...]
    dilations: tuple[int, ...]


SHAPES = {"fast": Shape((16, 32), (1, 2, 4, 1)), "best": Shape((32, 48, 96), (1, 2, 4, 1))}


class Level(nn.Module):
    """Halve, convolve with growing reach, ask the coarser level, and come back."""

    def __init__(self, shape: Shape, number: int) -> None:
        super().__init__()
        fine, width = shape.widths[number - 1], shape.widths[number]
        self.down = nn.Conv2d(fine, width, 3, 2, 1)
        self.blocks = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation) for dilation in shape.dilations
        )
        self.coarser = Level(shape, number + 1) if number + 1 < len(shape.widths) else None
        self.back = nn.Conv2d(width, fine, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Give features of the input's shape."""
        y = functional.relu(self.down(x))
        for block in self.blocks:
            y = y + functional.relu(block(y))
        if self.coarser is not None:
            y = self.coarser(y)
        back = functional.interpolate(self.back(y), scale_factor=2.0, mode="bilinear", align_corners=False)
        return functional.relu(x + back)


class Refiner(nn.Module):
    """Coefficients from a picture and its coarse mask.

    Input: float32 `(B, 4, H, W)`, red, green, blue and mask in [0, 1], H and W multiples of 8. Output:
    `(B, 4, H / 2, W / 2)`, what to multiply red, green and blue (in [0, 1]) with, and what to add.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.widths[0]
        self.stem = nn.Conv2d(4, width, 4, 2, 1)
        self.before = nn.Conv2d(width, width, 3, padding=1)
        self.level = Level(shape, 1)
        self.after = nn.Conv2d(width, width, 3, padding=1)
        self.head = nn.Conv2d(width, COEFFICIENTS, 3, padding=1)
        nn.init.zeros_(self.head.weight)  # it starts as the mask itself
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Answer the coefficients."""
        mask = functional.avg_pool2d(x[:, 3:], 2)
        y = functional.relu(self.stem(x - 0.5))
        y = y + functional.relu(self.before(y))
        y = self.level(y)
        y = y + functional.relu(self.after(y))
        a, b = self.head(y).split((3, 1), dim=1)
        # The line is drawn through the middle grey, so that the constant need not make up for the slope.
        return torch.cat([a, b + mask - 0.5 * a.sum(1, keepdim=True)], dim=1)


def apply(coefficients: Tensor, pictures: Tensor) -> Tensor:
    """Alpha `(B, 1, H, W)`, not clipped, of pictures `(B, 3, H, W)` in [0, 1] of whatever size."""
    large = functional.interpolate(
        coefficients, size=pictures.shape[-2:], mode="bilinear", align_corners=False
    )
    return (large[:, :3] * pictures).sum(1, keepdim=True) + large[:, 3:]
