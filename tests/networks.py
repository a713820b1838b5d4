"""Small random networks in the shape of every family, so that no real weights are needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def saliency(
    path: Path, *, size: int | None = 320, channels: int = 1, seed: int = 0, window: int = 31
) -> Path:
    """A network that answers with smooth blobs: blur, mix the colours, stretch.

    Args:
        path: where to write it.
        size: input width and height; None for any.
        channels: output channels (4 for clothes).
        seed: of the random weights.
        window: side of the blur, odd.
    """
    rng = np.random.default_rng(seed)
    side = size or "side"
    mix = rng.normal(size=(channels, 3, 1, 1)).astype(np.float32)
    bias = rng.normal(scale=0.3, size=channels).astype(np.float32)
    nodes = [
        helper.make_node(
            "AveragePool",
            ["image"],
            ["blurred"],
            kernel_shape=[window, window],
            pads=[window // 2] * 4,
            count_include_pad=1,
        ),
        helper.make_node("Conv", ["blurred", "mix", "bias"], ["mixed"]),
        helper.make_node("Mul", ["mixed", "gain"], ["gained"]),
        helper.make_node("Tanh", ["gained"], ["mask"]),
    ]
    weights = {"mix": mix, "bias": bias, "gain": np.array(4, np.float32)}
    return _write(path, nodes, {"image": [1, 3, side, side]}, {"mask": [1, channels, side, side]}, weights)


def vitmatte(path: Path, seed: int = 0) -> Path:
    """A network in ViTMatte's shape: `pixel_values` (1, 4, 1024, 1024) to alphas (1, 1, 1024, 1024)."""
    rng = np.random.default_rng(seed)
    weights = {
        "mix": np.array([0.2, 0.3, -0.1, 0.8], np.float32).reshape(1, 4, 1, 1)
        + rng.normal(scale=0.05, size=(1, 4, 1, 1)).astype(np.float32)
    }
    nodes = [helper.make_node("Conv", ["pixel_values", "mix"], ["alphas"])]
    return _write(path, nodes, {"pixel_values": [1, 4, 1024, 1024]}, {"alphas": [1, 1, 1024, 1024]}, weights)


def sam_encoder(path: Path, seed: int = 0) -> Path:
    """A network in the shape of SAM's encoder: (684, 1024, 3) to an embedding, here (1, 3, 171, 256)."""
    rng = np.random.default_rng(seed)
    weights = {
        "axes": np.array([0], np.int64),
        "mix": rng.normal(scale=0.02, size=(3, 3, 4, 4)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Transpose", ["input_image"], ["channels_first"], perm=[2, 0, 1]),
        helper.make_node("Unsqueeze", ["channels_first", "axes"], ["batch"]),
        helper.make_node("Conv", ["batch", "mix"], ["image_embeddings"], strides=[4, 4]),
    ]
    return _write(
        path, nodes, {"input_image": [684, 1024, 3]}, {"image_embeddings": [1, 3, 171, 256]}, weights
    )


def sam_decoder(path: Path, seed: int = 0) -> Path:
    """A network in the shape of SAM's decoder; every input moves the mask, so that a wrong one shows."""
    rng = np.random.default_rng(seed)
    weights = {
        "mix": rng.normal(size=(1, 3, 1, 1)).astype(np.float32),
        "zoom": np.array([1, 1, 4, 4], np.float32),
        "thousandth": np.array(0.001, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["image_embeddings", "mix"], ["mixed"]),
        helper.make_node("Resize", ["mixed", "", "zoom"], ["large"], mode="linear"),
        helper.make_node("ReduceMean", ["large"], ["middle"], keepdims=1),
        helper.make_node("Sub", ["large", "middle"], ["centred"]),
        helper.make_node("ReduceSum", ["point_coords"], ["where"], keepdims=0),
        helper.make_node("ReduceSum", ["point_labels"], ["which"], keepdims=0),
        helper.make_node("ReduceSum", ["mask_input"], ["hint"], keepdims=0),
        helper.make_node("ReduceSum", ["has_mask_input"], ["hinted"], keepdims=0),
        helper.make_node("ReduceSum", ["orig_im_size"], ["extent"], keepdims=0),
        helper.make_node("Sum", ["where", "which", "hint", "hinted", "extent"], ["total"]),
        helper.make_node("Mul", ["total", "thousandth"], ["shift"]),
        helper.make_node("Add", ["centred", "shift"], ["masks"]),
        helper.make_node("Identity", ["which"], ["iou_predictions"]),
        helper.make_node("Identity", ["where"], ["low_res_masks"]),
    ]
    inputs: dict[str, list[int | str]] = {
        "image_embeddings": [1, 3, 171, 256],
        "point_coords": [1, "points", 2],
        "point_labels": [1, "points"],
        "mask_input": [1, 1, 256, 256],
        "has_mask_input": [1],
        "orig_im_size": [2],
    }
    outputs: dict[str, list[int | str]] = {
        "masks": [1, 1, 684, 1024],
        "iou_predictions": [],
        "low_res_masks": [],
    }
    return _write(path, nodes, inputs, outputs, weights)


def _write(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: dict[str, list[int | str]],
    outputs: dict[str, list[int | str]],
    weights: dict[str, np.ndarray],
) -> Path:
    def tensors(shapes: dict[str, list[int | str]]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()
        ]

    graph = helper.make_graph(
        nodes,
        "network",
        tensors(inputs),
        tensors(outputs),
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path
