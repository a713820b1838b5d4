"""A network loaded on a device."""

from __future__ import annotations

import logging
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rembolt.engine.batches import Batches
from rembolt.engine.device import DEVICES, Device, candidates, unavailable
from rembolt.engine.heads import spread, to_masks
from rembolt.engine.runtime import onnxruntime
from rembolt.engine.threads import thread_count
from rembolt.errors import BrokenWeightsError, DeviceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rembolt.models.spec import ModelSpec

log = logging.getLogger(__name__)


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
            self.inner, self.device = _load_on_best(path, options, placement.device)
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
                    f"({_first_line(error)}); free some of its memory, or use device cpu."
                ) from error
            raise BrokenWeightsError(
                f"the network of model {self.spec.name!r} failed ({_first_line(error)}); "
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


def session_options(threads: int | None = None) -> Any:
    """Our `onnxruntime.SessionOptions`.

    * threads: see `thread_count`; one inter-op thread, as the graph runs in sequence (the branches of
      these networks are too small to pay for running side by side).
    * all graph optimisations, which is also what rembg runs with: the same kernels, so the same pixels.
    * worker threads spin during a run, which makes it faster, and stop when it ends, so that an idle
      process uses no CPU.
    * the memory arena is on: a run reuses the blocks of the one before it. The memory pattern is off: from
      the second run on it holds a block of its own beside the arena (u2netp: 398 MB instead of 257), and no
      run is faster for it.
    """
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = thread_count(threads)
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.enable_cpu_mem_arena = True
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return options


def _precision(spec: ModelSpec, asked: str) -> str:
    if asked in {"auto", spec.precision}:
        return spec.precision
    raise DeviceError(
        f"model {spec.name!r} has no {asked} weights here, only {spec.precision}; use precision auto or "
        f"{spec.precision}."
    )


def _load_on_best(path: Path, options: Any, asked: str) -> tuple[Any, str]:
    failures = []
    for device in candidates(asked):
        try:
            inner = _load_on(path, options, device)
        except DeviceError as error:
            if asked != "auto":
                raise
            failures.append(str(error))
            continue
        for failure in failures:
            log.warning("auto runs on %s: %s", device.name, failure)
        return inner, device.name
    raise DeviceError(f"no device runs the network: {' '.join(failures) or 'the runtime has no provider.'}")


def _load_on(path: Path, options: Any, device: Device) -> Any:
    provider = (device.provider, dict(device.options))
    chain = [provider] if device.name == "cpu" else [provider, DEVICE_FALLBACK]
    try:
        inner = load(path, options, chain)
    except BrokenWeightsError:
        if device.name == "cpu":
            raise
        # A file that loads on the CPU is sound, so the device is to blame.
        load(path, options, [DEVICE_FALLBACK])
        raise unavailable(device, "the provider could not load the network") from None
    # ONNX Runtime falls back to the CPU without an exception when a library is missing.
    if device.provider not in inner.get_providers():
        raise unavailable(device, "the provider is installed but did not start")
    return inner


DEVICE_FALLBACK = "CPUExecutionProvider"
"""Runs the few nodes (shapes, mostly) that a device's provider leaves over."""


def load(path: Path, options: Any, providers: Sequence[Any]) -> Any:
    """Make an `onnxruntime.InferenceSession`.

    Raises:
        BrokenWeightsError: the file is not a network, or a provider fails with it.
        MissingExtraError: no runtime is installed.
    """
    runtime = onnxruntime()
    try:
        # Without the fall-back, which would print to stdout and run on the CPU when a provider fails.
        return runtime.InferenceSession(
            str(path), sess_options=options, providers=list(providers), enable_fallback=0
        )
    except Exception as error:
        raise BrokenWeightsError(
            f"{path} is not a network that ONNX Runtime {runtime.__version__} can load "
            f"({_first_line(error)}); delete it and download it again."
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].strip()[:200] if lines else type(error).__name__
