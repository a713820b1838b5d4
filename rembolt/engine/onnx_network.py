"""A network loaded into ONNX Runtime."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from rembolt.engine.device import DEVICES
from rembolt.engine.loading import load, load_on_best, session_options
from rembolt.engine.network import Input

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt


class OnnxNetwork:
    """A `Network` whose `inner` is an `onnxruntime.InferenceSession`.

    Args:
        path: the ONNX file.
        device: where to run it, see `load_on_best`.
        threads: CPU threads, see `thread_count`.
        runtime_options: an `onnxruntime.SessionOptions` to use instead of our own choice.
        providers: providers to use instead of `device`, in the form ONNX Runtime takes.
        precision: number format, for devices that can choose it.
        size: width and height in pixels of what it is fed, for devices that compile.

    Raises:
        DeviceError: the device does not run the network.
        BrokenWeightsError: the file is not a network.
        MissingExtraError: ONNX Runtime is not installed.
    """

    runtime = "onnxruntime"

    def __init__(
        self,
        path: Path,
        device: str = "auto",
        threads: int | None = None,
        *,
        runtime_options: Any = None,
        providers: Sequence[Any] | None = None,
        precision: str = "fp32",
        size: tuple[int, int] | None = None,
    ) -> None:
        def options() -> Any:
            return runtime_options or session_options(threads)

        if providers is not None:
            self.inner = load(path, options(), providers)
            provider = self.inner.get_providers()[0]
            names = {device.provider: name for name, device in DEVICES.items()}
            self.device: str = names.get(provider, provider)
        else:
            self.inner, self.device = load_on_best(path, options, device, precision=precision, size=size)
        self.on_cpu = self.device in {"cpu", "openvino"}  # OpenVINO's provider takes the CPU, see `presets`
        self.inputs = tuple(Input(one.name, tuple(one.shape)) for one in self.inner.get_inputs())
        # DirectML's sessions may not be run by two threads at a time; all others may.
        self._turn = threading.Lock() if self.device == "directml" else nullcontext()

    def run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """See `Network`."""
        with self._turn:
            return list(self.inner.run(None, dict(feeds)))
