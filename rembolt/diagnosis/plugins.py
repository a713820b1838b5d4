"""The installed plug-ins of ONNX Runtime, and what becomes of each."""

from __future__ import annotations

from typing import Any

from rembolt.engine import openvino_runtime
from rembolt.engine.device import built
from rembolt.engine.packages import installed_beginning_with
from rembolt.engine.plugins import PLUGINS, PREFIX, Plugin, plugin_of
from rembolt.errors import MissingExtraError


def plugins() -> list[dict[str, Any]]:
    """List the packages: name, version, the device that each brings (None: none of ours), its state."""
    known = {plugin.package: plugin for plugin in PLUGINS}
    rows = []
    for package, number in installed_beginning_with(PREFIX).items():
        plugin = known.get(package)
        rows.append(
            {
                "package": package,
                "version": number,
                "device": plugin.device if plugin else None,
                "state": _state(plugin) if plugin else "not used: rembolt has no device for it",
            }
        )
    return rows


def _state(plugin: Plugin) -> str:
    if plugin_of(plugin.device) is None:
        return f"damaged: reinstall it with pip install --force-reinstall {plugin.package}"
    try:
        if plugin.device in built():
            return f"not used: the installed runtime has device {plugin.device} itself"
    except MissingExtraError:
        return "not used: ONNX Runtime is not installed"
    if plugin.device == "openvino" and openvino_runtime.installed():
        return "not used: the package openvino runs device openvino"
    return f"runs device {plugin.device}"
