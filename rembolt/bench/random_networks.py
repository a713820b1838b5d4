"""U²-Nets of the paper's shape with random weights: what they cost is what the trained ones cost.

One channel is not random: it carries "more red than blue" from the first layer to the last, so that the
answer for a photo of `rembolt.bench.photos` is its subject. A mask of noise would make everything after the
network (matting, PNG) cost what it never costs. Convolutions take as long whatever their weights are.

Layers as in Qin et al., "U²-Net: Going deeper with nested U-structure for salient object detection", 2020,
with the batch normalisation folded into the convolutions, as in the files that rembg publishes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from rembolt.errors import MissingExtraError
from rembolt.models.catalogue import find_model

if TYPE_CHECKING:
    from pathlib import Path

OPSET: Final = 17
IR_VERSION: Final = 8

WARMTH: Final = 0
"""The channel that is not random, in every block that carries it."""

THRESHOLD: Final = 0.12
STEEPNESS: Final = 40.0
"""The answer is `sigmoid(STEEPNESS * (red - blue - THRESHOLD))`, colours in [0, 1]."""


class Block(NamedTuple):
    """One U-block of the network ("RSU" in the paper).

    Attributes:
        height: layers on the way down, 7 to 4.
        inner: channels inside.
        outer: channels that leave it.
        dilated: instead of shrinking, the layers look further and further apart ("RSU-4F").
    """

    height: int
    inner: int
    outer: int
    dilated: bool = False


class Layout(NamedTuple):
    """A whole network.

    Attributes:
        down: the six blocks of the encoder.
        up: the five of the decoder, deepest first.
    """

    down: tuple[Block, ...]
    up: tuple[Block, ...]


def _layout(*channels: tuple[int, int], halved: bool = False) -> Layout:
    """Eleven blocks from their inner and outer channels."""
    heights = (7, 6, 5, 4, 4, 4, 4, 4, 5, 6, 7)
    share = 2 if halved else 1
    blocks = tuple(
        Block(height, inner // share, outer // share, dilated=4 <= index <= 6)
        for index, (height, (inner, outer)) in enumerate(zip(heights, channels, strict=True))
    )
    return Layout(blocks[:6], blocks[6:])


_FULL: Final = (
    *((32, 64), (32, 128), (64, 256), (128, 512), (256, 512), (256, 512)),
    *((256, 512), (128, 256), (64, 128), (32, 64), (16, 64)),
)

LAYOUTS: Final = {
    "u2net": _layout(*_FULL),
    "u2netp": _layout(*[(16, 64)] * 11),
    "silueta": _layout(*_FULL, halved=True),
}
"""By the catalogue's name.

How silueta was cut down from u2net is not published; half of u2net's channels give the size of its file.
"""


def write(name: str, path: Path) -> None:
    """Write one of `LAYOUTS` as an ONNX file; the same bytes each time.

    Args:
        name: of the model.
        path: where to.

    Raises:
        MissingExtraError: the package onnx is not installed.
    """
    onnx = require_onnx(f"making a network of the shape of {name}")
    graph = _Graph(onnx, np.random.default_rng(0))
    answer = _u2net(graph, "image", LAYOUTS[name])
    width, height = find_model(name).input_size
    info, float32 = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    made = onnx.helper.make_graph(
        graph.nodes,
        name,
        [info("image", float32, ["batch", 3, height, width])],
        [info(answer, float32, ["batch", 1, height, width])],
        graph.weights,
    )
    opset = [onnx.helper.make_opsetid("", OPSET)]
    model = onnx.helper.make_model(made, opset_imports=opset, ir_version=IR_VERSION, producer_name="rembolt")
    path.write_bytes(model.SerializeToString())


def require_onnx(purpose: str) -> Any:
    """The package onnx.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
        import onnx.shape_inference
    except ImportError as error:
        raise MissingExtraError(
            f'{purpose} needs the package onnx; install it with: pip install "rembolt[bench]"'
        ) from error
    return onnx


class _Graph:
    """The nodes and weights so far; each method adds some and gives the name of what they make."""

    def __init__(self, onnx: Any, random: np.random.Generator) -> None:
        self._onnx = onnx
        self._random = random
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._scales: dict[int, str] = {}

    def conv(
        self,
        source: str,
        channels: int,
        out: int,
        *,
        dilation: int = 1,
        kernel: int = 3,
        carried: tuple[npt.NDArray[np.float32], float] | None = None,
    ) -> str:
        """A convolution.

        Args:
            source: its input.
            channels: of the input.
            out: of the output.
            dilation: distance between the pixels it reads.
            kernel: its side.
            carried: weights `(channels, kernel, kernel)` and bias of the channel `WARMTH`, not random.
        """
        deviation = np.float32(np.sqrt(2 / (channels * kernel**2)))  # keeps the size of what passes through
        weights = self._random.standard_normal((out, channels, kernel, kernel), dtype=np.float32) * deviation
        bias = self._random.standard_normal(out, dtype=np.float32) * np.float32(0.05)
        if carried is not None:
            weights[WARMTH], bias[WARMTH] = carried
        index = len(self.nodes)
        names = [self._constant(f"w{index}", weights), self._constant(f"b{index}", bias)]
        pad = dilation * (kernel // 2)
        return self._node(
            "Conv",
            source,
            *names,
            dilations=[dilation] * 2,
            group=1,
            kernel_shape=[kernel] * 2,
            pads=[pad] * 4,
            strides=[1, 1],
        )

    def layer(self, source: str, channels: int, out: int, **options: Any) -> str:
        """A convolution and a ReLU."""
        return self._node("Relu", self.conv(source, channels, out, **options))

    def halve(self, source: str) -> str:
        """The largest of each 2 x 2 pixels."""
        return self._node("MaxPool", source, ceil_mode=1, kernel_shape=[2, 2], pads=[0] * 4, strides=[2, 2])

    def enlarge(self, source: str, times: int) -> str:
        """So many times as wide and high, bilinear."""
        if times not in self._scales:
            self._scales[times] = self._constant(f"x{times}", np.array([1, 1, times, times], np.float32))
        return self._node(
            "Resize",
            source,
            "",
            self._scales[times],
            coordinate_transformation_mode="half_pixel",
            mode="linear",
        )

    def join(self, *sources: str) -> str:
        """The channels one after the other."""
        return self._node("Concat", *sources, axis=1)

    def add(self, one: str, other: str) -> str:
        """The sum."""
        return self._node("Add", one, other)

    def sigmoid(self, source: str) -> str:
        """Squash into [0, 1]."""
        return self._node("Sigmoid", source)

    def _constant(self, name: str, values: npt.NDArray[np.float32]) -> str:
        self.weights.append(self._onnx.numpy_helper.from_array(values, name))
        return name

    def _node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(self._onnx.helper.make_node(kind, list(inputs), [name], **attributes))
        return name


def _u2net(graph: _Graph, image: str, layout: Layout) -> str:
    """The encoder, the decoder, and the fusion of the six answers."""
    sources: list[tuple[str, int]] = []
    here, channels = image, 3
    for index, block in enumerate(layout.down):
        if index:
            here = graph.halve(here)
        here = _block(graph, here, channels, block, carried=_colours() if index == 0 else None)
        channels = block.outer
        sources.append((here, channels))
    answers = [sources[-1]]
    for index, block in enumerate(layout.up):
        skip, skipped = sources[-2 - index]
        last = index == len(layout.up) - 1
        joined = graph.join(graph.enlarge(here, 2), skip)
        carried = _average(channels + skipped, channels + WARMTH) if last else None
        here = _block(graph, joined, channels + skipped, block, carried=carried)
        channels = block.outer
        answers.append((here, channels))
    sides = []
    for level, (source, width) in enumerate(reversed(answers)):
        side = graph.conv(source, width, 1, carried=_centre(width) if level == 0 else None)
        sides.append(graph.enlarge(side, 2**level) if level else side)
    fusion = np.zeros((len(sides), 1, 1), np.float32)
    fusion[0] = STEEPNESS
    fused = graph.conv(graph.join(*sides), len(sides), 1, kernel=1, carried=(fusion, -STEEPNESS * THRESHOLD))
    return graph.sigmoid(fused)


def _block(
    graph: _Graph,
    source: str,
    channels: int,
    block: Block,
    *,
    carried: tuple[npt.NDArray[np.float32], float] | None,
) -> str:
    """One U-block; with `carried`, what its first layer makes of that passes it unchanged."""
    first = graph.layer(source, channels, block.outer, carried=carried)
    here, width = first, block.outer
    down = []
    for step in range(block.height - 1):
        if step and not block.dilated:
            here = graph.halve(here)
        here = graph.layer(here, width, block.inner, dilation=2**step if block.dilated else 1)
        width = block.inner
        down.append(here)
    dilation = 2 ** (block.height - 1) if block.dilated else 2
    here = graph.layer(here, width, block.inner, dilation=dilation)
    for step, skip in reversed(list(enumerate(down))):
        out = block.inner if step else block.outer
        nothing = (np.zeros((2 * width, 3, 3), np.float32), 0.0) if carried and not step else None
        spacing = 2**step if block.dilated else 1
        here = graph.layer(graph.join(here, skip), 2 * width, out, dilation=spacing, carried=nothing)
        if step and not block.dilated:
            here = graph.enlarge(here, 2)
    return graph.add(here, first)


def _colours() -> tuple[npt.NDArray[np.float32], float]:
    """Red less blue, in [-1, 1], of the normalised picture, averaged over 3 x 3 pixels."""
    spec = find_model("u2net")
    kernel = np.zeros((3, 3, 3), np.float32)
    kernel[0], kernel[2] = spec.std[0] / 9, -spec.std[2] / 9
    return kernel, spec.mean[0] - spec.mean[2]


def _average(channels: int, which: int) -> tuple[npt.NDArray[np.float32], float]:
    """One channel, averaged over 3 x 3 pixels."""
    kernel = np.zeros((channels, 3, 3), np.float32)
    kernel[which] = 1 / 9
    return kernel, 0.0


def _centre(channels: int) -> tuple[npt.NDArray[np.float32], float]:
    """The channel `WARMTH` as it is."""
    kernel = np.zeros((channels, 3, 3), np.float32)
    kernel[WARMTH, 1, 1] = 1
    return kernel, 0.0
