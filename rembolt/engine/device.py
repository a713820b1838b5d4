"""The devices a network can run on, and what to do when one is not there."""

from __future__ import annotations

from typing import NamedTuple

from rembolt.engine import nvidia
from rembolt.engine.plugins import is_registered, plugin_of
from rembolt.engine.runtime import onnxruntime
from rembolt.errors import DeviceError

CPU_PROVIDER = "CPUExecutionProvider"


class Device(NamedTuple):
    """One device, as data; what its provider runs with is in `presets`.

    Attributes:
        name: what users type.
        provider: ONNX Runtime's name of the execution provider.
        remedy: what to do when it is missing, to follow "device 'cuda' is not available: …".
        companion: a device that takes what this one leaves over, before the CPU does.
    """

    name: str
    provider: str
    remedy: str
    companion: str = ""


DEVICES: dict[str, Device] = {
    device.name: device
    for device in (
        Device("cpu", CPU_PROVIDER, 'install "rembolt[cpu]"'),
        Device(
            "cuda",
            "CUDAExecutionProvider",
            'remove the package onnxruntime, install "rembolt[gpu]" and check that nvidia-smi sees the GPU',
        ),
        Device(
            "tensorrt",
            "TensorrtExecutionProvider",
            'remove the package onnxruntime, install "rembolt[gpu]" and the TensorRT libraries',
            companion="cuda",
        ),
        Device("openvino", "OpenVINOExecutionProvider", 'install "rembolt[openvino]"'),
        Device(
            "directml",
            "DmlExecutionProvider",
            'on Windows, remove the package onnxruntime and install "rembolt[directml]"',
        ),
        Device("coreml", "CoreMLExecutionProvider", 'on macOS, install "rembolt[cpu]", which includes it'),
        Device(
            "migraphx",
            "MIGraphXExecutionProvider",
            "on Linux with an AMD GPU, install AMD's onnxruntime-migraphx instead of onnxruntime",
        ),
    )
}

AUTO_ORDER = ("cuda", "migraphx", "directml", "coreml", "openvino", "cpu")
"""What `auto` tries, best first. TensorRT is left out: it compiles for minutes, so it must be asked for."""

NVIDIA = frozenset({"cuda", "tensorrt"})
"""Devices that need NVIDIA's driver and libraries."""


def built() -> tuple[str, ...]:
    """Names of the devices that the installed ONNX Runtime brings itself; `auto` chooses among these."""
    runtime = onnxruntime()
    # Where CUDA is a plug-in of the runtime's own, it is there only once its libraries are loaded.
    nvidia.preload(runtime)
    providers = runtime.get_available_providers()
    return tuple(
        name
        for name, device in DEVICES.items()
        if device.provider in providers and not is_registered(device.provider)
    )


def available() -> tuple[str, ...]:
    """Names of the devices that some installed package brings; whether they work is seen when they run."""
    own = built()
    return tuple(name for name in DEVICES if name in own or _added(name))


def _added(name: str) -> bool:
    from rembolt.engine.openvino_runtime import installed

    return plugin_of(name) is not None or (name == "openvino" and installed())


def candidates(device: str) -> tuple[Device, ...]:
    """The devices to try in ONNX Runtime for what the user asked, best first.

    Raises:
        DeviceError: the device was asked for by name, and neither the installed runtime nor a plug-in has it.
    """
    own = built()
    if device == "auto":
        return tuple(DEVICES[name] for name in AUTO_ORDER if name in own)
    if device in own or plugin_of(device) is not None:
        return (DEVICES[device],)
    reason = f"the installed runtime has only {', '.join(own)}"
    if device == "cuda" and nvidia.cuda_major(onnxruntime()) is not None:
        # The right package, whose CUDA did not start.
        raise unavailable(DEVICES[device], "CUDA did not start", nvidia.trouble(onnxruntime()))
    raise unavailable(DEVICES[device], reason)


def unavailable(device: Device, reason: str, trouble: nvidia.Trouble | None = None) -> DeviceError:
    """The error that says why `device` does not run and what to do.

    Args:
        device: the device.
        reason: one clause.
        trouble: what is seen to be wrong below; its remedy then stands for the device's.
    """
    if trouble:
        reason = f"{reason}: {trouble.what}"
    remedy = trouble.remedy if trouble else device.remedy
    return DeviceError(
        f"device {device.name!r} is not available ({reason}): {remedy}, or use device auto or cpu."
    )
