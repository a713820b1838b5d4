"""A network's weights in fewer bytes, in the file only: whoever loads it computes in float32.

`rembolt.models.convert.unpack` undoes it, up to the rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGE = 8192
"""Tensors of fewer numbers are not worth a scale for each output channel."""

SMALL = 64
"""Tensors of fewer numbers stay in single precision: halving them saves nothing."""

MOST = 127
"""Of 8 bits with a sign, the same on both sides of 0."""


def compact(model: onnx.ModelProto) -> onnx.ModelProto:
    """Keep large weights in 8 bits, with a scale for each output channel, and the rest in 16, in place."""
    nodes = []
    for tensor in list(model.graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= LARGE:
            name = tensor.name
            steps, scales = rounded(values)
            tensor.CopyFrom(numpy_helper.from_array(steps, f"{name}.bytes"))
            model.graph.initializer.append(numpy_helper.from_array(scales, f"{name}.scales"))
            nodes += [_widen(tensor.name, f"{name}.steps")]
            nodes += [helper.make_node("Mul", [f"{name}.steps", f"{name}.scales"], [name])]
        elif values.dtype == np.float32 and values.size >= SMALL:
            nodes += [_halve(tensor)]
    return _beginning(nodes, model)


def halve(model: onnx.ModelProto, dimensions: int = 1) -> onnx.ModelProto:
    """Keep weights in half precision, in place.

    Args:
        model: a network.
        dimensions: tensors of fewer stay as they are; those of one may be a quantiser's scales.
    """
    tensors = [tensor for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT]
    tensors = [tensor for tensor in tensors if len(tensor.dims) >= dimensions]
    nodes = [_halve(tensor) for tensor in tensors if numpy_helper.to_array(tensor).size >= SMALL]
    return _beginning(nodes, model)


def rounded(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round weights to 8 bits.

    Args:
        weights: `float32` `(O, ...)`, of `O` output channels.

    Returns:
        Steps, `int8` of the same shape, and how large one is, `float32` `(O, 1, ...)`.
    """
    largest = np.abs(weights).max(tuple(range(1, weights.ndim)), keepdims=True)
    scales = np.maximum(largest / np.float32(MOST), np.finfo(np.float32).tiny)
    return np.rint(weights / scales).clip(-MOST, MOST).astype(np.int8), scales


def _halve(tensor: onnx.TensorProto) -> onnx.NodeProto:
    name, values = tensor.name, numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
    return _widen(tensor.name, name)


def _widen(tensor: str, name: str) -> onnx.NodeProto:
    return helper.make_node("Cast", [tensor], [name], to=TensorProto.FLOAT)


def _beginning(nodes: list[onnx.NodeProto], model: onnx.ModelProto) -> onnx.ModelProto:
    nodes = [*nodes, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return model
