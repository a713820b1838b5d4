"""Execution providers that come as packages of their own and are plugged into ONNX Runtime."""

from __future__ import annotations

import threading
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from rembolt.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Plugin(NamedTuple):
    """One package, as data.

    Attributes:
        package: its name for pip.
        module: its name in Python; it has `get_library_path()`.
        device: the device that it brings.
        hardware: what the metadata of the hardware to use must say; the first that fits is taken.
    """

    package: str
    module: str
    device: str
    hardware: Mapping[str, str] = MappingProxyType({})


PLUGINS = (Plugin("onnxruntime-ep-openvino", "onnxruntime_ep_openvino", "openvino", {"ov_device": "CPU"}),)
"""Those that rembolt uses. `doctor` names the others that are installed."""

PREFIX = "onnxruntime-ep-"
"""What the names of such packages begin with."""

_registered: set[str] = set()
_registering = threading.Lock()


def plugin_of(device: str) -> Plugin | None:
    """The installed plug-in that brings `device`; looks without importing anything."""
    from importlib.util import find_spec

    for plugin in PLUGINS:
        if plugin.device == device and find_spec(plugin.module) is not None:
            return plugin
    return None


def is_registered(provider: str) -> bool:
    """Whether a provider is there only because rembolt has plugged it in in this process."""
    # A library may bring several: OpenVINO's also has "OpenVINOExecutionProvider.AUTO".
    return provider in _registered


def hardware(runtime: Any, provider: str, plugin: Plugin | None) -> list[Any]:
    """The hardware on which a plugged-in provider is to run.

    Args:
        runtime: the module `onnxruntime`.
        provider: the provider's name.
        plugin: the package that brings it, which is registered if need be; None for one that ONNX Runtime
            has registered by itself.

    Returns:
        One `OrtEpDevice`; none where nobody has plugged the provider in.

    Raises:
        DeviceError: the plug-in cannot be loaded, or finds no hardware; one clause, without the remedy.
    """
    if plugin is not None:
        _register(runtime, provider, plugin)
    try:
        found = [one for one in runtime.get_ep_devices() if one.ep_name == provider]
    except AttributeError:  # an old runtime
        found = []
    if plugin is None:
        return found[:1]
    wanted = plugin.hardware.items()
    fits = [one for one in found if wanted <= dict(one.ep_metadata).items()]
    if not fits:
        raise DeviceError(f"the plug-in {plugin.package} finds no hardware that it can use")
    return fits[:1]


def _register(runtime: Any, provider: str, plugin: Plugin) -> None:
    with _registering:
        if provider in _registered:
            return
        if not hasattr(runtime, "register_execution_provider_library"):
            raise DeviceError(
                f"ONNX Runtime {runtime.__version__} is too old for the plug-in {plugin.package}, "
                "which needs 1.23"
            )
        try:
            library = import_module(plugin.module).get_library_path()
            runtime.register_execution_provider_library(provider, str(library))
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise DeviceError(f"the plug-in {plugin.package} cannot be loaded ({reason})") from error
        _registered.add(provider)
