"""Which layers 8 bits make no faster on this machine, measured in the whole network."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from rembolt.engine.loading import session_options
from rembolt.engine.runtime import onnxruntime
from rembolt.quantise.graph import NARROW, Graph, groups

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

ROUNDS = 9

GAIN = 1.02
"""Times as fast that the network must become for layers to stay in float: less is noise."""


def suspects(graph: Graph) -> list[tuple[str, ...]]:
    """Find layers whose 8-bit kernels have little to multiply.

    All depthwise ones together, and each that takes few channels, such as what joins a network's answers.
    """
    depthwise, narrow = [], []
    for layer in graph.layers:
        inputs = graph.constants[layer.weights].dims[1] if layer.kind == "Conv" else NARROW
        if groups(graph.node(layer.name)) > 1 and inputs == 1:
            depthwise.append(layer.name)
        elif inputs < NARROW:
            narrow.append((layer.name,))
    return [*([tuple(depthwise)] if depthwise else []), *narrow]


def faster_in_float(
    graph: Graph,
    layers: Sequence[str],
    shape: tuple[int, ...],
    build: Callable[[Collection[str]], Any],
) -> tuple[str, ...]:
    """Name those of the suspects without which the network is faster.

    Args:
        graph: the network.
        layers: names of those that are quantised otherwise.
        shape: of the input.
        build: makes the network with these layers in 8 bits.
    """
    kept = list(layers)
    for group in suspects(graph):
        rest = [layer for layer in kept if layer not in group]
        if len(rest) in (0, len(kept)):
            continue
        with_them, without = medians([build(kept), build(rest)], shape)
        if with_them > GAIN * without:
            kept = rest
    return tuple(layer for layer in layers if layer not in kept)


def medians(models: Sequence[Any], shape: tuple[int, ...], rounds: int = ROUNDS) -> list[float]:
    """Median seconds of a run of each network in ONNX Runtime with its usual threads, in turns.

    Args:
        models: `onnx.ModelProto`s or paths.
        shape: of the input of all.
        rounds: runs of each.
    """
    sessions = []
    for model in models:
        source = model.SerializeToString() if hasattr(model, "SerializeToString") else str(model)
        sessions.append(
            onnxruntime().InferenceSession(source, session_options(), providers=["CPUExecutionProvider"])
        )
    times: list[list[float]] = [[] for _ in sessions]
    for round_ in range(rounds + 1):
        for place, session in enumerate(sessions):
            tensor = np.random.default_rng(round_).random(shape, dtype=np.float32)
            start = time.perf_counter()
            session.run(None, {session.get_inputs()[0].name: tensor})
            times[place].append(time.perf_counter() - start)
    return [median(each[1:]) for each in times]
