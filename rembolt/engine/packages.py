"""Which packages bring ONNX Runtime, and whether they are in each other's way."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distributions, version

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


def installed_beginning_with(prefix: str) -> dict[str, str]:
    """Versions of the installed packages whose names begin with `prefix`, by name."""
    found = {}
    for package in distributions():
        # A folder that a broken installation left may have no name.
        name = str(package.metadata["Name"] or "").lower().replace("_", "-")
        if name.startswith(prefix):
            found[name] = package.version
    return dict(sorted(found.items()))


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
