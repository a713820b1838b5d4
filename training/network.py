"""The network in training for `bolt`: 1.8 million parameters, 0.7 GMAC at 320 x 320, made for CPUs.

Dense and pointwise convolutions with ReLU and channel counts that are multiples of 16, which ONNX Runtime
runs in its blocked layout without reordering; depthwise convolutions only where pictures are small. Nothing
but the first convolution is computed at more than a quarter of the input's side: the finest head answers
with 4 x 4 sub-pixels a position (Shi et al., "Real-Time Single Image and Video Super-Resolution Using an
Efficient Sub-Pixel Convolutional Neural Network", CVPR 2016).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.depthwise import Depthwise

WIDTHS = (32, 64, 128, 192)
"""Channels of the encoder at 1/4, 1/8, 1/16 and 1/32 of the input's side."""

DEPTHS = (1, 3, 6, 3)
KERNELS = (5, 5, 7, 7)
EXPANSIONS = (2, 2, 3, 3)

DECODER = (32, 48, 64)
"""Channels of the decoder at 1/4, 1/8 and 1/16."""

SEEN = (WIDTHS[3], DECODER[2], DECODER[1])
"""Channels of the features that a teacher may shape: the encoder's last and the decoder's first two."""

SHUFFLE = 4
"""Sub-pixels a side that the finest head answers for every position."""


def convolution(inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> nn.Sequential:
    """A convolution without bias and its batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)
    )


class Block(nn.Module):
    """A residual block: depthwise convolution, then two pointwise ones around a ReLU.

    After Liu et al., "A ConvNet for the 2020s", CVPR 2022, with batch normalisation (it folds away) and ReLU.
    """

    def __init__(self, channels: int, kernel: int, expansion: int) -> None:
        super().__init__()
        self.spatial = nn.Sequential(Depthwise(channels, kernel), nn.BatchNorm2d(channels))
        self.expand = nn.Conv2d(channels, channels * expansion, 1)
        self.project = convolution(channels * expansion, channels, 1)
        nn.init.constant_(self.project[1].weight, 0.2)  # starts close to the identity

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        return x + self.project(functional.relu(self.expand(self.spatial(x)), inplace=True))


class Stage(nn.Module):
    """Halve the picture, then a number of blocks."""

    def __init__(self, inputs: int, outputs: int, depth: int, kernel: int, expansion: int) -> None:
        super().__init__()
        self.down = convolution(inputs, outputs, 3, stride=2)
        self.blocks = nn.Sequential(*(Block(outputs, kernel, expansion) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        """Halve the height and the width."""
        return self.blocks(functional.relu(self.down(x), inplace=True))


class Merge(nn.Module):
    """A step of the decoder: the coarser features, doubled, and the encoder's of this size.

    After Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017.
    """

    def __init__(self, coarse: int, lateral: int, outputs: int) -> None:
        super().__init__()
        self.coarse = convolution(coarse, outputs, 1)
        self.lateral = convolution(lateral, outputs, 1)
        self.mix = convolution(outputs, outputs, 3)

    def forward(self, coarse: Tensor, lateral: Tensor) -> Tensor:
        """Give features of the lateral's height and width."""
        doubled = functional.interpolate(
            self.coarse(coarse), scale_factor=2.0, mode="bilinear", align_corners=False
        )
        return functional.relu(
            self.mix(functional.relu(doubled + self.lateral(lateral), inplace=True)), inplace=True
        )


class Bolt(nn.Module):
    """Saliency network.

    Input: float32 `(B, 3, H, W)`, RGB in [0, 1] normalised with ImageNet's mean and standard deviation, H and
    W multiples of 32. Output: logits `(B, 1, H, W)`; while training a list of logits, finest first: that one,
    then `(B, 1, H / 8, W / 8)` and `(B, 1, H / 16, W / 16)` for deep supervision.

    Attributes:
        seen: the last call's features at 1/32, 1/16 and 1/8, of `SEEN` channels, which a teacher may shape.
    """

    def __init__(self) -> None:
        super().__init__()
        inputs = (16, *WIDTHS)
        self.stem = convolution(3, inputs[0], 3, stride=2)
        self.stages = nn.ModuleList(
            Stage(inputs[i], WIDTHS[i], DEPTHS[i], KERNELS[i], EXPANSIONS[i]) for i in range(4)
        )
        coarser = (*DECODER[1:], WIDTHS[3])
        self.merges = nn.ModuleList(Merge(coarser[i], WIDTHS[i], DECODER[i]) for i in range(3))
        self.heads = nn.ModuleList(
            nn.Conv2d(DECODER[i], outputs, 3, padding=1) for i, outputs in enumerate((SHUFFLE**2, 1, 1))
        )
        with torch.no_grad():  # all sub-pixels start equal, or the first answers are a chequerboard
            self.heads[0].weight.copy_(self.heads[0].weight[:1].expand_as(self.heads[0].weight))
            self.heads[0].bias.fill_(0.0)

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        """Answer logits, as the class says."""
        x = functional.relu(self.stem(x), inplace=True)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        x16 = self.merges[2](features[3], features[2])
        x8 = self.merges[1](x16, features[1])
        self.seen = (features[3], x16, x8)
        x4 = self.merges[0](x8, features[0])
        logits = functional.pixel_shuffle(self.heads[0](x4), SHUFFLE)
        if not self.training:
            return logits
        return [logits, self.heads[1](x8), self.heads[2](x16)]


class Mirrored(nn.Module):
    """The mean of what a network answers to a picture and to its mirror image: two opinions, fewer errors.

    Both go through it side by side, which costs less than two calls.
    """

    def __init__(self, network: Bolt) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Answer logits, as the network in evaluation mode does."""
        both = self.network(torch.cat((x, x.flip(3))))
        halves = both.reshape(2, -1, *both.shape[1:])
        return (halves[0] + halves[1].flip(3)) / 2
