"""A network file loaded into ONNX Runtime, on the device that was asked for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from rembolt.engine.device import CPU_PROVIDER, Device, candidates
from rembolt.engine.heap import give_back
from rembolt.engine.processor import is_small
from rembolt.engine.runtime import onnxruntime
from rembolt.engine.threads import thread_count
from rembolt.errors import BrokenWeightsError, DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)


def session_options(threads: int | None = None) -> Any:
    """Our `onnxruntime.SessionOptions`.

    * threads: see `thread_count`; one inter-op thread, as the graph runs in sequence (the branches of
      these networks are too small to pay for running side by side).
    * all graph optimisations, which is also what rembg runs with: the same kernels, so the same pixels.
    * worker threads spin during a run, which makes it faster, and stop when it ends, so that an idle
      process uses no CPU.
    * the memory arena is on, but for small machines (see `processor`): a run reuses the blocks of the one
      before it. The memory pattern is off: from the second run on it holds a block of its own beside the
      arena (u2netp: 398 MB instead of 257), and no run is faster for it.
    """
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = thread_count(threads)
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.enable_cpu_mem_arena = not is_small()
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return options


def load_on_best(
    path: Path,
    options: Callable[[], Any],
    asked: str,
    *,
    precision: str = "fp32",
    size: tuple[int, int] | None = None,
) -> tuple[Any, str]:
    """Load a network on the device that was asked for, or for `auto` on the best that works.

    Args:
        path: the ONNX file.
        options: gives an `onnxruntime.SessionOptions` for each device that is tried; it is changed.
        asked: name of a device, or `auto`.
        precision: number format that the device is to compute in, for those that can choose.
        size: width and height in pixels of what the network is fed, for those that compile.

    Returns:
        The `onnxruntime.InferenceSession` and the name of its device.

    Raises:
        BrokenWeightsError: the file is not a network.
        DeviceError: the device, or for `auto` every device, fails or runs nothing of the network.
        MissingExtraError: no runtime is installed.
        UsageError: an environment variable about the device is wrong.
    """

    def loaded(device: Device) -> Any:
        if device.name == "cpu":
            return load(path, options(), [CPU_PROVIDER])
        from rembolt.engine.accelerator import load_on

        return load_on(device, path, options(), precision, size)

    tried = candidates(asked)
    if asked != "auto":
        return loaded(tried[0]), tried[0].name
    failures: list[str] = []
    for device in tried:
        try:
            inner = loaded(device)
        except DeviceError as error:
            failures.append(str(error))
            continue
        for failure in failures:
            log.warning("auto runs on %s: %s", device.name, failure)
        names = ", ".join(one.name for one in tried)
        why = f"the first that works of {names}" if len(tried) > 1 else "all that the installed runtime has"
        log.info("device auto is %s, %s.", device.name, why)
        return inner, device.name
    raise DeviceError(f"no device runs the network: {' '.join(failures) or 'the runtime has no provider.'}")


def load(path: Path, options: Any, providers: Sequence[Any] | None) -> Any:
    """Make an `onnxruntime.InferenceSession`.

    Args:
        path: the ONNX file.
        options: an `onnxruntime.SessionOptions`.
        providers: in the form ONNX Runtime takes; None for those that the options already have.

    Raises:
        BrokenWeightsError: the file is not a network, or a provider fails with it.
        MissingExtraError: no runtime is installed.
    """
    runtime = onnxruntime()
    try:
        # Without the fall-back, which would print to stdout and run on the CPU when a provider fails.
        session = runtime.InferenceSession(
            str(path),
            sess_options=options,
            providers=None if providers is None else list(providers),
            enable_fallback=0,
        )
    except Exception as error:
        raise BrokenWeightsError(
            f"{path} is not a network that ONNX Runtime {runtime.__version__} can load "
            f"({first_line(error)}); delete it and download it again."
        ) from error
    give_back(path.stat().st_size)
    return session


def plain(path: Path) -> Any:
    """The network on the CPU as it is in the file: quickly loaded, to look at and not to run.

    Raises:
        BrokenWeightsError: the file is not a network.
    """
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return load(path, options, [CPU_PROVIDER])


def first_line(error: BaseException) -> str:
    """Give the first line of what a runtime says, cut short."""
    lines = str(error).strip().splitlines()
    return lines[0].strip()[:200] if lines else type(error).__name__
