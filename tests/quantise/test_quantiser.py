"""8-bit networks: their weights, their biases, and what stays in float."""

from __future__ import annotations

import logging

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from quantise.small_networks import SIZE, answers, dense, network, tensors, write

from rembolt.engine.processor import QuantisationTypes
from rembolt.errors import BrokenWeightsError
from rembolt.quantise.calibration import Observed, observe, ranges, shared
from rembolt.quantise.graph import Graph, read, widened
from rembolt.quantise.quantiser import bias_corrected, bias_corrections, quantised, rounded

SHAPE = (1, 3, SIZE, SIZE)

VNNI = QuantisationTypes("uint8", "int8", reduce_range=False)
PLAIN_X86 = QuantisationTypes("uint8", "int8", reduce_range=True)
ARM = QuantisationTypes("int8", "int8", reduce_range=False)


def ready(path) -> tuple[Graph, dict[str, Observed]]:
    graph = widened(read(path, SHAPE))
    return graph, observe(graph, tensors(4))


def spans(graph, observed):
    return shared(graph, ranges(observed, "min-max"))


def names(graph) -> list[str]:
    return [layer.name for layer in graph.layers]


def apart(model, other, tensor) -> float:
    return float(np.abs(answers(model, tensor)[0] - answers(other, tensor)[0]).mean())


def kinds(model) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize(
    ("types", "opset"),
    # ONNX Runtime 1.31 cannot load signed activations of opset 21 on x86, where nobody makes them.
    [
        (types, opset)
        for types in (VNNI, PLAIN_X86, ARM)
        for opset in (11, 17, 21)
        if (types, opset) != (ARM, 21)
    ],
    ids=str,
)
def test_an_8_bit_network_answers_nearly_the_same(tmp_path, types, opset):
    graph, observed = ready(network(tmp_path / "network.onnx", opset=opset))
    model = quantised(graph, spans(graph, observed), names(graph), types)
    (tensor,) = tensors(1)
    assert 0 < apart(graph.model, model, tensor) < 0.02
    weights = {one.name: one for one in model.graph.initializer}
    zeros = [
        numpy_helper.to_array(weights[node.input[2]]).dtype
        for node in model.graph.node
        if node.op_type == "QuantizeLinear"
    ]
    assert set(zeros) == {np.dtype(types.activation)}


def test_dense_layers_too(tmp_path):
    graph, observed = ready(dense(tmp_path / "dense.onnx"))
    model = quantised(graph, spans(graph, observed), names(graph), VNNI)
    assert kinds(model).count("QuantizeLinear") >= 2
    assert 0 < apart(graph.model, model, tensors(1)[0]) < 0.02


@pytest.mark.parametrize("types", [VNNI, PLAIN_X86], ids=str)
def test_rounded_is_what_the_network_has(tmp_path, types):
    """The bias correction knows the very weights that ONNX Runtime will multiply with."""
    graph, observed = ready(network(tmp_path / "network.onnx"))
    model = quantised(graph, spans(graph, observed), names(graph), types)
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    kept = {node.output[0]: node.input for node in model.graph.node if node.op_type == "DequantizeLinear"}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 5
    for node in convolutions:
        bits, scale, _ = (constants[name] for name in kept[node.input[1]])
        mine = rounded(
            graph.constant(graph.node(node.name).input[1]).astype(np.float64), reduce_range=types.reduce_range
        )
        assert bits.dtype == np.int8
        assert np.abs(bits.astype(int)).max() <= (64 if types.reduce_range else 127)
        assert np.allclose(bits * scale.reshape(-1, 1, 1, 1).astype(np.float64), mine, rtol=0, atol=1e-6)


def test_without_layers_the_network_is_as_it_was(tmp_path):
    graph, observed = ready(network(tmp_path / "network.onnx"))
    model = quantised(graph, spans(graph, observed), [], VNNI)
    assert "QuantizeLinear" not in kinds(model)
    assert apart(graph.model, model, tensors(1)[0]) == 0


def test_layers_that_are_not_chosen_keep_their_weights(tmp_path):
    graph, observed = ready(network(tmp_path / "network.onnx"))
    chosen = names(graph)[3]
    model = quantised(graph, spans(graph, observed), [chosen], VNNI)
    constants = {one.name for one in model.graph.initializer}
    for layer in graph.layers:
        assert (layer.weights in constants) == (layer.name != chosen)


def test_what_has_no_range_stays_in_float(tmp_path):
    graph, observed = ready(network(tmp_path / "network.onnx"))
    layer = graph.layers[3]
    known = {name: span for name, span in spans(graph, observed).items() if name != layer.input}
    model = quantised(graph, known, names(graph), VNNI)
    constants = {one.name for one in model.graph.initializer}
    assert layer.weights in constants
    assert graph.layers[0].weights not in constants
    assert apart(graph.model, model, tensors(1)[0]) < 0.02


def test_what_the_quantiser_refuses_is_one_sentence(tmp_path):
    graph, observed = ready(network(tmp_path / "network.onnx"))
    bad = {name: (float("nan"), float("nan")) for name in observed}
    with pytest.raises(BrokenWeightsError, match=r"^the network cannot be quantised \([^\n]*\)\.$"):
        quantised(graph, bad, names(graph), VNNI)


def test_it_prints_and_logs_nothing_and_leaves_the_log_as_it_was(tmp_path, capfd, caplog):
    graph, observed = ready(network(tmp_path / "network.onnx"))
    before = logging.getLogger().level
    with caplog.at_level(logging.INFO):
        quantised(graph, spans(graph, observed), names(graph), VNNI)
    assert logging.getLogger().level == before
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


# --- bias correction


@pytest.mark.parametrize("groups", [1, 2, 16])
@pytest.mark.parametrize("reduce_range", [False, True])
def test_corrections_are_what_rounding_takes_off(tmp_path, groups, reduce_range):
    """Channels that are constant: there the average error is the error."""
    random = np.random.default_rng(4)
    weights = random.normal(size=(32, 16 // groups, 3, 3)).astype(np.float32)
    means = random.normal(scale=3, size=16).astype(np.float32)
    tensor = np.broadcast_to(means.reshape(1, 16, 1, 1), (1, 16, 8, 8)).astype(np.float32)

    def answer(values: np.ndarray) -> np.ndarray:
        nodes = [helper.make_node("Conv", ["image", "w"], ["mask"], group=groups, name="layer")]
        path = write(
            tmp_path / "network.onnx", nodes, {"w": values}, shape=(1, 16, 8, 8), answer=(1, 32, 6, 6)
        )
        return answers(path, tensor)[0][0, :, 3, 3]

    taken_off = answer(
        rounded(weights.astype(np.float64), reduce_range=reduce_range).astype(np.float32)
    ) - answer(weights)
    graph = Graph(onnx.load(tmp_path / "network.onnx"))
    observed = {"image": Observed(-9, 9, tensor.ravel(), means.astype(np.float64))}
    corrections = bias_corrections(graph, observed, reduce_range=reduce_range)
    assert np.allclose(corrections["layer"], -taken_off, atol=1e-4)
    assert np.abs(taken_off).max() > 1e-2


def test_one_large_and_nearly_constant_channel(tmp_path):
    """u2netp has a channel of 226 among others of 0.4: rounding its weights moves every answer."""
    random = np.random.default_rng(5)
    scale = np.full((1, 16, 1, 1), 0.4 / 3, np.float32)
    scale[0, 0] = 2  # wider than a step of 8 bits, so that the photo's own rounding averages out
    offset = np.zeros((1, 16, 1, 1), np.float32)
    offset[0, 0] = 226
    weights = random.normal(scale=0.2, size=(32, 16, 3, 3)).astype(np.float32)
    given = {
        "enter": random.normal(size=(16, 3, 1, 1)).astype(np.float32),
        "scale": scale,
        "offset": offset,
        "w": weights,
        "b": np.zeros(32, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["image", "enter"], ["t0"], name="enter"),
        helper.make_node("Mul", ["t0", "scale"], ["t1"]),
        helper.make_node("Add", ["t1", "offset"], ["t2"]),
        helper.make_node("Conv", ["t2", "w", "b"], ["mask"], name="layer"),
    ]
    path = write(tmp_path / "network.onnx", nodes, given, answer=(1, 32, SIZE - 2, SIZE - 2))
    # Read as it is: folding would move the large channel into the layer before.
    graph = Graph(onnx.shape_inference.infer_shapes(onnx.load(path)))
    observed = observe(graph, tensors(4))
    assert observed["t2"].means[0] == pytest.approx(226, rel=0.01)
    corrections = bias_corrections(graph, observed, reduce_range=False)
    spans_ = spans(graph, observed)
    plain = quantised(graph, spans_, ["layer"], VNNI)
    corrected = quantised(bias_corrected(graph, corrections, ["layer"]), spans_, ["layer"], VNNI)
    tensor = np.random.default_rng(6).normal(size=SHAPE).astype(np.float32)
    right = answers(path, tensor)[0]

    def moved(model: onnx.ModelProto) -> float:
        """How far the average of each answer is from where it should be."""
        return float(np.abs((answers(model, tensor)[0] - right).mean(axis=(0, 2, 3))).mean())

    assert moved(plain) > 10 * moved(corrected)
    assert apart(path, plain, tensor) > apart(path, corrected, tensor)


def test_only_the_layers_named_are_corrected(tmp_path):
    graph, observed = ready(network(tmp_path / "network.onnx"))
    corrections = bias_corrections(graph, observed, reduce_range=True)
    assert set(corrections) == set(names(graph))
    (tensor,) = tensors(1)
    before = graph.model.SerializeToString()
    assert apart(graph.model, bias_corrected(graph, corrections, []).model, tensor) == 0
    one = names(graph)[2]
    corrected = bias_corrected(graph, corrections, [one])
    for layer in corrected.layers:
        old = graph.node(layer.name)
        if layer.name != one:
            assert corrected.node(layer.name).SerializeToString() == old.SerializeToString()
            continue
        assert np.allclose(
            corrected.constant(layer.bias) - graph.constant(old.input[2]), corrections[one], atol=1e-6
        )
    assert graph.model.SerializeToString() == before


def test_biases_that_layers_share_or_lack(tmp_path):
    random = np.random.default_rng(7)
    given = {name: random.normal(size=(16, 16, 1, 1)).astype(np.float32) for name in "vw"}
    given |= {"enter": random.normal(size=(16, 3, 1, 1)).astype(np.float32), "b": np.ones(16, np.float32)}
    nodes = [
        helper.make_node("Conv", ["image", "enter"], ["t0"], name="bare"),
        helper.make_node("Conv", ["t0", "v", "b"], ["t1"], name="one"),
        helper.make_node("Conv", ["t1", "w", "b"], ["mask"], name="other"),
    ]
    path = write(tmp_path / "network.onnx", nodes, given, answer=(1, 16, SIZE, SIZE))
    graph = Graph(onnx.shape_inference.infer_shapes(onnx.load(path)))
    corrections = {"bare": np.full(16, 2.0), "one": np.full(16, 3.0)}
    corrected = bias_corrected(graph, corrections, ["bare", "one", "other"])
    biases = {layer.name: corrected.constant(layer.bias) for layer in corrected.layers}
    assert {name: set(value.tolist()) for name, value in biases.items()} == {
        "bare": {2.0},
        "one": {4.0},
        "other": {1.0},
    }
    assert len(answers(corrected.model, tensors(1)[0])) == 1
