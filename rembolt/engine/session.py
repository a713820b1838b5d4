"""A network loaded on a device."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rembolt.engine.batches import Batches
from rembolt.engine.device import DEVICES
from rembolt.engine.heads import spread, to_masks
from rembolt.engine.loading import first_line, load, load_on_best, session_options
from rembolt.errors import BrokenWeightsError, DeviceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rembolt.models.spec import ModelSpec


class Placement(NamedTuple):
    """Where and how a session is to run; the fields are those of `SessionOptions`."""

    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None


ANYWHERE = Placement()

BATCHING = frozenset({"cuda", "directml"})
"""Devices that run a batch sooner than its photos one by one, and any size of it without compiling anew. On a
CPU it takes as long (`bolt`: 10.2 ms a photo alone, 9.9 in fours), so there nothing is gained."""


class Session:
    """One network on one device. Thread-safe.

    Attributes:
        spec: the model.
        device: name of the device that really runs it.
        precision: number format of its weights.
        inner: the `onnxruntime.InferenceSession`.
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
            placement: device, precision and threads.
            runtime_options: an `onnxruntime.SessionOptions` to use instead of our own choice.
            providers: providers to use instead of `placement.device`, in the form ONNX Runtime takes.

        Raises:
            DeviceError: the device or precision asked for does not run the network.
            BrokenWeightsError: the file is not a network, or not one of the model's shape.
            MissingExtraError: no runtime is installed.
        """
        self.spec = spec
        self.precision = _precision(spec, placement.precision)
        options = runtime_options or session_options(placement.threads)
        if providers is not None:
            self.inner = load(path, options, providers)
            provider = self.inner.get_providers()[0]
            names = {device.provider: name for name, device in DEVICES.items()}
            self.device: str = names.get(provider, provider)
        else:
            self.inner, self.device = load_on_best(path, options, placement.device)
        # DirectML's sessions may not be run by two threads at a time; all others may.
        self._turn = threading.Lock() if self.device == "directml" else nullcontext()
        self._inputs = self.inner.get_inputs()
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
            with self._turn:
                return list(self.inner.run(None, dict(feeds)))
        except Exception as error:
            if self.device != "cpu":
                raise DeviceError(
                    f"device {self.device!r} failed while it ran model {self.spec.name!r} "
                    f"({first_line(error)}); free some of its memory, or use device cpu."
                ) from error
            raise BrokenWeightsError(
                f"the network of model {self.spec.name!r} failed ({first_line(error)}); "
                "are these the weights of another model?"
            ) from error

    def outputs(self, batch: npt.NDArray[np.float32]) -> list[npt.NDArray[Any]]:
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
        shape = self._inputs[0].shape
        wanted = (3, height, width)
        fits = len(shape) == 4 and all(
            not isinstance(have, int) or have == want for have, want in zip(shape[1:], wanted, strict=True)
        )
        if not fits:
            raise BrokenWeightsError(
                f"{path} takes an input of shape {shape}, but model {self.spec.name!r} feeds "
                f"[1, 3, {height}, {width}]; are these the weights of another model?"
            )


def _precision(spec: ModelSpec, asked: str) -> str:
    if asked in {"auto", spec.precision}:
        return spec.precision
    raise DeviceError(
        f"model {spec.name!r} has no {asked} weights here, only {spec.precision}; use precision auto or "
        f"{spec.precision}."
    )
