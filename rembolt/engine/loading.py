"""A network file loaded into ONNX Runtime, on the device that was asked for."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

from rembolt.engine import nvidia
from rembolt.engine.device import DEVICES, NVIDIA, Device, built, candidates, unavailable
from rembolt.engine.nodes import CPU_PROVIDER, RECORD, nodes_of
from rembolt.engine.plugins import hardware, plugin_of
from rembolt.engine.presets import Wanted, plugged, preset
from rembolt.engine.processor import is_small
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
    options: Any,
    asked: str,
    *,
    precision: str = "fp32",
    size: tuple[int, int] | None = None,
) -> tuple[Any, str]:
    """Load a network on the device that was asked for, or for `auto` on the best that works.

    Args:
        path: the ONNX file.
        options: an `onnxruntime.SessionOptions`; a plug-in's provider is added to it.
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
    failures = []
    tried = candidates(asked)
    wanted = Wanted(path, onnxruntime().__version__, precision, options.intra_op_num_threads, (), size)
    for device in tried:
        try:
            inner = _load_on(wanted, options, device)
        except DeviceError as error:
            if asked != "auto":
                raise
            failures.append(str(error))
            continue
        for failure in failures:
            log.warning("auto runs on %s: %s", device.name, failure)
        if asked == "auto":
            names = ", ".join(one.name for one in tried)
            why = (
                f"the first that works of {names}" if len(tried) > 1 else "all that the installed runtime has"
            )
            log.info("device auto is %s, %s.", device.name, why)
        return inner, device.name
    raise DeviceError(f"no device runs the network: {' '.join(failures) or 'the runtime has no provider.'}")


def _load_on(wanted: Wanted, options: Any, device: Device) -> Any:
    if device.name == "cpu":
        return _load_by_name(wanted.path, options, [CPU_PROVIDER])
    try:
        inner = _started(wanted, options, device)
    except BrokenWeightsError as error:
        # A file that loads on the CPU is sound, so the device is to blame.
        _plain(wanted.path)
        reason = first_line(error.__cause__ or error)
        raise unavailable(
            device, f"its provider could not load the network: {reason.rstrip('.: ')}"
        ) from error
    # ONNX Runtime falls back to the CPU without an exception when a library is missing.
    if device.provider not in inner.get_providers():
        trouble = nvidia.trouble(onnxruntime(), device=device.name) if device.name in NVIDIA else None
        raise unavailable(device, "the provider is installed but did not start", trouble)
    _check_nodes(inner, device)
    return inner


def _started(wanted: Wanted, options: Any, device: Device) -> Any:
    """The network in a session that has the device's provider first and the CPU's last."""
    runtime = onnxruntime()
    options.add_session_config_entry(RECORD, "1")
    if device.name == "directml":
        # The provider runs with nothing else.
        options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
        options.enable_mem_pattern = False
    if device.name == "tensorrt":
        inputs = tuple((one.name, tuple(one.shape)) for one in _plain(wanted.path).get_inputs())
        wanted = wanted._replace(inputs=inputs)
    plugin = None if device.name in built() else plugin_of(device.name)
    try:
        units = hardware(runtime, device.provider, plugin)
    except DeviceError as error:
        raise unavailable(device, str(error)) from error
    if units:
        # Asked for by name, a plugged-in provider may be left out without a word.
        if not options.has_providers():
            options.add_provider_for_devices(units, plugged(device.name, preset(device.name, wanted)))
        return load(wanted.path, options, None)
    names = [device.name, *([device.companion] if device.companion in built() else [])]
    chain = [(DEVICES[name].provider, preset(name, wanted)) for name in names]
    try:
        return _load_by_name(wanted.path, options, [*chain, CPU_PROVIDER])
    except BrokenWeightsError as error:
        # Providers refuse options that they do not know, and not every build knows the same.
        inner = _load_by_name(wanted.path, options, [*(provider for provider, _ in chain), CPU_PROVIDER])
        reason = first_line(error.__cause__ or error).rstrip(".")
        log.warning(
            "device %s refuses the options that rembolt chose (%s) and runs with its own.",
            device.name,
            reason,
        )
        return inner


def _load_by_name(path: Path, options: Any, providers: Sequence[Any]) -> Any:
    with warnings.catch_warnings():
        # After a plug-in that auto found not to work, the options still have it, and ONNX Runtime warns that
        # it does not count.
        warnings.filterwarnings("ignore", "Specified 'providers'")
        return load(path, options, providers)


def _check_nodes(inner: Any, device: Device) -> None:
    """Refuse a network of which the device runs nothing, and say what the CPU runs of it."""
    nodes = nodes_of(inner)
    if nodes is None or not nodes.total:
        return
    if not nodes.taken.get(device.provider):
        raise unavailable(device, f"it can run none of the network's {nodes.total} operators")
    level = logging.WARNING if nodes.cpu > nodes.total / 2 else logging.INFO
    log.log(level, "device %s runs %s.", device.name, nodes)


def _plain(path: Path) -> Any:
    """The network on the CPU as it is in the file: quickly loaded, to look at and not to run.

    Raises:
        BrokenWeightsError: the file is not a network.
    """
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return load(path, options, [CPU_PROVIDER])


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
        return runtime.InferenceSession(
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


def first_line(error: BaseException) -> str:
    """Give the first line of what a runtime says, cut short."""
    lines = str(error).strip().splitlines()
    return lines[0].strip()[:200] if lines else type(error).__name__
