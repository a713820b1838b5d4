"""Small networks with every kind of layer that can be quantised, and photos whose subject they find."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from rembolt.bench.photos import photo, subject

Floats = npt.NDArray[np.float32]

SIZE = 64

SIDECAR = {"input_size": SIZE, "brightness": "255"}


def write(
    path: Path,
    nodes: list[onnx.NodeProto],
    weights: dict[str, npt.NDArray[Any]],
    *,
    shape: tuple[int | str, ...] = (1, 3, SIZE, SIZE),
    answer: tuple[int | str, ...] = (1, 1, SIZE, SIZE),
    opset: int = 17,
    listed: bool = False,
) -> Path:
    """Write a network from `image` to `mask`; `listed`: as of old, with its weights among the inputs."""
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)]
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    if listed:
        inputs += [helper.make_tensor_value_info(one.name, one.data_type, one.dims) for one in constants]
    outputs = [helper.make_tensor_value_info("mask", TensorProto.FLOAT, answer)]
    graph = helper.make_graph(nodes, "network", inputs, outputs, constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=3 if listed else 8
    )
    onnx.save(model, path)
    return path


def network(path: Path, *, opset: int = 17, dynamic: bool = False, listed: bool = False) -> Path:
    """A network that finds what is warm: 3 channels, 16 (a depthwise and a grouped layer), half the size and
    back, 32, and one answer. One channel carries "more red than blue", the others are random."""
    random = np.random.default_rng(0)

    def conv(out: int, taken: int, side: int, carried: float = 1.0) -> Floats:
        weights = random.normal(scale=0.7 / np.sqrt(taken * side**2), size=(out, taken, side, side))
        if out > 1:
            weights[0] = 0
        weights[0, 0, side // 2, side // 2] = carried
        return weights.astype(np.float32)

    weights: dict[str, npt.NDArray[Any]] = {
        "first": conv(16, 3, 3),
        "depthwise": conv(16, 1, 3),
        "grouped": conv(16, 8, 1),
        "deep": conv(16, 16, 3),
        "last": conv(1, 32, 3, carried=4.0),
        **{f"bias_{name}": random.normal(scale=0.1, size=16).astype(np.float32) for name in "abcd"},
        "bias_last": np.array([-2], np.float32),
        "nowhere": np.array([], np.float32),  # before opset 13 it could not be left out
        "twice": np.array([1, 1, 2, 2], np.float32),
    }
    weights["first"][0, 2, 1, 1] = -1
    for name in "abcd":
        weights[f"bias_{name}"][0] = 0
    pad = {"pads": [1] * 4}
    nodes = [
        helper.make_node("Conv", ["image", "first", "bias_a"], ["t0"], **pad),
        helper.make_node("Relu", ["t0"], ["t1"]),
        helper.make_node("Conv", ["t1", "depthwise", "bias_b"], ["t2"], group=16, **pad),
        helper.make_node("Conv", ["t2", "grouped", "bias_c"], ["t3"], group=2),
        helper.make_node("Relu", ["t3"], ["t4"]),
        helper.make_node("MaxPool", ["t4"], ["t5"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["t5", "deep", "bias_d"], ["t6"], **pad),
        helper.make_node("Resize", ["t6", "nowhere", "twice"], ["t7"], mode="linear"),
        helper.make_node("Concat", ["t4", "t7"], ["t8"], axis=1),
        helper.make_node("Conv", ["t8", "last", "bias_last"], ["t9"], **pad),
        helper.make_node("Sigmoid", ["t9"], ["mask"]),
    ]
    sides = ("height", "width") if dynamic else (SIZE, SIZE)
    batch = "batch" if dynamic else 1
    shape, answer = (batch, 3, *sides), (batch, 1, *sides)
    return write(path, nodes, weights, shape=shape, answer=answer, opset=opset, listed=listed)


def own_model(folder: Path, name: str = "mine.onnx", **options: Any) -> Path:
    """`network` with the JSON file beside it that makes it an own model."""
    path = network(folder / name, **options)
    path.with_suffix(".json").write_text(json.dumps(SIDECAR))
    return path


def dense(path: Path) -> Path:
    """A network of `MatMul` and `Gemm`: the colours of each pixel are mixed, 3 to 32 to 1."""
    random = np.random.default_rng(1)
    weights = {
        "mix": random.normal(scale=0.5, size=(3, 32)).astype(np.float32),
        "choose": random.normal(scale=0.5, size=(1, 32)).astype(np.float32),
        "bias": np.array([0.3], np.float32),
        "rows": np.array([SIZE * SIZE, 32]),
        "picture": np.array([1, SIZE, SIZE, 1]),
    }
    nodes = [
        helper.make_node("Transpose", ["image"], ["t0"], perm=[0, 2, 3, 1]),
        helper.make_node("MatMul", ["t0", "mix"], ["t1"], name="mixed"),
        helper.make_node("Relu", ["t1"], ["t2"]),
        helper.make_node("Reshape", ["t2", "rows"], ["t3"]),
        helper.make_node("Gemm", ["t3", "choose", "bias"], ["t4"], name="chosen", transB=1),
        helper.make_node("Reshape", ["t4", "picture"], ["t5"]),
        helper.make_node("Transpose", ["t5"], ["t6"], perm=[0, 3, 1, 2]),
        helper.make_node("Sigmoid", ["t6"], ["mask"]),
    ]
    return write(path, nodes, weights)


def answers(model: Any, tensor: Floats, outputs: list[str] | None = None) -> list[npt.NDArray[Any]]:
    """Run a network, a path or an `onnx.ModelProto`, with the optimiser's fusions as they come."""
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    return list(session.run(outputs, {session.get_inputs()[0].name: tensor}))


def tensors(count: int, size: int = SIZE) -> list[Floats]:
    """Random inputs, `float32` `(1, 3, size, size)`."""
    random = np.random.default_rng(2)
    return [random.normal(size=(1, 3, size, size)).astype(np.float32) for _ in range(count)]


def photos(folder: Path, count: int, *, masks: Path | None = None, first: int = 0) -> Path:
    """Small JPEGs of something warm on something cool, 120 x 90, and their true masks."""
    for place in (folder, *([masks] if masks else [])):
        place.mkdir(parents=True, exist_ok=True)
    for seed in range(first, first + count):
        photo(120, 90, seed).save(folder / f"{seed:02}.jpg", quality=95)
        if masks:
            subject(120, 90).save(masks / f"{seed:02}.png")
    return folder
