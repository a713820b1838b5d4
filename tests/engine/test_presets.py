"""The options that each device's provider gets."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import onnxruntime
import pytest
from engine.programs import first_on_path, needs_a_shell, smi
from hypothesis import given
from hypothesis import strategies as st

from rembolt.engine.device import DEVICES
from rembolt.engine.loading import session_options
from rembolt.engine.presets import PRESETS, Wanted, memory_limit, plugged, preset
from rembolt.errors import UsageError


@pytest.fixture
def wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wanted:
    """A network (presets read only its bytes), and a home of its own."""
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "home"))
    path = tmp_path / "network.onnx"
    path.write_bytes(b"weights")
    return Wanted(path, "1.31.1", size=(320, 288))


def test_every_device_but_the_cpu_has_a_preset(wanted: Wanted) -> None:
    assert set(PRESETS) == set(DEVICES) - {"cpu"}
    assert preset("cpu", wanted) == {}


@pytest.mark.parametrize("device", PRESETS)
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_options_are_text(wanted: Wanted, device: str, precision: str) -> None:
    options = preset(device, wanted._replace(precision=precision, threads=2))
    assert options
    assert all(isinstance(text, str) and text for item in options.items() for text in item)


@pytest.mark.parametrize("device", ["tensorrt", "openvino", "coreml", "migraphx"])
def test_without_a_place_to_keep_compiled_networks_it_goes_on_and_says_so(
    wanted: Wanted, device: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with_cache = preset(device, wanted)
    assert (wanted.path.parent / "home" / "cache" / device).is_dir()
    monkeypatch.setenv("REMBOLT_HOME", str(wanted.path))  # a file cannot hold folders
    with caplog.at_level(logging.WARNING, "rembolt"):
        without = preset(device, wanted)
    assert "set REMBOLT_HOME to a folder that can be written" in caplog.text
    assert "cache" in json.dumps(with_cache)
    assert "cache" not in json.dumps(without).lower()


# --- CUDA


def test_cuda(wanted: Wanted) -> None:
    assert preset("cuda", wanted) == {
        "device_id": "0",
        "arena_extend_strategy": "kSameAsRequested",
        "cudnn_conv_algo_search": "HEURISTIC",
        "cudnn_conv_use_max_workspace": "1",
        "do_copy_in_default_stream": "1",
    }


def test_cuda_as_a_plug_in_has_other_names(wanted: Wanted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMBOLT_GPU_MEM_LIMIT", "1G")
    options = plugged("cuda", preset("cuda", wanted))
    assert "device_id" not in options
    assert options["arena.extend_strategy"] == "1"
    assert options["arena.max_mem"] == str(1 << 30)
    assert options["cudnn_conv_algo_search"] == "HEURISTIC"
    assert plugged("openvino", {"device_type": "CPU"}) == {"device_type": "CPU"}


@pytest.mark.parametrize(
    ("said", "bytes_"),
    [
        ("6G", 6 << 30),
        ("6 GB", 6 << 30),
        ("6GiB", 6 << 30),
        ("512m", 512 << 20),
        ("67108864", 64 << 20),
        ("65536k", 64 << 20),
        (" 1g ", 1 << 30),
    ],
)
def test_a_memory_limit(wanted: Wanted, monkeypatch: pytest.MonkeyPatch, said: str, bytes_: int) -> None:
    monkeypatch.setenv("REMBOLT_GPU_MEM_LIMIT", said)
    assert preset("cuda", wanted)["gpu_mem_limit"] == str(bytes_)
    assert preset("migraphx", wanted)["migraphx_mem_limit"] == str(bytes_)


@pytest.mark.parametrize("said", ["much", "0", "-1G", "1.5G", "6T", "63M", "9" * 30, "G", "1e9", "٣G"])
def test_a_memory_limit_that_is_none(wanted: Wanted, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("REMBOLT_GPU_MEM_LIMIT", said)
    with pytest.raises(UsageError, match="REMBOLT_GPU_MEM_LIMIT must be an amount of memory") as caught:
        preset("cuda", wanted)
    assert caught.value.exit_code == 2


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")))
def test_any_text_is_a_limit_or_refused(said: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REMBOLT_GPU_MEM_LIMIT", said)
        try:
            limit = memory_limit()
        except UsageError:
            return
    assert limit is None if not said.strip() else limit is not None
    assert limit is None or 64 << 20 <= limit < 1 << 63


# --- TensorRT


@pytest.mark.parametrize(
    ("precision", "flag"),
    [("fp32", None), ("fp16", "trt_fp16_enable"), ("int8", "trt_int8_enable")],
)
def test_tensorrt_computes_in_the_precision_asked_for(
    wanted: Wanted, precision: str, flag: str | None
) -> None:
    options = preset("tensorrt", wanted._replace(precision=precision))
    flags = {"trt_fp16_enable", "trt_int8_enable"} & options.keys()
    assert flags == ({flag} if flag else set())
    assert all(options[name] == "1" for name in flags)


@needs_a_shell
def test_tensorrt_engines_are_kept_by_all_that_they_depend_on(
    wanted: Wanted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_on_path(monkeypatch, tmp_path / "programs")
    smi(tmp_path / "programs", "NVIDIA H200, 580.65.06")

    def folder(runtime: str = "1.31.1") -> Path:
        options = preset("tensorrt", wanted._replace(runtime=runtime))
        assert options["trt_engine_cache_enable"] == options["trt_timing_cache_enable"] == "1"
        assert options["trt_engine_cache_path"] == options["trt_timing_cache_path"]
        return Path(options["trt_engine_cache_path"])

    first = folder()
    assert first.is_dir()
    assert first.parent == tmp_path / "home" / "cache" / "tensorrt"
    assert folder() == first
    places = {first, folder(runtime="1.32.0")}
    smi(tmp_path / "programs", "NVIDIA L4, 580.65.06")
    places.add(folder())
    smi(tmp_path / "programs", "NVIDIA H200, 580.99.99")
    assert folder() == first, "a new driver keeps the engines"
    package = tmp_path / "packages" / "tensorrt-10.99.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: tensorrt\nVersion: 10.99.0\n")
    monkeypatch.syspath_prepend(tmp_path / "packages")
    places.add(folder())
    wanted.path.write_bytes(b"other weights")
    places.add(folder())
    assert len(places) == 5


def test_tensorrt_is_told_the_shapes_that_the_file_leaves_open(wanted: Wanted) -> None:
    open_ = wanted._replace(inputs=(("image", ("batch", 3, "height", None)),))
    options = preset("tensorrt", open_)
    assert options["trt_profile_min_shapes"] == "image:1x3x288x320"
    assert options["trt_profile_opt_shapes"] == "image:1x3x288x320"
    assert options["trt_profile_max_shapes"] == "image:8x3x288x320"
    one = preset("tensorrt", wanted._replace(inputs=(("image", (1, 3, "height", "width")),)))
    assert one["trt_profile_max_shapes"] == "image:1x3x288x320"


@pytest.mark.parametrize(
    "inputs",
    [
        (("image", (1, 3, 288, 320)),),
        (("image", ("batch", 3, 288, 320)), ("points", (1, "points", 2))),
        (("image", ("height", "width", 3)),),
        (),
    ],
)
def test_tensorrt_gets_no_profile_that_might_be_wrong(wanted: Wanted, inputs: tuple) -> None:
    assert not [name for name in preset("tensorrt", wanted._replace(inputs=inputs)) if "profile" in name]


# --- the others


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_openvino_computes_in_fp32_as_without_onnx_runtime(wanted: Wanted, precision: str) -> None:
    options = preset("openvino", wanted._replace(precision=precision))
    assert options["device_type"] == "CPU"
    assert json.loads(options["load_config"]) == {
        "CPU": {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "CACHE_DIR": str(wanted.path.parent / "home" / "cache" / "openvino"),
        }
    }
    threads = json.loads(preset("openvino", wanted._replace(threads=3))["load_config"])
    assert threads["CPU"]["INFERENCE_NUM_THREADS"] == "3"


def test_directml_takes_the_fast_gpu_and_our_session_options_suit_it(wanted: Wanted) -> None:
    assert preset("directml", wanted) == {
        "performance_preference": "high_performance",
        "device_filter": "gpu",
    }
    options = session_options(1)
    assert options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert not options.enable_mem_pattern


def test_coreml(wanted: Wanted) -> None:
    options = preset("coreml", wanted)
    assert (options["ModelFormat"], options["MLComputeUnits"]) == ("MLProgram", "ALL")
    assert "AllowLowPrecisionAccumulationOnGPU" not in options
    assert preset("coreml", wanted._replace(precision="fp16"))["AllowLowPrecisionAccumulationOnGPU"] == "1"
    wanted.path.write_bytes(b"other weights")
    assert preset("coreml", wanted)["ModelCacheDirectory"] != options["ModelCacheDirectory"]


def test_migraphx(wanted: Wanted) -> None:
    options = preset("migraphx", wanted)
    assert options["device_id"] == "0"
    assert "migraphx_fp16_enable" not in options
    assert Path(options["migraphx_model_cache_dir"]).is_dir()
    assert preset("migraphx", wanted._replace(precision="fp16"))["migraphx_fp16_enable"] == "1"
