"""The options that each device's provider runs with, and why.

Values are text, as ONNX Runtime takes them. What is not set here keeps the provider's own default.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from rembolt.engine.batches import MOST
from rembolt.engine.compiled import cache_folder, content_key
from rembolt.engine.nvidia import driver, tensorrt_version
from rembolt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Options = dict[str, str]

MEMORY_LIMIT = "REMBOLT_GPU_MEM_LIMIT"
"""Environment variable: most memory of the GPU that one session's arena takes."""

SMALLEST_LIMIT = 64 << 20
"""Below it not even the smallest network runs."""


class Wanted(NamedTuple):
    """What is to run, as far as a preset has to know it.

    Attributes:
        path: the ONNX file.
        runtime: version of ONNX Runtime.
        precision: number format it is to run in.
        threads: CPU threads; 0 leaves the choice to the runtime.
        inputs: name and shape of each input; a size that is not fixed is text or None.
        size: width and height in pixels of what it is fed; None where that is not known.
    """

    path: Path
    runtime: str
    precision: str = "fp32"
    threads: int = 0
    inputs: tuple[tuple[str, tuple[int | str | None, ...]], ...] = ()
    size: tuple[int, int] | None = None


def preset(device: str, wanted: Wanted) -> Options:
    """The provider options of a device.

    Raises:
        UsageError: `REMBOLT_GPU_MEM_LIMIT` is no amount of memory.
    """
    choose = PRESETS.get(device)
    return choose(wanted) if choose else {}


def plugged(device: str, options: Options) -> Options:
    """The same options in the names that a provider takes when it comes as a plug-in."""
    if device != "cuda":
        return options
    # A plug-in is given its GPU by ONNX Runtime, and its arena's options have names of their own.
    names = {"arena_extend_strategy": "arena.extend_strategy", "gpu_mem_limit": "arena.max_mem"}
    values = {"kSameAsRequested": "1"}
    return {
        names.get(key, key): values.get(value, value) for key, value in options.items() if key != "device_id"
    }


def _cuda(_: Wanted) -> Options:
    options = {
        # CUDA_VISIBLE_DEVICES says which of several GPUs this is.
        "device_id": "0",
        # One block for each request keeps the memory near what the network needs.
        "arena_extend_strategy": "kSameAsRequested",
        # The exhaustive search, the provider's default, times every convolution anew for each shape, and
        # batches come in all sizes; what it picks differs from start to start, and with it the last bits.
        "cudnn_conv_algo_search": "HEURISTIC",
        # With a small workspace the algorithms that use the tensor cores are left out.
        "cudnn_conv_use_max_workspace": "1",
        # A stream of its own for copies is a race, says the documentation.
        "do_copy_in_default_stream": "1",
    }
    limit = memory_limit()
    if limit is not None:
        options["gpu_mem_limit"] = str(limit)
    return options


def _tensorrt(wanted: Wanted) -> Options:
    options = {
        "device_id": "0",
        # Sums of layer norms overflow in half precision.
        "trt_layer_norm_fp32_fallback": "1",
        # TensorRT's own default: higher compiles for many minutes more, lower runs slower for ever.
        "trt_builder_optimization_level": "3",
        **_flag("trt_fp16_enable", wanted.precision == "fp16"),
        **_flag("trt_int8_enable", wanted.precision == "int8"),
        **_profile(wanted),
    }
    # An engine serves one network, runtime, TensorRT and GPU; with another it fails or is silently wrong.
    gpus = ", ".join(gpu.name for gpu in driver().gpus)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    key = content_key(wanted.path, wanted.runtime, tensorrt_version(), gpus, visible)
    folder = cache_folder("tensorrt", key)
    if folder is not None:
        options |= {
            "trt_engine_cache_enable": "1",
            "trt_engine_cache_path": str(folder),
            "trt_timing_cache_enable": "1",
            "trt_timing_cache_path": str(folder),
        }
    return options


def _profile(wanted: Wanted) -> Options:
    """The shapes to compile for, where the file leaves them open: one photo, and up to a whole batch."""
    if wanted.size is None or len(wanted.inputs) != 1:
        return {}
    name, shape = wanted.inputs[0]
    if len(shape) != 4 or all(isinstance(side, int) for side in shape):
        return {}
    width, height = wanted.size
    fed = (1, 3, height, width)
    one = [side if isinstance(side, int) else want for side, want in zip(shape, fed, strict=True)]
    most = [shape[0] if isinstance(shape[0], int) else MOST, *one[1:]]
    few, many = ("x".join(map(str, sides)) for sides in (one, most))
    return {
        "trt_profile_min_shapes": f"{name}:{few}",
        "trt_profile_opt_shapes": f"{name}:{few}",
        "trt_profile_max_shapes": f"{name}:{many}",
    }


def _openvino(wanted: Wanted) -> Options:
    import json

    # Without the hint a CPU that has bf16 uses it, which is another precision than the one asked for.
    properties = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    if wanted.threads:
        properties["INFERENCE_NUM_THREADS"] = str(wanted.threads)
    folder = cache_folder("openvino")
    if folder is not None:
        properties["CACHE_DIR"] = str(folder)
    # The single options of before ONNX Runtime 1.23 are deprecated, and the plug-in does not read them.
    return {"device_type": "CPU", "load_config": json.dumps({"CPU": properties})}


def _directml(_: Wanted) -> Options:
    # Without a word the first adapter is taken, which in a laptop with two is the slow one.
    return {"performance_preference": "high_performance", "device_filter": "gpu"}


def _coreml(wanted: Wanted) -> Options:
    options = {
        # The newer format: more operators, and half precision only where it is asked for.
        "ModelFormat": "MLProgram",
        "MLComputeUnits": "ALL",
        **_flag("AllowLowPrecisionAccumulationOnGPU", wanted.precision == "fp16"),
    }
    # CoreML's cache goes by the file's path and does not see that the file has changed.
    folder = cache_folder("coreml", content_key(wanted.path, wanted.runtime))
    if folder is not None:
        options["ModelCacheDirectory"] = str(folder)
    return options


def _migraphx(wanted: Wanted) -> Options:
    options = {"device_id": "0", **_flag("migraphx_fp16_enable", wanted.precision == "fp16")}
    # It compiles for minutes.
    folder = cache_folder("migraphx", content_key(wanted.path, wanted.runtime))
    if folder is not None:
        options["migraphx_model_cache_dir"] = str(folder)
    limit = memory_limit()
    if limit is not None:
        options["migraphx_mem_limit"] = str(limit)
    return options


PRESETS: dict[str, Callable[[Wanted], Options]] = {
    "cuda": _cuda,
    "tensorrt": _tensorrt,
    "openvino": _openvino,
    "directml": _directml,
    "coreml": _coreml,
    "migraphx": _migraphx,
}
"""The CPU has none: what matters there are the session's options (`loading.session_options`)."""


def memory_limit() -> int | None:
    """Bytes that `REMBOLT_GPU_MEM_LIMIT` allows; None without a limit.

    Raises:
        UsageError: it is no amount of memory, or one that no network fits in.
    """
    said = os.environ.get(MEMORY_LIMIT, "").strip()
    if not said:
        return None
    match = re.fullmatch(r"([0-9]{1,15})\s*([kmg]?)i?b?", said, re.IGNORECASE)
    units = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
    limit = int(match[1]) * units[match[2].lower()] if match else 0
    if not SMALLEST_LIMIT <= limit < 1 << 63:
        raise UsageError(
            f"{MEMORY_LIMIT} must be an amount of memory from 64M, such as 6G, 512M or a number of bytes, "
            f"not {said[:40]!r}."
        )
    return limit


def _flag(name: str, on: bool) -> Options:
    return {name: "1"} if on else {}
