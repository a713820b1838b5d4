"""Trying out a device by really running a network on it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rembolt.engine.nodes import nodes_of
from rembolt.engine.session import Placement, Session
from rembolt.errors import RemboltError

if TYPE_CHECKING:
    from pathlib import Path

    from rembolt.models.spec import ModelSpec


@dataclass(frozen=True)
class Trial:
    """What became of one device.

    Attributes:
        device: its name.
        works: whether it ran the network.
        seconds: time of the second run, None when it failed.
        reason: why it failed, empty when it works.
        runtime: `onnxruntime` or `openvino`, empty when it failed.
        operators: of how many operators the network is; None where the runtime does not tell.
        cpu_operators: which of them fell to the CPU, each kind with its number; None as above, and for the
            device cpu, to which none can fall.
    """

    device: str
    works: bool
    seconds: float | None
    reason: str
    runtime: str = ""
    operators: int | None = None
    cpu_operators: dict[str, int] | None = None


def try_device(device: str, spec: ModelSpec, path: Path) -> Trial:
    """Load a model on a device, run it twice on an empty picture and time the second run."""
    try:
        session = Session(spec, path, Placement(device=device))
        width, height = spec.input_size
        picture = np.zeros((1, 3, height, width), dtype=np.float32)
        session.predict(picture)
        start = time.perf_counter()
        session.predict(picture)
        seconds = time.perf_counter() - start
        nodes = nodes_of(session.inner)
        return Trial(
            device,
            works=True,
            seconds=seconds,
            reason="",
            runtime=session.runtime,
            operators=nodes.total if nodes else None,
            cpu_operators=nodes.cpu_operators if nodes else None,
        )
    except RemboltError as error:
        return Trial(device, works=False, seconds=None, reason=str(error))
