"""A network loaded into ONNX Runtime on another device than the CPU, and whether it really runs there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from rembolt.engine import nvidia
from rembolt.engine.device import CPU_PROVIDER, DEVICES, NVIDIA, Device, built, unavailable
from rembolt.engine.loading import first_line, load, plain
from rembolt.engine.nodes import RECORD, nodes_of
from rembolt.engine.plugins import hardware, plugin_of
from rembolt.engine.presets import Wanted, plugged, preset
from rembolt.engine.runtime import onnxruntime
from rembolt.errors import BrokenWeightsError, DeviceError

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


def load_on(device: Device, path: Path, options: Any, precision: str, size: tuple[int, int] | None) -> Any:
    """Load a network on a device, with the CPU for what the device cannot do.

    Args:
        device: any but the CPU.
        path: the ONNX file.
        options: an `onnxruntime.SessionOptions`, which is changed; a plug-in's provider is added to it.
        precision: see `load_on_best`.
        size: see `load_on_best`.

    Returns:
        The `onnxruntime.InferenceSession`.

    Raises:
        BrokenWeightsError: the file is not a network.
        DeviceError: the device fails, or runs nothing of the network.
        UsageError: an environment variable about the device is wrong.
    """
    wanted = Wanted(path, onnxruntime().__version__, precision, options.intra_op_num_threads, (), size)
    try:
        inner = _started(wanted, options, device)
    except BrokenWeightsError as error:
        # A file that loads on the CPU is sound, so the device is to blame.
        plain(path)
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
        inputs = tuple((one.name, tuple(one.shape)) for one in plain(wanted.path).get_inputs())
        wanted = wanted._replace(inputs=inputs)
    plugin = None if device.name in built() else plugin_of(device.name)
    units = []
    if device.name != "directml":  # which is on the list of hardware too, but there its preset does not count
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
        return load(wanted.path, options, [*chain, CPU_PROVIDER])
    except BrokenWeightsError as error:
        # Providers refuse options that they do not know, and not every build knows the same.
        inner = load(wanted.path, options, [*(provider for provider, _ in chain), CPU_PROVIDER])
        reason = first_line(error.__cause__ or error).rstrip(".")
        log.warning(
            "device %s refuses the options that rembolt chose (%s) and runs with its own.",
            device.name,
            reason,
        )
        return inner


def _check_nodes(inner: Any, device: Device) -> None:
    """Refuse a network of which the device runs nothing, and say what the CPU runs of it."""
    nodes = nodes_of(inner)
    if nodes is None or not nodes.total:
        return
    if not nodes.taken.get(device.provider):
        raise unavailable(device, f"it can run none of the network's {nodes.total} operators")
    level = logging.WARNING if nodes.cpu > nodes.total / 2 else logging.INFO
    log.log(level, "device %s runs %s.", device.name, nodes)
