"""The way from a network in float to one in 8 bits, each step judged by the masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rembolt.engine.processor import quantisation_types
from rembolt.errors import UsageError
from rembolt.quantise import calibration
from rembolt.quantise.fidelity import difference
from rembolt.quantise.graph import read, widened
from rembolt.quantise.pace import faster_in_float
from rembolt.quantise.quantiser import bias_corrected, bias_corrections, quantised
from rembolt.quantise.search import layers_to_spare
from rembolt.segmenters.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from rembolt.models.spec import ModelSpec
    from rembolt.quantise.calibration import Method
    from rembolt.quantise.fidelity import Bytes
    from rembolt.quantise.photos import Photo

PROBES = 8
"""Photos on which steps are compared with each other."""

AIM = 1 / 3
"""Of the limit: what a network may differ on photos it was calibrated on, as others make it differ more."""


@dataclass(frozen=True)
class Made:
    """A network in 8 bits and how it came about.

    Attributes:
        model: the `onnx.ModelProto`.
        calibration: the method that chose its ranges.
        tried: mean difference of the masks for each method that was tried.
        in_float: layers left in float, each with the reason, `"effect"` or `"speed"`.
        layers: how many layers there are.
        bias_correction: mean differences with and without it.
    """

    model: Any
    calibration: str
    tried: Mapping[Method, float]
    in_float: dict[str, str]
    layers: int
    bias_correction: dict[str, float]


def make_int8(
    spec: ModelSpec,
    path: Path,
    photos: Sequence[Photo],
    *,
    limit: float,
    methods: Sequence[Method],
    masks_of: Callable[[Any, Sequence[Photo]], list[Bytes]],
    tell: Callable[[str], None],
) -> Made:
    """Quantise a network.

    Args:
        spec: the model.
        path: its ONNX file, in float.
        photos: to calibrate on.
        limit: mean difference of the masks allowed, in [0, 1].
        methods: how to choose ranges; the best of them is taken.
        masks_of: runs a network (a path or an `onnx.ModelProto`) on photos.
        tell: takes a sentence about each step.

    Returns:
        The network; where not even few layers keep within the limit, one with all of them in 8 bits, for the
        caller to measure and to refuse.

    Raises:
        UsageError: the network has no layers that could be computed in 8 bits.
        BrokenWeightsError: the network cannot be quantised.
        MissingExtraError: onnx is not installed.
    """
    width, height = spec.input_size
    types = quantisation_types()
    shape = (1, 3, height, width)
    graph = widened(read(path, shape))
    inputs = (prepare(photo.image, spec, exact=False) for photo in photos)
    tell(f"calibrating on {len(photos)} photos")
    observed = calibration.observe(graph, inputs)
    layers = [
        layer.name
        for layer in graph.layers
        if layer.input in observed and graph.node(layer.name).output[0] in observed
    ]
    if not layers:
        raise UsageError(
            f"{spec.name} has no layers in single precision that can be computed in 8 bits; choose another."
        )
    corrections = bias_corrections(graph, observed, reduce_range=types.reduce_range)
    probes = photos[:: max(1, len(photos) // PROBES)][:PROBES]
    truth = masks_of(path, probes)

    def apart(model: Any) -> float:
        return difference(truth, masks_of(model, probes)).mean

    def build(chosen: Collection[str], method: Method, *, correct: bool = True) -> Any:
        source = bias_corrected(graph, corrections, chosen) if correct else graph
        return quantised(source, spans[method], chosen, types)

    spans = {method: calibration.shared(graph, calibration.ranges(observed, method)) for method in methods}
    tried: dict[Method, float] = {}
    for method in methods:
        tried[method] = apart(build(layers, method))
        tell(f"ranges by {method}: the masks change by {tried[method]:.2%}")
    best = min(methods, key=lambda method: tried[method])
    without = apart(build(layers, best, correct=False))
    correct = tried[best] <= without
    tell(f"without bias correction: {without:.2%}")

    def effect(chosen: Collection[str]) -> float:
        return apart(build(chosen, best, correct=correct)) if chosen else 0.0

    spared = layers_to_spare(layers, effect, AIM * limit)
    if len(spared) == len(layers):
        tell("no layer keeps within the limit, so all are quantised")
        spared = ()
    rest = [layer for layer in layers if layer not in spared]
    slow = faster_in_float(graph, rest, shape, lambda chosen: build(chosen, best, correct=correct))
    rest = [layer for layer in rest if layer not in slow]
    tell(f"{len(rest)} of {len(layers)} layers in 8 bits")
    return Made(
        model=build(rest, best, correct=correct),
        calibration=best,
        tried=tried,
        in_float=dict.fromkeys(spared, "effect") | dict.fromkeys(slow, "speed"),
        layers=len(layers),
        bias_correction={"with": tried[best], "without": without},
    )
