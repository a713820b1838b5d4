"""What values a network's tensors take on photos, and the ranges that 8 bits are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from rembolt.engine.loading import session_options
from rembolt.engine.runtime import onnxruntime
from rembolt.quantise.graph import SAME_VALUES, Graph, onnx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Floats = npt.NDArray[np.float32]
Method = Literal["min-max", "percentile", "entropy", "mean-squared-error"]
Range = tuple[float, float]

METHODS: tuple[Method, ...] = get_args(Method)

SAMPLE = 16384
"""Values of a tensor that are kept of each photo."""

OUTSIDE = 0.001
"""Percent of the values that `percentile` leaves out at each end."""

SHRINKS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
"""How much of the whole range `entropy` and `mean-squared-error` try."""

BINS = 2048
"""Of the histogram of a tensor, as in the paper that `entropy` is from."""

NEARLY_NONE = 1e-9
"""Share of the values that stands for none, whose logarithm there is not."""

AXES_AS_INPUT = 18
"""Opset from which `ReduceMean` takes its axes as an input."""

STEPS = 255
"""Of a range in 8 bits."""


class Observed(NamedTuple):
    """What was seen of a tensor.

    Attributes:
        low, high: the least and the largest value of all photos.
        sample: evenly spread values of all photos.
        means: of each channel (axis 1), over all photos; empty where no layer takes the tensor.
    """

    low: float
    high: float
    sample: Floats
    means: npt.NDArray[np.float64]


def observe(graph: Graph, inputs: Iterable[Floats]) -> dict[str, Observed]:
    """Run the network on photos and look at every tensor that may be quantised.

    The tensors are summed up inside the network: together they would be many times the photo.

    Args:
        graph: the network.
        inputs: `float32` `(1, 3, H, W)` each.

    Returns:
        What was seen of each; nothing of a tensor whose values are not all finite.
    """
    names = _tensors(graph)
    model, outputs = _probed(graph, names)
    options = session_options()
    # What the optimiser would join has no tensors left to look at, and probes keep it from little else.
    options.graph_optimization_level = onnxruntime().GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime().InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    seen: dict[str, list[tuple[Any, ...]]] = {name: [] for name in names}
    for tensor in inputs:
        found = session.run(outputs, {graph.input: tensor})
        for place, name in enumerate(names):
            seen[name].append(tuple(found[4 * place : 4 * place + 4]))
    summed = {name: _summary(parts) for name, parts in seen.items()}
    return {name: one for name, one in summed.items() if np.isfinite((one.low, one.high)).all()}


def ranges(observed: Mapping[str, Observed], method: Method) -> dict[str, Range]:
    """Choose what 8 bits stand for in each tensor; 0 is always inside.

    Args:
        observed: what `observe` gave.
        method: `min-max` covers all that was seen; `percentile` leaves out the outermost values; `entropy`
            loses least of the values' distribution (Migacz, "8-bit inference with TensorRT", GTC 2017);
            `mean-squared-error` takes the range whose rounding and clipping err least together.
    """
    choose: dict[Method, Callable[[Observed], Range]] = {
        "min-max": lambda tensor: (tensor.low, tensor.high),
        "percentile": _inner,
        "entropy": _least_divergence,
        "mean-squared-error": _least_error,
    }
    chosen = {name: choose[method](tensor) for name, tensor in observed.items()}
    return {name: (min(low, 0.0), max(high, 0.0)) for name, (low, high) in chosen.items()}


def shared(graph: Graph, chosen: Mapping[str, Range]) -> dict[str, Range]:
    """One range for all tensors that are joined or moved into one another: bytes are then only copied."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    for node in graph.nodes:
        if node.op_type in SAME_VALUES:
            for name in node.input:
                if name in chosen and node.output[0] in chosen:
                    leader[find(name)] = find(node.output[0])
    groups: dict[str, list[str]] = {}
    for name in chosen:
        groups.setdefault(find(name), []).append(name)
    joined: dict[str, Range] = {}
    for group in groups.values():
        span = (min(chosen[name][0] for name in group), max(chosen[name][1] for name in group))
        joined |= dict.fromkeys(group, span)
    return joined


def _tensors(graph: Graph) -> list[str]:
    """The floats among the input and all outputs of nodes, those of known shape only."""
    shapes = _shapes(graph)
    named = [graph.input, *(output for node in graph.nodes for output in node.output)]
    return [name for name in dict.fromkeys(named) if name in shapes]


def _shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Shapes of the float tensors, those that are known."""
    known = (*graph.model.graph.value_info, *graph.model.graph.input, *graph.model.graph.output)
    shapes = {}
    for entry in known:
        tensor = entry.type.tensor_type
        sizes = tuple(dimension.dim_value for dimension in tensor.shape.dim)
        if tensor.elem_type == onnx().TensorProto.FLOAT and sizes and min(sizes) > 0:
            shapes[entry.name] = sizes
    return shapes


def _probed(graph: Graph, names: list[str]) -> tuple[Any, list[str]]:
    """The network with four small outputs for each tensor: least, largest, sample, means of channels."""
    helper = onnx().helper
    model = graph.copy().model
    shapes = _shapes(graph)
    integers = {"flat": [-1], "start": [0], "end": [np.iinfo(np.int64).max], "axis": [0], "none": []}
    constants = {f"probe_{name}": np.array(value, np.int64) for name, value in integers.items()}
    taken = {layer.input for layer in graph.layers}
    nodes, outputs = [], []
    for place, name in enumerate(names):
        least, largest, sample, means = names4 = [f"probe_{place}_{part}" for part in range(4)]
        step = f"probe_{place}_step"
        constants[step] = np.array([max(1, int(np.prod(shapes[name])) // SAMPLE) | 1])
        nodes += [
            helper.make_node("ReduceMin", [name], [least], keepdims=0),
            helper.make_node("ReduceMax", [name], [largest], keepdims=0),
            helper.make_node("Reshape", [name, "probe_flat"], [f"{sample}_flat"]),
            helper.make_node(
                "Slice", [f"{sample}_flat", "probe_start", "probe_end", "probe_axis", step], [sample]
            ),
        ]
        axes = [axis for axis in range(len(shapes[name])) if axis != 1]
        if name not in taken:
            nodes.append(helper.make_node("Identity", ["probe_none"], [means]))  # nobody asks for these
        elif graph.opset < AXES_AS_INPUT:
            nodes.append(helper.make_node("ReduceMean", [name], [means], axes=axes, keepdims=0))
        else:
            constants[f"{means}_axes"] = np.array(axes)
            nodes.append(helper.make_node("ReduceMean", [name, f"{means}_axes"], [means], keepdims=0))
        outputs += names4
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(
        onnx().numpy_helper.from_array(value, name) for name, value in constants.items()
    )
    del model.graph.output[:]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in outputs)
    return model, outputs


def _summary(parts: list[tuple[Any, ...]]) -> Observed:
    least, largest, samples, means = zip(*parts, strict=True)
    channels = np.mean(np.asarray(means, np.float64), axis=0)
    return Observed(float(min(least)), float(max(largest)), np.concatenate(samples), np.atleast_1d(channels))


def _inner(tensor: Observed) -> Range:
    low, high = np.percentile(tensor.sample, (OUTSIDE, 100 - OUTSIDE))
    return float(low), float(high)


def _least_error(tensor: Observed) -> Range:
    tried = [(tensor.low * shrink, tensor.high * shrink) for shrink in SHRINKS]
    return min(tried, key=lambda span: _squared_error(tensor.sample, min(span[0], 0), max(span[1], 0)))


def _squared_error(values: Floats, low: float, high: float) -> float:
    scale = (high - low) / STEPS
    if not scale > 0:
        return 0.0
    zero = round(-low / scale)
    rounded = np.clip(np.rint(values / scale) + zero, 0, STEPS)
    return float(np.square((rounded - zero) * scale - values).mean())


def _least_divergence(tensor: Observed) -> Range:
    low, high = min(tensor.low, 0.0), max(tensor.high, 0.0)
    if not low < high:
        return low, high
    counts, edges = np.histogram(tensor.sample, BINS, (low, high))
    tried = [np.searchsorted(edges, (low * shrink, high * shrink)) for shrink in SHRINKS]
    start, end = min(tried, key=lambda span: _divergence(counts, *span))
    return float(edges[start]), float(edges[end])


def _divergence(counts: npt.NDArray[np.int64], start: int, end: int) -> float:
    """Kullback and Leibler's, of a histogram from what 8 bits make of it when they stand for some bins."""
    kept = counts[start:end].astype(np.float64)
    clipped = kept.copy()
    clipped[0] += counts[:start].sum()
    clipped[-1] += counts[end:].sum()
    places = np.linspace(0, len(kept), STEPS + 1).astype(int)
    taken = clipped > 0
    means = np.add.reduceat(kept, places[:-1]) / np.maximum(np.add.reduceat(taken * 1.0, places[:-1]), 1)
    rounded = means.repeat(np.diff(places)) * taken
    before = clipped[taken] / clipped.sum()
    after = rounded[taken] / max(rounded.sum(), 1)
    return float((before * np.log(before / np.maximum(after, NEARLY_NONE))).sum())
