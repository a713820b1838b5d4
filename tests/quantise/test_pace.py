"""Layers that may be no faster in 8 bits are tried without; nothing here depends on the clock's answer."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from quantise.small_networks import SIZE, dense, network, tensors, write

from rembolt.engine.processor import quantisation_types
from rembolt.quantise import pace
from rembolt.quantise.calibration import observe, ranges
from rembolt.quantise.graph import Graph, read
from rembolt.quantise.pace import faster_in_float, medians, suspects
from rembolt.quantise.quantiser import quantised

SHAPE = (1, 3, SIZE, SIZE)


@pytest.fixture(scope="module")
def graph(tmp_path_factory) -> Graph:
    return read(network(tmp_path_factory.mktemp("network") / "network.onnx"), SHAPE)


@pytest.fixture(scope="module")
def build(graph):
    spans = ranges(observe(graph, tensors(2)), "min-max")
    return lambda chosen: quantised(graph, spans, chosen, quantisation_types())


def test_suspects_have_little_to_multiply(graph):
    first, depthwise, grouped, *_ = [layer.name for layer in graph.layers]
    assert suspects(graph) == [(depthwise,), (first,), (grouped,)]  # 8 channels of each group are few


def test_depthwise_layers_are_suspected_together(tmp_path):
    given = {name: np.ones((16, 1, 3, 3), np.float32) for name in "uvw"} | {
        "enter": np.ones((16, 3, 1, 1), np.float32)
    }
    nodes = [helper.make_node("Conv", ["image", "enter"], ["t0"], name="enter")]
    nodes += [
        helper.make_node("Conv", [f"t{place}", name], [f"t{place + 1}"], name=name, group=16, pads=[1] * 4)
        for place, name in enumerate("uvw")
    ]
    nodes += [helper.make_node("ReduceMean", ["t3"], ["mask"], axes=[1])]
    found = suspects(read(write(tmp_path / "network.onnx", nodes, given), SHAPE))
    assert found == [("u", "v", "w"), ("enter",)]


def test_products_are_not_suspected(tmp_path):
    assert suspects(read(dense(tmp_path / "dense.onnx"), SHAPE)) == []


def test_those_named_are_suspects_and_at_least_one_layer_is_left(graph, build):
    layers = [layer.name for layer in graph.layers]
    suspected = {name for group in suspects(graph) for name in group}
    assert set(faster_in_float(graph, layers, SHAPE, build)) <= suspected
    few = layers[:1]
    assert faster_in_float(graph, few, SHAPE, build) == ()
    assert faster_in_float(graph, [], SHAPE, build) == ()
    assert len(faster_in_float(graph, layers[:3], SHAPE, build)) < 3


def test_a_clock_by_which_float_is_always_faster_leaves_one_layer(graph, build, monkeypatch):
    layers = [layer.name for layer in graph.layers]
    monkeypatch.setattr(pace, "medians", lambda models, shape: [2.0, 1.0])
    assert faster_in_float(graph, layers, SHAPE, build) == tuple(layers[:3])
    assert len(faster_in_float(graph, layers[:3], SHAPE, build)) == 2
    monkeypatch.setattr(pace, "medians", lambda models, shape: [1.0, 1.0])
    assert faster_in_float(graph, layers, SHAPE, build) == ()


def test_medians_of_paths_and_of_networks(tmp_path, graph):
    path = network(tmp_path / "network.onnx")
    found = medians([path, graph.model], SHAPE, rounds=3)
    assert len(found) == 2
    assert min(found) > 0
