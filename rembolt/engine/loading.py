"""A network file loaded into ONNX Runtime, on the device that was asked for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from rembolt.engine.device import Device, candidates, unavailable
from rembolt.engine.runtime import onnxruntime
from rembolt.engine.threads import thread_count
from rembolt.errors import BrokenWeightsError, DeviceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

log = logging.getLogger(__name__)


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


def load_on_best(path: Path, options: Any, asked: str) -> tuple[Any, str]:
    """Load a network on the device that was asked for, or for `auto` on the best that works.

    Returns:
        The `onnxruntime.InferenceSession` and the name of its device.

    Raises:
        BrokenWeightsError: the file is not a network.
        DeviceError: the device, or for `auto` every device, fails.
        MissingExtraError: no runtime is installed.
    """
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
            f"({first_line(error)}); delete it and download it again."
        ) from error


def first_line(error: Exception) -> str:
    """Give the first line of what a runtime says, cut short."""
    lines = str(error).strip().splitlines()
    return lines[0].strip()[:200] if lines else type(error).__name__
