"""Which operators of a loaded network a device really took, and which fell to the CPU."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from rembolt.engine.device import CPU_PROVIDER

RECORD = "session.record_ep_graph_assignment_info"
"""Key of the session option that makes ONNX Runtime (1.24 and newer) remember who took what."""


class Nodes(NamedTuple):
    """Who runs a network's operators, as counted when it was loaded.

    Attributes:
        taken: how many operators each provider runs, by its name.
        cpu_operators: the kinds of those that the CPU runs, most frequent first, each with its number.
    """

    taken: dict[str, int]
    cpu_operators: dict[str, int]

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.taken.values())

    @property
    def cpu(self) -> int:
        """How many the CPU runs."""
        return self.taken.get(CPU_PROVIDER, 0)

    def __str__(self) -> str:
        kinds = ", ".join(f"{number} {kind}" for kind, number in self.cpu_operators.items())
        return f"{self.total - self.cpu} of {self.total} operators" + (
            f", the CPU the others ({kinds})" if kinds else ""
        )


def nodes_of(inner: Any) -> Nodes | None:
    """Count the operators of a session.

    Args:
        inner: an `onnxruntime.InferenceSession`, made with the option `RECORD`.

    Returns:
        The counts; None where the runtime is too old to tell, is another one, or was not asked to record.
    """
    try:
        parts = inner.get_provider_graph_assignment_info()
    except Exception:  # noqa: BLE001 - not recorded, or a runtime that has nothing of the kind
        return None
    taken: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for part in parts:
        operators = [node.op_type for node in part.get_nodes()]
        taken[part.ep_name] += len(operators)
        if part.ep_name == CPU_PROVIDER:
            kinds.update(operators)
    return Nodes(dict(taken), dict(kinds.most_common()))
