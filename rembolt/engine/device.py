"""The devices a network can run on, and what to do when one is not there."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from rembolt.engine.runtime import onnxruntime
from rembolt.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Device(NamedTuple):
    """One device, as data.

    Attributes:
        name: what users type.
        provider: ONNX Runtime's name of the execution provider.
        remedy: what to do when it is missing, to follow "device 'cuda' is not available: …".
        options: the provider's options.
    """

    name: str
    provider: str
    remedy: str
    options: Mapping[str, Any] = MappingProxyType({})


DEVICES: dict[str, Device] = {
    device.name: device
    for device in (
        Device("cpu", "CPUExecutionProvider", 'install "rembolt[cpu]"'),
        Device(
            "cuda",
            "CUDAExecutionProvider",
            'remove the package onnxruntime, install "rembolt[gpu]" and check that nvidia-smi sees the GPU',
            # One block per request keeps the memory near what the network needs.
            {"arena_extend_strategy": "kSameAsRequested", "cudnn_conv_use_max_workspace": "1"},
        ),
        Device(
            "tensorrt",
            "TensorrtExecutionProvider",
            'remove the package onnxruntime, install "rembolt[gpu]" and the TensorRT libraries',
        ),
        Device(
            "openvino",
            "OpenVINOExecutionProvider",
            'remove the package onnxruntime and install "rembolt[openvino]"',
        ),
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


def available() -> tuple[str, ...]:
    """Names of the devices the installed runtime was built for; whether they work is seen when they run."""
    built = onnxruntime().get_available_providers()
    return tuple(name for name, device in DEVICES.items() if device.provider in built)


def candidates(device: str) -> tuple[Device, ...]:
    """The devices to try for what the user asked, best first.

    Raises:
        DeviceError: the device was asked for by name and the installed runtime does not have it.
    """
    built = available()
    if device == "auto":
        return tuple(DEVICES[name] for name in AUTO_ORDER if name in built)
    if device not in built:
        raise unavailable(DEVICES[device], f"the installed runtime has only {', '.join(built)}")
    return (DEVICES[device],)


def unavailable(device: Device, reason: str) -> DeviceError:
    """The error that says why `device` does not run and what to do."""
    return DeviceError(
        f"device {device.name!r} is not available ({reason}): {device.remedy}, or use device auto or cpu."
    )
