"""Which runtime runs a network, and in which precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rembolt.engine.onnx_network import OnnxNetwork
from rembolt.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rembolt.engine.network import Network
    from rembolt.engine.session import Placement
    from rembolt.models.spec import ModelSpec

OPENVINO_DEVICES = frozenset({"auto", "cpu", "openvino"})
"""What may be asked for where OpenVINO is to run a network."""


def open_network(
    spec: ModelSpec,
    path: Path,
    placement: Placement,
    *,
    runtime_options: Any = None,
    providers: Sequence[Any] | None = None,
) -> tuple[Network, str]:
    """Load a network into the runtime that its placement asks for.

    Returns:
        The network and its precision.

    Raises:
        DeviceError, BrokenWeightsError, MissingExtraError: see `Session`.
    """
    own = runtime_options is not None or providers is not None
    if not own and _in_openvino(placement):
        from rembolt.engine.openvino_network import OpenVinoNetwork

        bf16 = placement.precision == "bf16" and spec.precision == "fp32"
        precision = "bf16" if bf16 else _precision(spec, placement.precision)
        width, height = spec.input_size
        shape = (1, 3, height, width) if spec.family in {"saliency", "cloth"} else None
        network = OpenVinoNetwork(path, placement.device, placement.threads, bf16=bf16, shape=shape)
        return network, precision
    precision = _precision(spec, placement.precision)
    return (
        OnnxNetwork(
            path,
            placement.device,
            placement.threads,
            runtime_options=runtime_options,
            providers=providers,
            precision=precision,
            size=spec.input_size,
        ),
        precision,
    )


def _in_openvino(placement: Placement) -> bool:
    """Whether OpenVINO itself, and not ONNX Runtime, is to run the network."""
    if placement.runtime == "onnxruntime":
        return False
    if placement.runtime == "openvino":
        if placement.device not in OPENVINO_DEVICES:
            raise DeviceError(
                f"runtime openvino does not run on device {placement.device!r}; use device auto, cpu or "
                "openvino."
            )
        return True
    if placement.precision == "bf16":
        return placement.device in OPENVINO_DEVICES
    if placement.device != "openvino":
        return False
    from rembolt.engine.openvino_runtime import installed

    return installed()


def _precision(spec: ModelSpec, asked: str) -> str:
    if asked in {"auto", spec.precision}:
        return spec.precision
    if asked == "bf16" and spec.precision == "fp32":
        raise DeviceError(
            "precision bf16 runs only in OpenVINO on the CPU: use device cpu with it, or precision auto."
        )
    raise DeviceError(
        f"model {spec.name!r} has no {asked} weights here, only {spec.precision}; use precision auto or "
        f"{spec.precision}."
    )
