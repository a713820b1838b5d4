"""All findings of `rembolt doctor`, as plain data."""

from __future__ import annotations

import platform
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rembolt import __version__, profile
from rembolt.cores import usable_cores
from rembolt.diagnosis.advice import advice
from rembolt.diagnosis.plugins import plugins
from rembolt.diagnosis.telemetry import telemetry
from rembolt.engine import nvidia
from rembolt.engine.device import available
from rembolt.engine.packages import clash, installed_runtimes
from rembolt.engine.runtime import onnxruntime
from rembolt.engine.threads import thread_count
from rembolt.engine.trial import Trial, try_device
from rembolt.errors import MissingExtraError
from rembolt.models.catalogue import DEFAULT_MODEL, MODELS, find_model
from rembolt.models.store import weights, where

EXTRAS = {"matting": ("pymatting",), "heif": ("pillow_heif",), "fp16": ("onnx", "onnxconverter_common")}
"""The modules that an extra brings."""


def examine() -> dict[str, Any]:
    """Look at everything and run a network on every device.

    Returns:
        What can be written as JSON. `problems` holds one sentence for each thing that must be put right,
        `advice` one for each that could be better.
    """
    runtimes = installed_runtimes()
    devices = _devices()
    driver = nvidia.driver()
    cuda = _cuda()
    problems = [sentence for sentence in (clash(runtimes),) if sentence]
    if not any(device["works"] for device in devices):
        problems += [device["reason"] for device in devices]
    return {
        "rembolt": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "runtimes": runtimes,
        "plugins": plugins(),
        "nvidia": {
            "cuda": cuda,
            "gpus": [gpu._asdict() for gpu in driver.gpus],
            "reason": driver.reason,
        },
        "devices": devices,
        "cores": usable_cores(),
        "threads": thread_count(None) or "one for each physical core",
        "memory": _memory(),
        "extras": {extra: all(map(_importable, modules)) for extra, modules in EXTRAS.items()},
        "profile": _profile(),
        "telemetry": telemetry(),
        "weights": _weights(),
        "problems": problems,
        "advice": advice(devices, driver, cuda),
    }


def _devices() -> list[dict[str, Any]]:
    """Every device that can be asked for, each after really running the embedded network."""
    try:
        names = available()
    except MissingExtraError as error:
        return [asdict(Trial("none", works=False, seconds=None, reason=str(error)))]
    spec = find_model(DEFAULT_MODEL)
    return [asdict(try_device(name, spec, weights(spec)[0])) for name in names]


def _cuda() -> int | None:
    try:
        return nvidia.cuda_major(onnxruntime())
    except MissingExtraError:
        return None


def _profile() -> dict[str, Any]:
    """What `rembolt tune` kept, by model and in words; or why it is not used."""
    kept = profile.state()
    models = {choice.model: choice.sentence for choice in kept.choices}
    return {"path": str(kept.path), "used": kept.used, "remark": kept.remark, "models": models}


def _weights() -> dict[str, str]:
    found = ((name, where(spec).path) for name, spec in MODELS.items())
    return {name: str(path) for name, path in found if path is not None}


def _importable(module: str) -> bool:
    return find_spec(module) is not None


def _memory() -> dict[str, int | None]:
    """Bytes of memory: in all, and free for programs; None where the system does not say."""
    sizes: dict[str, int | None] = {"total": None, "free": None}
    if sys.platform == "linux":
        for line in Path("/proc/meminfo").read_text().splitlines():
            name, _, rest = line.partition(":")
            key = {"MemTotal": "total", "MemAvailable": "free"}.get(name)
            if key:
                sizes[key] = int(rest.split()[0]) * 1024
    return sizes
