"""A loaded network, whichever runtime it is loaded into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt


class Input(NamedTuple):
    """One of a network's inputs.

    Attributes:
        name: its name in the file.
        shape: its sizes; those that may vary are a name or None.
    """

    name: str
    shape: tuple[int | str | None, ...]


class Network(Protocol):
    """A network that is ready to run. Several threads may run it at a time.

    Attributes:
        runtime: `onnxruntime` or `openvino`.
        device: name of the device that really runs it.
        on_cpu: whether its runs take the CPU's cores, so that threads are worth sharing out.
        inputs: what it takes, in the file's order, with the file's shapes.
        inner: the runtime's own object.
    """

    runtime: str
    device: str
    on_cpu: bool
    inputs: tuple[Input, ...]
    inner: Any

    def run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Run on named inputs and give all outputs, in the file's order, as arrays of the caller's own.

        Raises:
            Exception: whatever the runtime raises; its first line is the reason.
        """
        ...
