"""A network loaded on a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rembolt.engine.batches import Batches
from rembolt.engine.heads import spread, to_masks
from rembolt.engine.loading import first_line
from rembolt.engine.runtimes import open_network
from rembolt.errors import BrokenWeightsError, DeviceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rembolt.models.spec import ModelSpec


class Placement(NamedTuple):
    """Where and how a session is to run; all fields but `runtime` are those of `SessionOptions`.

    Attributes:
        device: name of a device.
        precision: number format.
        threads: CPU threads of each run.
        runtime: `onnxruntime`, `openvino` (on the CPU, or on the device openvino) or `auto`: ONNX Runtime,
            but OpenVINO where the device or the precision asks for it.
    """

    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    runtime: str = "auto"


ANYWHERE = Placement()

BATCHING = frozenset({"cuda", "directml"})
"""Devices that run a batch sooner than its photos one by one, and any size of it without compiling anew. On a
CPU it takes as long (`bolt`: 10.2 ms a photo alone, 9.9 in fours), so there nothing is gained."""


class Session:
    """One network on one device. Thread-safe.

    Attributes:
        spec: the model.
        device: name of the device that really runs it.
        precision: number format of its weights, or `bf16` where it computes in that.
        runtime: `onnxruntime` or `openvino`.
        on_cpu: whether it runs on the CPU's cores.
        inner: the `onnxruntime.InferenceSession` or `openvino.CompiledModel`.
    """

    def __init__(
        self,
        spec: ModelSpec,
        path: Path,
        placement: Placement = ANYWHERE,
        *,
        runtime_options: Any = None,
        providers: Sequence[Any] | None = None,
    ) -> None:
        """Load `path`.

        Args:
            spec: the model.
            path: its ONNX file.
            placement: device, precision, threads and runtime.
            runtime_options: an `onnxruntime.SessionOptions` to use instead of our own choice; with it, ONNX
                Runtime runs the network.
            providers: providers to use instead of `placement.device`, in the form ONNX Runtime takes; with
                them, ONNX Runtime runs the network.

        Raises:
            DeviceError: the device or precision asked for does not run the network.
            BrokenWeightsError: the file is not a network, or not one of the model's shape.
            MissingExtraError: no runtime is installed.
        """
        self.spec = spec
        self._network, self.precision = open_network(
            spec, path, placement, runtime_options=runtime_options, providers=providers
        )
        self.device: str = self._network.device
        self.runtime: str = self._network.runtime
        self.on_cpu: bool = self._network.on_cpu
        self.inner: Any = self._network.inner
        self._inputs = self._network.inputs
        if spec.family in {"saliency", "cloth"}:
            self._check_input(path)
        together = self.device in BATCHING and not isinstance(self._inputs[0].shape[0], int)
        self._batches = Batches(self._first_output) if together else None

    def run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Run the network on named inputs and return all its outputs.

        Raises:
            BrokenWeightsError: the network refuses the inputs or fails.
            DeviceError: it fails on another device than the CPU.
        """
        try:
            return self._network.run(feeds)
        except Exception as error:
            if not self.on_cpu:
                raise DeviceError(
                    f"device {self.device!r} failed while it ran model {self.spec.name!r} "
                    f"({first_line(error)}); free some of its memory, or use device cpu."
                ) from error
            raise BrokenWeightsError(
                f"the network of model {self.spec.name!r} failed ({first_line(error)}); "
                "are these the weights of another model?"
            ) from error

    def outputs(self, batch: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        """Run the network on one tensor, its first input."""
        return self.run({self._inputs[0].name: batch})

    def predict(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Run a saliency network.

        Args:
            batch: `float32` `(N, 3, H, W)`, normalised as `spec` says.

        Returns:
            Masks, `float32` `(N, h, w)` in [0, 1], at the network's own size.

        Raises:
            BrokenWeightsError: the network fails or its output is not of the shape `(N, C, h, w)`.
        """
        if self._batches is not None and len(batch) == 1:
            output = self._batches.predict(batch)
        else:
            output = self._first_output(batch)
        masks = to_masks(output.astype(np.float32, copy=False), self.spec.head)
        return spread(masks, self.spec.levels)

    def _first_output(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        output = self.outputs(batch)[0]
        if output.ndim != 4 or output.shape[0] != batch.shape[0]:
            raise BrokenWeightsError(
                f"the network of model {self.spec.name!r} answered with shape {output.shape} where "
                f"({batch.shape[0]}, 1, height, width) is needed; these weights do not make masks."
            )
        return output

    def _check_input(self, path: Path) -> None:
        width, height = self.spec.input_size
        shape = list(self._inputs[0].shape)
        wanted = (3, height, width)
        fits = len(shape) == 4 and all(
            not isinstance(have, int) or have == want for have, want in zip(shape[1:], wanted, strict=True)
        )
        if not fits:
            raise BrokenWeightsError(
                f"{path} takes an input of shape {shape}, but model {self.spec.name!r} feeds "
                f"[1, 3, {height}, {width}]; are these the weights of another model?"
            )
