"""int8 weights of `bolt`, made in a moment from two random photos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from rembolt.engine.processor import this_processor
from rembolt.models import variants
from rembolt.models.catalogue import find_model
from rembolt.models.store import weights


def quantised(folder: Path) -> bytes:
    """The embedded network with 8-bit convolutions, by MinMax."""
    from onnxruntime.quantization import CalibrationDataReader, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    spec = find_model("bolt")
    source = weights(spec)[0]
    width, height = spec.input_size
    random = np.random.default_rng(0)
    photos = iter([{"": random.standard_normal((1, 3, height, width)).astype(np.float32)} for _ in range(2)])

    class Photos(CalibrationDataReader):
        def get_next(self) -> Any:
            feeds = next(photos, None)
            return feeds and {_input(source): feeds[""]}

    prepared, made = folder / "prepared.onnx", folder / "int8.onnx"
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    quantize_static(str(prepared), str(made), Photos(), op_types_to_quantize=["Conv"])
    return made.read_bytes()


def _input(path: Path) -> str:
    import onnx

    return onnx.load(str(path)).graph.input[0].name


def put(content: bytes, **report: object) -> Path:
    """Put int8 weights of `bolt` where `rembolt quantise` would, with its report."""
    path = variants.place(weights(find_model("bolt"))[0], "int8")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    usual = {"good": True, "precision": "int8", "time_ratio": 2.0, "processor": this_processor().name}
    path.with_suffix(".json").write_text(json.dumps({**usual, **report}))
    return path
