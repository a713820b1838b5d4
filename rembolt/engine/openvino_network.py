"""A network loaded into OpenVINO."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from rembolt.engine.loading import plain
from rembolt.engine.network import Input
from rembolt.engine.openvino_runtime import cache_hints, check_bf16, core, cpu_hints, openvino
from rembolt.errors import DeviceError, RemboltError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

Arrays = list[npt.NDArray[Any]]


class OpenVinoNetwork:
    """A `Network` whose `inner` is an `openvino.CompiledModel`.

    Args:
        path: the ONNX file.
        device: `openvino` takes an Intel GPU if there is one, else the CPU; anything else takes the CPU.
        threads: CPU threads of each run, see `cpu_hints`.
        bf16: compute in bfloat16 instead of float32, on the CPU.
        shape: what the first input is fed with; sizes that the file leaves open are fixed to these, which
            makes faster code. A batch of more is then run one by one.

    Raises:
        DeviceError: OpenVINO cannot run the network, or the CPU lacks bf16.
        BrokenWeightsError: the file is not a network.
        MissingExtraError: OpenVINO is not installed.
    """

    runtime = "openvino"

    def __init__(
        self,
        path: Path,
        device: str = "openvino",
        threads: int | None = None,
        *,
        bf16: bool = False,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        openvino()
        if bf16:
            check_bf16()
        model = _read(path)
        self.device = "openvino" if device == "openvino" else "cpu"
        self.inputs = tuple(
            Input(one.any_name, tuple(size.get_length() if size.is_static else None for size in sizes))
            for one in model.inputs
            for sizes in (one.partial_shape,)
        )
        self._one_by_one = False
        try:
            if shape is not None:
                self._fix(model, shape)
            self.inner, self.on_cpu = _compiled(
                model, "bf16" if bf16 else "f32", threads, gpu=device == "openvino" and not bf16
            )
        except RemboltError:
            raise
        except Exception as error:  # noqa: BLE001 - its plug-ins raise many kinds
            _blame(path, error)
        # A request runs for one caller at a time, so there are as many as there ever were callers.
        self._idle: deque[Any] = deque()

    def run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """See `Network`."""
        if self._one_by_one:
            ((name, batch),) = feeds.items()
            if len(batch) > 1:
                answers = [self._infer({name: batch[place : place + 1]}) for place in range(len(batch))]
                return [np.concatenate(parts) for parts in zip(*answers, strict=True)]
        return self._infer(feeds)

    def _infer(self, feeds: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self.inner.create_infer_request()
        try:
            # The inputs need no copy, as the call waits; the outputs are copied, as the request runs again.
            results = request.infer(dict(feeds), share_inputs=True, share_outputs=False)
        except RuntimeError as error:
            raise RuntimeError(reason(error)) from error
        answers = [results[place] for place in range(len(self.inner.outputs))]
        self._idle.append(request)
        return answers

    def _fix(self, model: Any, shape: tuple[int, ...]) -> None:
        have = self.inputs[0].shape
        if len(have) != len(shape) or None not in have:
            return
        fixed = [want if size is None else size for size, want in zip(have, shape, strict=True)]
        model.reshape({self.inputs[0].name: fixed})
        self._one_by_one = have[0] is None and len(self.inputs) == 1


def _read(path: Path) -> Any:
    from openvino.frontend import FrontEndManager
    from openvino.passes import ConstantFolding, Manager

    try:
        # Not `Core.read_model`, which tries the readers of all other formats too, noisily, on a broken file.
        reader = FrontEndManager().load_by_framework("onnx")
        model = reader.convert(reader.load(str(path)))
        # Weights that are only kept in 8 bits: OpenVINO 2026.4 brings wrong ones back from its cache, unless
        # they are widened first. In a network that computes in 8 bits, that would make it compute in float.
        if not any(one.get_type_name() == "FakeQuantize" for one in model.get_ops()):
            fold = Manager()
            fold.register_pass(ConstantFolding())
            fold.run_passes(model)
        return model
    except Exception as error:  # noqa: BLE001 - the reader raises many kinds
        _blame(path, error)


def _compiled(model: Any, precision: str, threads: int | None, *, gpu: bool) -> tuple[Any, bool]:
    """Compile for an Intel GPU, if wanted and there, else for the CPU; True for the CPU."""
    cache = cache_hints()
    if gpu and any(name.split(".")[0] == "GPU" for name in core().available_devices):
        try:
            compiled = _checked(model, "GPU", precision, {"PERFORMANCE_HINT": "LATENCY", **cache})
        except Exception as error:  # noqa: BLE001 - a driver may fail in any way; the CPU is left
            log.warning(
                "openvino runs on the CPU: the Intel GPU does not run the network (%s).", reason(error)
            )
        else:
            log.info("openvino runs on the Intel GPU %s.", core().get_property("GPU", "FULL_DEVICE_NAME"))
            return compiled, False
    compiled = _checked(model, "CPU", precision, {**cpu_hints(threads), **cache})
    log.info("openvino runs on the CPU in %s.", precision)
    return compiled, True


def _checked(model: Any, device: str, precision: str, hints: dict[str, Any]) -> Any:
    """Compile for `device` in just this precision."""
    # It must be said: left alone, OpenVINO takes bf16 where the CPU has it, and f16 on a GPU.
    compiled = core().compile_model(model, device, {**hints, "INFERENCE_PRECISION_HINT": precision})
    got = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    if got != precision:
        raise DeviceError(f"OpenVINO computes in {got} instead of {precision} here; use device auto or cpu.")
    return compiled


def _blame(path: Path, error: Exception) -> NoReturn:
    """Say whether the file or OpenVINO is at fault: a file that ONNX Runtime loads is sound."""
    plain(path)
    raise DeviceError(
        f"OpenVINO {openvino().get_version().partition('-')[0]} cannot run {path} ({reason(error)}); "
        "use device auto or cpu."
    ) from error


def reason(error: Exception) -> str:
    """What OpenVINO says, in one line, without the places in its source that it names first."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [
        line for line in lines if line and not line.startswith(("Exception from ", "Check '", "FrontEnd API"))
    ]
    return told[0].rstrip(".")[:200] if told else type(error).__name__
