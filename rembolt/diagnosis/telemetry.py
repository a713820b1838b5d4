"""Whether the installed packages tell their makers about their use."""

from __future__ import annotations

import os

from rembolt.engine.packages import installed_beginning_with


def telemetry() -> dict[str, str]:
    """What each package that could send something does under rembolt, by its name."""
    off = os.environ.get("ORT_DISABLE_TELEMETRY", "1") != "0"
    rows = {"onnxruntime": "off" if off else "on, as ORT_DISABLE_TELEMETRY=0 wishes"}
    if installed_beginning_with("openvino-telemetry"):
        rows["openvino-telemetry"] = "off: rembolt imports OpenVINO without it"
    return rows
