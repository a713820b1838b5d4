"""A network as ONNX's graph: read, made ready, and what of it can be computed in 8 bits."""

from __future__ import annotations

import contextlib
import copy
import io
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rembolt.engine.loading import first_line
from rembolt.errors import BrokenWeightsError
from rembolt.extras import load_extra

if TYPE_CHECKING:
    from collections.abc import Iterable

OPSET = 13
"""From which `DequantizeLinear` knows a scale for each channel."""

IR_VERSION = 4
"""From which weights need not be inputs too."""

LAYERS = frozenset({"Conv", "Gemm", "MatMul"})
"""What takes nearly all of a network's time, and gains from 8 bits."""

FOLLOWERS = frozenset({"Add", "Concat", "MaxPool", "Relu", "Resize", "Slice"})
"""What stays in 8 bits between layers that are."""

SAME_VALUES = frozenset({"Concat", "MaxPool", "Resize", "Slice"})
"""What only moves or chooses values, or mixes neighbours: output and inputs can share one scale."""

NARROW = 16
"""Output channels below which ONNX Runtime's 8-bit convolutions are slow: u2netp's 64 to 1 at 320 px takes
26 ms, the same with 15 idle channels 5."""


def onnx() -> Any:
    """The `onnx` module.

    Raises:
        MissingExtraError: it is not installed.
    """
    return load_extra(
        "onnx",
        "onnx",
        absent="networks are quantised with the package onnx, which is not installed: "
        'pip install "rembolt[quantise]"',
        reinstall='"rembolt[quantise]"',
    )


class Layer(NamedTuple):
    """A node with weights.

    Attributes:
        name: of the node.
        kind: `Conv`, `Gemm` or `MatMul`.
        input: name of the tensor it takes.
        weights: name of its weights.
        bias: name of its bias, empty where it has none.
    """

    name: str
    kind: str
    input: str
    weights: str
    bias: str


class Graph:
    """An ONNX network.

    Attributes:
        model: the `onnx.ModelProto`.
        layers: the nodes that can be quantised, in order.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        taken: set[str] = set()
        for place, node in enumerate(self.nodes):  # every node gets a name of its own
            if not node.name or node.name in taken:
                node.name = f"{node.op_type}_{place}_of_{len(self.nodes)}"
            taken.add(node.name)
        self.constants: dict[str, Any] = {constant.name: constant for constant in model.graph.initializer}
        self.takers: dict[str, list[Any]] = defaultdict(list)
        for node in self.nodes:
            for name in node.input:
                self.takers[name].append(node)
        self.layers = tuple(
            Layer(node.name, node.op_type, node.input[0], node.input[1], (*node.input[2:3], "")[0])
            for node in self.nodes
            if node.op_type in LAYERS and all(name in self.constants for name in node.input[1:] if name)
        )

    @property
    def nodes(self) -> Any:
        """The nodes, in order."""
        return self.model.graph.node

    @property
    def opset(self) -> int:
        """Version of ONNX's own operators."""
        return _opset(self.model)

    @property
    def input(self) -> str:
        """Name of the input."""
        return str(self.model.graph.input[0].name)

    def node(self, name: str) -> Any:
        """The node of this name."""
        return next(node for node in self.nodes if node.name == name)

    def constant(self, name: str) -> npt.NDArray[Any]:
        """The value of a constant."""
        value: npt.NDArray[Any] = onnx().numpy_helper.to_array(self.constants[name])
        return value

    def copy(self) -> Graph:
        """A graph that can be changed without changing this one."""
        return Graph(copy.deepcopy(self.model))

    def in_bytes(self, layers: Iterable[str]) -> list[str]:
        """Names of the nodes that are quantised when these layers are.

        A node that follows is, when all that take its output are: then it adds no rounding of its own.
        """
        names = set(layers)
        for node in reversed(self.nodes):
            if node.op_type in FOLLOWERS:
                takers = [taker.name for output in node.output for taker in self.takers[output]]
                if takers and names.issuperset(takers):
                    names.add(node.name)
        for node in self.nodes:  # the ReLU after a layer is part of it
            if node.name in names and node.op_type in LAYERS:
                names.update(taker.name for taker in self.takers[node.output[0]] if taker.op_type == "Relu")
        return sorted(names)


def read(path: Path, shape: tuple[int, ...]) -> Graph:
    """Read a network for an input of one shape, its constants folded and its tensors' shapes inferred.

    Args:
        path: an ONNX file.
        shape: of the input, `(1, 3, H, W)`.

    Raises:
        BrokenWeightsError: it is no network that can be read so.
        MissingExtraError: onnx is not installed.
    """
    from onnxruntime.quantization.shape_inference import quant_pre_process

    library = onnx()
    try:
        model = library.load(str(path))
        constants = {constant.name for constant in model.graph.initializer}
        # Old networks list their weights among the inputs, and what can be fed is not folded.
        inputs = [entry for entry in model.graph.input if entry.name not in constants]
        del model.graph.input[:]
        model.graph.input.extend(inputs)
        model.ir_version = max(model.ir_version, IR_VERSION)
        for dimension, size in zip(model.graph.input[0].type.tensor_type.shape.dim, shape, strict=True):
            dimension.dim_value = size
        if _opset(model) < OPSET:
            model = library.version_converter.convert_version(model, OPSET)
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            source, target = Path(folder) / "read.onnx", Path(folder) / "ready.onnx"
            library.save(model, str(source))
            quant_pre_process(str(source), str(target), skip_symbolic_shape=True)
            model = library.load(str(target))
    except Exception as error:
        # onnx, protobuf and the optimiser raise whatever comes up inside them.
        raise BrokenWeightsError(
            f"{path} cannot be made ready to be quantised ({first_line(error)})."
        ) from error
    return Graph(model)


def widened(graph: Graph) -> Graph:
    """The same network, its layers with few output channels given idle ones that are cut off again."""
    library = onnx()
    graph = graph.copy()
    convolutions = {layer.name for layer in graph.layers if layer.kind == "Conv"}
    nodes = []
    for node in list(graph.nodes):
        nodes.append(node)
        if node.name not in convolutions or groups(node) > 1:
            continue
        weights = graph.constant(node.input[1])
        if not len(weights) < NARROW <= weights.shape[1]:
            continue
        made = {"weights": _padded(weights), "start": np.array([0]), "end": np.array([len(weights)])}
        made["axis"] = np.array([1])
        if len(node.input) > 2 and node.input[2]:
            made["bias"] = _padded(graph.constant(node.input[2]))
        output = node.output[0]
        names = {role: f"{node.name}_wide_{role}" for role in made}
        graph.model.graph.initializer.extend(
            library.numpy_helper.from_array(value, names[role]) for role, value in made.items()
        )
        node.input[1:] = [names[role] for role in ("weights", "bias") if role in made]
        node.output[0] = f"{node.name}_wide"
        cut = [node.output[0], names["start"], names["end"], names["axis"]]
        nodes.append(library.helper.make_node("Slice", cut, [output], name=f"{node.name}_cut"))
    del graph.nodes[:]
    graph.nodes.extend(nodes)
    return Graph(library.shape_inference.infer_shapes(graph.model))


def groups(node: Any) -> int:
    """Of how many convolutions side by side a convolution is made."""
    return next((int(entry.i) for entry in node.attribute if entry.name == "group"), 1)


def _opset(model: Any) -> int:
    return next(int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx"))


def _padded(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    wide = np.zeros((NARROW, *values.shape[1:]), values.dtype)
    wide[: len(values)] = values
    return wide
