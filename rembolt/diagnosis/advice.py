"""One sentence, with its remedy, for each thing that could be better on this machine."""

from __future__ import annotations

from typing import Any

from rembolt.engine import nvidia
from rembolt.engine.runtime import onnxruntime


def advice(devices: list[dict[str, Any]], driver: nvidia.Driver, cuda: int | None) -> list[str]:
    """Say what could be better.

    Args:
        devices: one row for each, as `try_device` found it.
        driver: NVIDIA's.
        cuda: major version of CUDA that the installed runtime is built for; None without.
    """
    return [*_about_nvidia(devices, driver, cuda), *_about_operators(devices)]


def _about_nvidia(devices: list[dict[str, Any]], driver: nvidia.Driver, cuda: int | None) -> list[str]:
    if any(device["device"] == "cuda" and device["works"] for device in devices):
        return []
    if cuda is None:
        if not driver.gpus:
            return []
        return [
            f"There is a {driver.gpus[0].name}, but the installed runtime cannot use it: remove the package "
            'onnxruntime and install "rembolt[gpu]".'
        ]
    trouble = nvidia.trouble(onnxruntime(), driver)
    if trouble is None:
        return []
    return [f"The installed runtime is made for CUDA {cuda}, but {trouble.what}: {trouble.remedy}."]


def _about_operators(devices: list[dict[str, Any]]) -> list[str]:
    rows = []
    for device in devices:
        left = sum((device["cpu_operators"] or {}).values())
        if device["operators"] and left > device["operators"] / 2:
            rows.append(
                f"Device {device['device']} leaves {left} of {device['operators']} operators to the CPU: "
                "update its packages, or use device cpu."
            )
    return rows
