import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import TensorProto, helper, numpy_helper

from rembolt.models.convert import unpack
from training.compact import LARGE, SMALL, compact, halve, rounded


def product(weights, bias):
    """`image @ weights + bias`."""
    nodes = [
        helper.make_node("MatMul", ["image", "weights"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["answer"]),
    ]
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, len(weights)])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [None, weights.shape[1]])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def values(model):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


@pytest.fixture
def network():
    random = np.random.default_rng(0)
    weights = random.standard_normal((LARGE // SMALL, SMALL), dtype=np.float32)
    return product(weights, random.standard_normal(SMALL, dtype=np.float32))


def test_large_tensors_take_a_byte_a_weight_and_small_ones_two(network):
    wide = len(network.SerializeToString())
    before = values(network)
    made = compact(network)
    assert len(made.SerializeToString()) < wide / 4 + 1000
    after = values(made)
    assert after["weights.bytes"].dtype == np.int8
    assert after["weights.scales"].dtype == np.float32
    assert after["bias.half"].dtype == np.float16
    opened = values(unpack(made))
    assert opened.keys() == before.keys()
    np.testing.assert_allclose(opened["bias"], before["bias"], rtol=1e-3)
    largest = np.abs(before["weights"]).max(1, keepdims=True)
    assert (np.abs(opened["weights"] - before["weights"]) <= largest / 250).all()


def test_onnx_runtime_computes_with_what_unpack_gives(network):
    compact(network)
    image = np.random.default_rng(1).standard_normal((3, LARGE // SMALL), dtype=np.float32)
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {"image": image})
    opened = values(unpack(network))
    np.testing.assert_allclose(answer, image @ opened["weights"] + opened["bias"], atol=1e-4)
    assert [node.op_type for node in network.graph.node] == ["MatMul", "Add"]


@pytest.mark.parametrize("shrink", [compact, halve])
def test_a_second_rounding_changes_nothing(network, shrink):
    once = unpack(shrink(network))
    twice = onnx.ModelProto()
    twice.CopyFrom(once)
    unpack(shrink(twice))
    for name, value in values(once).items():
        np.testing.assert_allclose(values(twice)[name], value, rtol=1e-6)


@settings(max_examples=200, deadline=None)
@given(arrays(np.float32, (3, 7), elements=st.floats(-1000, 1000, width=32)))
def test_rounding_errs_by_half_a_step(weights):
    steps, scales = rounded(weights)
    assert steps.dtype == np.int8
    assert scales.shape == (3, 1)
    assert (scales > 0).all()
    assert (np.abs(steps * scales - weights) <= scales * 0.51).all()
