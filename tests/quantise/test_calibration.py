"""What is seen of tensors is what NumPy sees, and ranges are what their methods promise."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import TensorProto, helper
from quantise.small_networks import SIZE, answers, dense, network, tensors, write

from rembolt.quantise.calibration import METHODS, SAMPLE, SHRINKS, STEPS, Observed, observe, ranges, shared
from rembolt.quantise.graph import Graph, read, widened

SHAPE = (1, 3, SIZE, SIZE)


def floats(graph: Graph) -> list[str]:
    """Names of all float tensors that nodes make."""
    kinds = {entry.name: entry.type.tensor_type.elem_type for entry in graph.model.graph.value_info}
    made = [name for node in graph.nodes for name in node.output]
    return [name for name in made if kinds.get(name) == TensorProto.FLOAT]


def all_values(graph: Graph, inputs) -> dict[str, list[np.ndarray]]:
    """Every float tensor of every photo, the plain way: each of them is an output."""
    names = floats(graph)
    model = graph.copy().model
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    found = [answers(model, tensor, names) for tensor in inputs]
    return {name: [each[place] for each in found] for place, name in enumerate(names)}


@pytest.mark.parametrize("opset", [13, 17, 18, 21])
def test_ranges_and_means_are_those_of_numpy(tmp_path, opset):
    graph = widened(read(network(tmp_path / "network.onnx", opset=opset), SHAPE))
    inputs = tensors(3)
    observed = observe(graph, inputs)
    values = {"image": inputs, **all_values(graph, inputs)}
    assert len(values) >= 11
    taken = {layer.input for layer in graph.layers}
    for name, tensor in values.items():
        seen = observed[name]
        assert seen.low == pytest.approx(min(one.min() for one in tensor), abs=1e-5), name
        assert seen.high == pytest.approx(max(one.max() for one in tensor), abs=1e-5), name
        if name in taken:
            assert np.allclose(seen.means, np.concatenate(tensor).mean(axis=(0, 2, 3)), atol=1e-5), name
        else:
            assert seen.means.size == 0


def test_the_sample_is_spread_over_the_whole_tensor(tmp_path):
    nodes = [helper.make_node("Relu", ["image"], ["mask"])]
    shape = (1, 3, 200, 200)
    graph = read(write(tmp_path / "network.onnx", nodes, {}, shape=shape, answer=shape), shape)
    tensor = np.arange(3 * 200 * 200, dtype=np.float32).reshape(shape)
    sample = observe(graph, [tensor, tensor])["image"].sample
    half, other = np.split(sample, 2)
    assert np.array_equal(half, other)
    steps = set(np.diff(half).tolist())
    assert len(steps) == 1
    assert steps.pop() % 2 == 1  # an even one would see every other column alone
    assert half[0] == 0
    assert half[-1] > 0.99 * tensor.max()
    assert SAMPLE / 2 < len(half) < 2 * SAMPLE


def test_rows_and_products_are_observed(tmp_path):
    graph = read(dense(tmp_path / "dense.onnx"), SHAPE)
    observed = observe(graph, tensors(2))
    for layer in graph.layers:
        assert observed[layer.input].high > 0
        assert graph.node(layer.name).output[0] in observed


def test_a_tensor_that_is_not_finite_has_no_range(tmp_path):
    nodes = [
        helper.make_node("Relu", ["image"], ["t0"]),
        helper.make_node("Log", ["t0"], ["t1"]),
        helper.make_node("Sigmoid", ["t1"], ["mask"]),
    ]
    graph = read(write(tmp_path / "network.onnx", nodes, {}, answer=SHAPE), SHAPE)
    observed = observe(graph, tensors(1))
    assert set(observed) == {"image", "t0", "mask"}


# --- ranges


def seen(values: np.ndarray) -> Observed:
    values = values.astype(np.float32).ravel()
    return Observed(float(values.min()), float(values.max()), values, np.array([]))


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=40)
@given(arrays(np.float32, st.integers(1, 300), elements=st.floats(-1e6, 1e6, width=32)))
def test_zero_is_inside_and_nothing_is_outside_of_what_was_seen(method, values):
    ((low, high),) = ranges({"t": seen(values)}, method).values()
    assert low <= 0 <= high
    assert min(0, values.min()) <= low
    assert high <= max(0, values.max())
    if method == "min-max":
        assert (low, high) == (min(0, values.min()), max(0, values.max()))


@pytest.mark.parametrize("method", METHODS)
def test_tensors_of_one_value(method):
    for value in (0.0, 3.5, -2.0):
        assert ranges({"t": seen(np.full(50, value))}, method)["t"] == (min(value, 0), max(value, 0))


def with_outlier(outlier: float) -> np.ndarray:
    values = np.abs(np.random.default_rng(0).normal(size=1_000_000))
    values[1234] = outlier
    return values


@pytest.mark.parametrize("method", ["percentile", "entropy", "mean-squared-error"])
def test_one_value_far_outside_is_clipped(method):
    low, high = ranges({"t": seen(with_outlier(20.0))}, method)["t"]
    assert low == 0
    assert 3 < high < 15
    assert ranges({"t": seen(-with_outlier(20.0))}, method)["t"] == (pytest.approx(-high, abs=0.02), 0)


@pytest.mark.parametrize("method", METHODS)
def test_even_values_keep_all_of_their_range(method):
    values = np.random.default_rng(0).uniform(-1, 3, size=100_000)
    low, high = ranges({"t": seen(values)}, method)["t"]
    assert low == pytest.approx(-1, abs=0.01)
    assert high == pytest.approx(3, abs=0.01)


@settings(max_examples=40)
@given(arrays(np.float32, st.integers(2, 400), elements=st.floats(-100, 100, width=32)))
def test_least_error_is_the_least_of_those_tried(values):
    assume(values.max() - values.min() > 1e-3)

    def error(low: float, high: float) -> float:
        low, high = min(low, 0), max(high, 0)
        scale = (high - low) / STEPS
        levels = np.arange(STEPS + 1) - round(-low / scale)
        nearest = levels[np.abs(values[:, None] / scale - levels).argmin(axis=1)] * scale
        return float(np.square(values - nearest).mean())

    chosen = ranges({"t": seen(values)}, "mean-squared-error")["t"]
    least = min(error(values.min() * shrink, values.max() * shrink) for shrink in SHRINKS)
    assert error(*chosen) <= least * 1.001 + 1e-9


# --- shared ranges


def test_what_is_moved_into_one_another_shares_one_range(tmp_path):
    graph = read(network(tmp_path / "network.onnx"), SHAPE)
    outputs = {node.op_type: node.output[0] for node in graph.nodes}  # the last of each kind
    concat = next(node for node in graph.nodes if node.op_type == "Concat")
    resize = next(node for node in graph.nodes if node.op_type == "Resize")
    group = {*concat.input, outputs["Concat"], outputs["Resize"], outputs["MaxPool"], resize.input[0]}
    names = ["image", *floats(graph)]
    chosen = {name: (-float(place), float(2 * place)) for place, name in enumerate(names)}
    joined = shared(graph, chosen)
    assert set(joined) == set(chosen)
    assert len(group) == 5
    assert {joined[name] for name in group} == {
        (min(chosen[name][0] for name in group), max(chosen[name][1] for name in group))
    }
    for name in set(names) - group:
        assert joined[name] == chosen[name]


def test_tensors_without_a_range_join_nothing():
    nodes = [
        helper.make_node("Concat", ["a", "b"], ["c"], axis=1),
        helper.make_node("Slice", ["c", "start", "end"], ["d"]),
    ]
    graph = Graph(onnx.helper.make_model(helper.make_graph(nodes, "g", [], [])))
    assert shared(graph, {"a": (0, 1), "b": (-2, 0), "d": (0, 5)}) == {"a": (0, 1), "b": (-2, 0), "d": (0, 5)}
    spans = {"a": (0.0, 1.0), "b": (-2.0, 0.0), "c": (0.0, 3.0)}
    assert set(shared(graph, spans).values()) == {(-2.0, 3.0)}
