"""What the machine can do, and what a stage must do at least."""

from __future__ import annotations

from pathlib import Path

import pytest

from rembolt.bench import limits
from rembolt.bench.plan import Photo
from rembolt.errors import MissingExtraError
from rembolt.models.catalogue import find_model
from rembolt.models.store import where

onnx = pytest.importorskip("onnx")


def network(path: Path, *nodes, weights: dict[str, list[int]], shape: list[int | str]) -> Path:
    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, outputs, **options) for kind, inputs, outputs, options in nodes],
        "small",
        [helper.make_tensor_value_info("image", float32, shape)],
        [helper.make_tensor_value_info(nodes[-1][2][0], float32, None)],
        [
            helper.make_tensor(name, float32, dims, bytes(4 * prod(dims)), raw=True)
            for name, dims in weights.items()
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def prod(dims: list[int]) -> int:
    total = 1
    for dim in dims:
        total *= dim
    return total


def test_convolutions_are_counted_at_the_size_they_are_fed(tmp_path: Path) -> None:
    nodes = [
        ("Conv", ["image", "w0"], ["a"], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [2, 2]}),
        ("Conv", ["a", "w1"], ["b"], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "group": 8}),
    ]
    path = network(
        tmp_path / "n.onnx", *nodes, weights={"w0": [8, 3, 3, 3], "w1": [8, 1, 3, 3]}, shape=[1, 3, "h", "w"]
    )
    # 16 x 20 outputs of 8 channels: 27 products each, then 9, as each channel sees itself alone.
    assert limits.multiply_adds(path, (40, 32)) == 16 * 20 * 8 * (27 + 9)


def test_matrix_products_are_counted(tmp_path: Path) -> None:
    path = network(
        tmp_path / "n.onnx",
        ("MatMul", ["image", "w0"], ["a"], {}),
        weights={"w0": [5, 7]},
        shape=[1, 3, 4, 5],
    )
    assert limits.multiply_adds(path, (5, 4)) == 3 * 4 * 7 * 5


def test_shapes_that_do_not_follow_from_the_graph_are_not_guessed(tmp_path: Path) -> None:
    nodes = [
        ("NonZero", ["image"], ["where"], {}),
        ("Cast", ["where"], ["floats"], {"to": onnx.TensorProto.FLOAT}),
        ("Transpose", ["floats"], ["rows"], {"perm": [1, 0]}),
        ("MatMul", ["rows", "w0"], ["a"], {}),
    ]
    path = network(tmp_path / "n.onnx", *nodes, weights={"w0": [4, 2]}, shape=[1, 3, 8, 8])
    assert limits.multiply_adds(path, (8, 8)) is None


def test_weights_in_half_precision_are_counted_too() -> None:
    path = where(find_model("bolt")).path
    counted = limits.multiply_adds(path, find_model("bolt").input_size)
    assert counted
    assert f"{counted / 1e9:.2f} GMAC" in path.with_suffix(".md").read_text(encoding="utf-8")


def test_without_onnx_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"rembolt\[bench\]"):
        limits.multiply_adds(tmp_path / "n.onnx", (8, 8))


def test_a_stage_moves_its_picture_at_least_once() -> None:
    photo = Photo("40x30", Path("photo.jpg"), 40, 30)
    assert limits.least_bytes(photo) == {"decode": 3600, "prepare": 3600, "encode": 3600}
    assert photo.rgb_bytes == 3600


def test_the_machine_copies_and_multiplies() -> None:
    assert limits.copy_bandwidth(1_000_001) > 1e6
    assert limits.multiply_flops(64) > 1e6
