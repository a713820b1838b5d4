"""A network whose layers compute in 8 bits."""

from __future__ import annotations

import contextlib
import io
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rembolt.engine.loading import first_line
from rembolt.errors import BrokenWeightsError
from rembolt.quantise.graph import FOLLOWERS, LAYERS, Graph, onnx

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from rembolt.engine.processor import QuantisationTypes
    from rembolt.quantise.calibration import Observed, Range


def quantised(
    graph: Graph, chosen: Mapping[str, Range], layers: Collection[str], types: QuantisationTypes
) -> Any:
    """Put ONNX's quantise and dequantise nodes around layers, which runtimes fuse into 8-bit kernels.

    Weights get a scale for each output channel, other tensors one each.

    Args:
        graph: the network.
        chosen: the range of each tensor; what has none stays in float.
        layers: names of those to compute in 8 bits.
        types: number types.

    Returns:
        The `onnx.ModelProto`.

    Raises:
        BrokenWeightsError: ONNX Runtime cannot quantise the network.
    """
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    number_types = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}
    spans = {
        name: TensorData(lowest=np.float32(low), highest=np.float32(high))
        for name, (low, high) in chosen.items()
    }
    nodes = [name for name in graph.in_bytes(layers) if _has_ranges(graph, graph.node(name), chosen)]
    model = graph.copy().model
    if not nodes:  # to the quantiser, none would be all
        return model
    try:
        with _silence():
            quantizer = QDQQuantizer(
                model,
                True,  # a scale for each channel
                types.reduce_range,
                number_types[types.weight],
                number_types[types.activation],
                TensorsData(CalibrationMethod.MinMax, spans),
                nodes,
                [],
                sorted(LAYERS | FOLLOWERS),
                {},
            )
            quantizer.quantize_model()
    except Exception as error:
        # The quantiser raises whatever comes up inside it.
        raise BrokenWeightsError(f"the network cannot be quantised ({first_line(error)}).") from error
    return quantizer.model.model


def bias_corrections(
    graph: Graph, observed: Mapping[str, Observed], *, reduce_range: bool
) -> dict[str, npt.NDArray[np.float64]]:
    """What rounding the weights of each convolution takes off each of its outputs on average, `(O,)`.

    After Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
    section 4.2, with means that were seen instead of inferred. It is what saves a layer of which one input
    channel is large and nearly constant: u2netp has one of 226 among others of 0.4.

    Args:
        graph: the network.
        observed: what photos showed of its tensors.
        reduce_range: weights are rounded to 7 bits.
    """
    corrections = {}
    for layer in graph.layers:
        if layer.kind != "Conv" or layer.input not in observed:
            continue
        weights = graph.constant(layer.weights).astype(np.float64)
        error = rounded(weights, reduce_range=reduce_range) - weights
        error = error.reshape(*error.shape[:2], -1).sum(axis=2)
        means = observed[layer.input].means
        groups = len(means) // error.shape[1]
        each = means.reshape(groups, -1).repeat(len(weights) // groups, axis=0)
        corrections[layer.name] = -(error * each).sum(axis=1)
    return corrections


def bias_corrected(
    graph: Graph, corrections: Mapping[str, npt.NDArray[np.float64]], layers: Collection[str]
) -> Graph:
    """The same network, with corrections added to the biases of some layers: those that are to be rounded."""
    corrected = graph.copy()
    for layer in layers:
        if layer in corrections:
            _add_to_bias(corrected, layer, corrections[layer])
    return Graph(corrected.model)


def rounded(weights: npt.NDArray[np.float64], *, reduce_range: bool) -> npt.NDArray[np.float64]:
    """Weights `(O, …)` as 8 (or 7) bits hold them: symmetric, with a scale for each output channel."""
    largest = np.abs(weights).reshape(len(weights), -1).max(axis=1)
    steps = 64 if reduce_range else 127
    scale = np.where(largest > 0, largest, 1).reshape(-1, *[1] * (weights.ndim - 1)) / steps
    values: npt.NDArray[np.float64] = np.clip(np.rint(weights / scale), -steps, steps) * scale
    return values


def _add_to_bias(graph: Graph, layer: str, change: npt.NDArray[np.float64]) -> None:
    node = graph.node(layer)
    old = graph.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else np.float64(0)
    name = f"{layer}_corrected"  # a new one: layers may share a bias
    value = onnx().numpy_helper.from_array((old + change).astype(np.float32), name)
    graph.model.graph.initializer.append(value)
    node.input[2:] = [name]


def _has_ranges(graph: Graph, node: Any, chosen: Mapping[str, Range]) -> bool:
    """Whether all that a node computes with is constant or has a range."""
    inputs = node.input if node.op_type in {"Add", "Concat"} else node.input[:1]
    return all(name in chosen or name in graph.constants for name in (*inputs, node.output[0]))


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The quantiser logs a line for every tensor that it leaves alone."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        root.setLevel(before)
