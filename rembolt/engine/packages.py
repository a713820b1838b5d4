"""Which packages bring ONNX Runtime, and whether they are in each other's way."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

RUNTIMES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-openvino",
    "onnxruntime-migraphx",
    "onnxruntime-rocm",
    "onnxruntime-silicon",
    "onnxruntime-winml",
)
"""Packages that all install the same module `onnxruntime`: the one installed last wins."""


def installed_runtimes() -> dict[str, str]:
    """Versions of the installed packages among `RUNTIMES`, by name."""
    found = {}
    for name in RUNTIMES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def clash(runtimes: dict[str, str]) -> str | None:
    """What is wrong with having these runtimes side by side, and what to do; None when nothing is."""
    if len(runtimes) < 2:
        return None
    names = " and ".join(runtimes)
    best = next((name for name in runtimes if name != "onnxruntime"), "onnxruntime")
    return (
        f"{names} are installed together and overwrite each other's files, so a GPU may be ignored: run "
        f"pip uninstall -y {' '.join(runtimes)} and then pip install {best}."
    )
