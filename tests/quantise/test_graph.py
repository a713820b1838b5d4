"""Networks are read for one shape without a change of what they answer, and their layers are found."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper
from quantise.small_networks import SIZE, answers, dense, network, tensors, write

from rembolt.errors import BrokenWeightsError
from rembolt.models.catalogue import find_model
from rembolt.models.store import weights
from rembolt.quantise.graph import NARROW, Graph, groups, read, widened

SHAPE = (1, 3, SIZE, SIZE)


def same(model, other, tensor=None, tolerance=1e-5) -> None:
    tensor = tensors(1)[0] if tensor is None else tensor
    assert np.allclose(answers(model, tensor)[0], answers(other, tensor)[0], rtol=0, atol=tolerance)


@pytest.mark.parametrize("opset", [11, 12, 13, 17, 18, 21])
def test_a_network_of_any_opset_answers_as_before(tmp_path, opset):
    path = network(tmp_path / "network.onnx", opset=opset)
    graph = read(path, SHAPE)
    assert graph.opset == max(13, opset)
    assert [layer.kind for layer in graph.layers] == ["Conv"] * 5
    assert graph.input == "image"
    same(path, graph.model)


@pytest.mark.parametrize(
    "options", [{"dynamic": True}, {"listed": True}, {"listed": True, "opset": 11}], ids=str
)
def test_dynamic_sizes_and_weights_among_the_inputs(tmp_path, options):
    path = network(tmp_path / "network.onnx", **options)
    graph = read(path, SHAPE)
    assert [entry.name for entry in graph.model.graph.input] == ["image"]
    assert len(graph.layers) == 5
    known = {entry.name: entry for entry in (*graph.model.graph.value_info, *graph.model.graph.input)}
    for layer in graph.layers:
        sizes = [one.dim_value for one in known[layer.input].type.tensor_type.shape.dim]
        assert len(sizes) == 4
        assert min(sizes) > 0
    same(path, graph.model)


def test_the_embedded_network_has_its_half_precision_unpacked():
    spec = find_model("bolt")
    (path,) = weights(spec)
    width, height = spec.input_size
    graph = read(path, (1, 3, height, width))
    assert len(graph.layers) == sum(node.op_type == "Conv" for node in onnx.load(path).graph.node)
    assert {graph.constant(layer.weights).dtype for layer in graph.layers} == {np.dtype(np.float32)}
    same(path, graph.model, tensors(1, width)[0], 1e-4)


def test_layers_of_all_kinds(tmp_path):
    graph = read(dense(tmp_path / "dense.onnx"), SHAPE)
    assert [(layer.name, layer.kind, bool(layer.bias)) for layer in graph.layers] == [
        ("mixed", "MatMul", False),
        ("chosen", "Gemm", True),
    ]
    for layer in graph.layers:
        assert graph.node(layer.name).input[0] == layer.input


def test_a_product_of_two_answers_is_no_layer(tmp_path):
    nodes = [helper.make_node("MatMul", ["image", "image"], ["mask"])]
    path = write(tmp_path / "network.onnx", nodes, {}, answer=SHAPE)
    assert read(path, SHAPE).layers == ()


def test_a_bias_that_is_computed_makes_no_layer():
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["bias"], axes=[0, 2, 3], keepdims=0),
        helper.make_node("Conv", ["image", "w", "bias"], ["mask"]),
    ]
    model = helper.make_model(helper.make_graph(nodes, "g", [], [], [constant("w", (3, 3, 1, 1))]))
    assert Graph(model).layers == ()


def constant(name: str, shape: tuple[int, ...]) -> onnx.TensorProto:
    values = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    return onnx.numpy_helper.from_array(values, name)


def test_every_node_gets_a_name_of_its_own():
    nodes = [helper.make_node("Relu", ["image"], ["a"], name="Relu_1")]
    nodes += [helper.make_node("Relu", [one], [other]) for one, other in ("ab", "bc")]
    nodes += [
        helper.make_node("Relu", ["c"], ["d"], name="same"),
        helper.make_node("Relu", ["d"], ["e"], name="same"),
    ]
    graph = Graph(helper.make_model(helper.make_graph(nodes, "g", [], [])))
    assert len({node.name for node in graph.nodes}) == 5
    assert graph.node("same").output == ["d"]
    assert [node.name for node in graph.copy().nodes] == [node.name for node in graph.nodes]


def test_a_copy_can_be_changed(tmp_path):
    graph = read(network(tmp_path / "network.onnx"), SHAPE)
    before = graph.model.SerializeToString()
    other = graph.copy()
    other.nodes[0].input[0] = "elsewhere"
    other.model.graph.initializer[0].float_data.append(1)
    widened(graph)
    assert graph.model.SerializeToString() == before


@pytest.mark.parametrize(
    "content",
    [b"", b"nothing", b"\x08\x08" * 50, "half", "headless"],
    ids=["empty", "text", "noise", "half", "headless"],
)
def test_what_is_no_network_is_one_sentence(tmp_path, content):
    path = network(tmp_path / "network.onnx")
    whole = path.read_bytes()
    path.write_bytes(
        {"half": whole[: len(whole) // 2], "headless": whole[len(whole) // 2 :]}.get(content, content)
    )
    with pytest.raises(BrokenWeightsError) as caught:
        read(path, SHAPE)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path} cannot be made ready to be quantised (")
    assert "\n" not in sentence
    assert sentence.endswith(").")


def test_a_network_of_another_rank_is_one_sentence(tmp_path):
    nodes = [helper.make_node("Relu", ["image"], ["mask"])]
    path = write(tmp_path / "network.onnx", nodes, {}, shape=(3, 64), answer=(3, 64))
    with pytest.raises(BrokenWeightsError, match="cannot be made ready"):
        read(path, SHAPE)


# --- idle channels


def test_a_narrow_answer_is_widened_and_stays_the_same(tmp_path):
    graph = read(network(tmp_path / "network.onnx"), SHAPE)
    wide = widened(graph)
    outputs = {layer.name: len(wide.constant(layer.weights)) for layer in wide.layers}
    assert len(graph.constant(graph.layers[-1].weights)) == 1
    assert outputs[graph.layers[-1].name] == NARROW
    assert [layer.name for layer in wide.layers] == [layer.name for layer in graph.layers]
    assert len(wide.nodes) == len(graph.nodes) + 1
    for tensor in tensors(3):
        same(graph.model, wide.model, tensor, 1e-6)


@pytest.mark.parametrize(("taken", "side"), [(1, 32), (2, 32), (32, 1)])
def test_layers_in_groups_are_not_widened(tmp_path, taken, side):
    """With groups, idle channels would be among the others."""
    nodes = [
        helper.make_node("Conv", ["image", "enter"], ["t0"]),
        helper.make_node("Conv", ["t0", "w"], ["t1"], group=taken),
        helper.make_node("ReduceMean", ["t1"], ["mask"], axes=[1]),
    ]
    outputs = 4 if taken < 32 else 32
    constants = [constant("enter", (taken * side, 3, 1, 1)), constant("w", (outputs, side, 1, 1))]
    given = {one.name: onnx.numpy_helper.to_array(one) for one in constants}
    path = write(tmp_path / "network.onnx", nodes, given)
    graph = read(path, SHAPE)
    wide = widened(graph)
    grouped = wide.layers[-1]
    assert groups(wide.node(grouped.name)) == taken
    assert len(wide.constant(grouped.weights)) == (NARROW if taken == 1 else outputs)
    same(path, wide.model)


def test_a_narrow_layer_without_bias_is_widened(tmp_path):
    given = {"enter": np.ones((16, 3, 1, 1), np.float32), "w": np.ones((2, 16, 1, 1), np.float32)}
    nodes = [
        helper.make_node("Conv", ["image", "enter"], ["t0"]),
        helper.make_node("Conv", ["t0", "w"], ["mask"]),
    ]
    path = write(tmp_path / "network.onnx", nodes, given, answer=(1, 2, SIZE, SIZE))
    wide = widened(read(path, SHAPE))
    assert [len(wide.constant(layer.weights)) for layer in wide.layers] == [NARROW, NARROW]
    same(path, wide.model)


# --- what is computed in bytes


def test_followers_are_in_bytes_when_all_that_take_their_answer_are(tmp_path):
    graph = read(network(tmp_path / "network.onnx"), SHAPE)
    first, depthwise, grouped, deep, last = [layer.name for layer in graph.layers]
    kind = {node.name: node.op_type for node in graph.nodes}

    def followers(*layers: str) -> list[str]:
        return sorted(kind[name] for name in graph.in_bytes(layers) if name not in layers)

    assert followers() == []
    assert followers(first) == ["Relu"]
    assert followers(depthwise) == ["Relu"]  # the one before it, whose answer it alone takes
    assert followers(deep) == ["MaxPool"]  # but not the ReLU before that, which goes to the end too
    assert followers(last) == ["Concat", "Resize"]
    assert followers(deep, last) == ["Concat", "MaxPool", "Relu", "Resize"]
    assert set(graph.in_bytes([first, depthwise, grouped, deep, last])) == {
        name for name in kind if kind[name] != "Sigmoid"
    }
