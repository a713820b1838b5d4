"""What NVIDIA's driver and libraries are seen to be, and what is said of it."""

from __future__ import annotations

import sys
import types
import warnings
from pathlib import Path

import onnxruntime
import pytest
from engine.programs import first_on_path, needs_a_shell, program, smi

from rembolt.engine import nvidia

pytestmark = needs_a_shell


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is looked through first for programs."""
    first_on_path(monkeypatch, tmp_path / "programs")
    return tmp_path / "programs"


def runtime(tmp_path: Path, cuda: str = "13.0") -> types.ModuleType:
    """A module in the place of onnxruntime-gpu's, with a provider's library in its folder."""
    module = types.ModuleType("onnxruntime")
    capi = tmp_path / "site-packages" / "onnxruntime" / "capi"
    capi.mkdir(parents=True)
    (capi / "libonnxruntime_providers_cuda.so").write_bytes(b"\x7fELF")
    module.__file__ = str(capi.parent / "__init__.py")
    module.cuda_version = cuda
    return module


def test_the_gpus_are_those_of_nvidia_smi(programs: Path) -> None:
    smi(programs, "NVIDIA H200, 580.65.06", "NVIDIA RTX 4090, D, 580.65.06")
    assert nvidia.driver() == nvidia.Driver(
        (nvidia.Gpu("NVIDIA H200", "580.65.06"), nvidia.Gpu("NVIDIA RTX 4090, D", "580.65.06")), ""
    )


def test_without_nvidia_smi_there_is_no_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = nvidia.driver()
    assert found.gpus == ()
    assert "there is no nvidia-smi" in found.reason


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'No devices were found'; exit 6", "finds no GPU (No devices were found)"),
        ("echo 'Driver/library version mismatch.' >&2; exit 18", "(Driver/library version mismatch)"),
        ("exit 0", "(it says nothing)"),
        ("sleep 20", "did not answer"),
    ],
)
def test_an_nvidia_smi_that_fails(
    programs: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    monkeypatch.setattr(nvidia, "SECONDS", 1)
    program(programs, "nvidia-smi", f"exec {script}" if script.startswith("sleep") else script)
    found = nvidia.driver()
    assert found.gpus == ()
    assert words in found.reason


def test_an_nvidia_smi_that_is_no_program(programs: Path) -> None:
    program(programs, "nvidia-smi", "").write_bytes(b"\x00\x01")
    found = nvidia.driver()
    assert found.gpus == ()
    assert "nvidia-smi" in found.reason


def test_the_runtime_says_its_cuda_version(tmp_path: Path) -> None:
    assert nvidia.cuda_major(runtime(tmp_path, "13.0")) == 13
    assert nvidia.cuda_major(types.ModuleType("onnxruntime")) is None
    assert nvidia.cuda_major(onnxruntime) is None, "the tests' runtime is the CPU's"


@pytest.mark.parametrize(
    ("driver", "cuda", "oldest"), [("570.86.15", "13.0", "580"), ("470.10", "12.8", "525")]
)
def test_a_driver_that_is_too_old(
    programs: Path, tmp_path: Path, driver: str, cuda: str, oldest: str
) -> None:
    smi(programs, f"NVIDIA H200, {driver}")
    trouble = nvidia.trouble(runtime(tmp_path, cuda))
    assert trouble is not None
    assert f"driver {driver} is too old for CUDA {cuda[:2]}" in trouble.what
    assert f"update the driver to {oldest} or newer" in trouble.remedy


LDD = """
echo '	libcublasLt.so.13 => not found'
echo '	libcudnn.so.9 => not found'
echo '	libcudnn.so.9 => not found'
echo '	libc.so.6 => /lib/libc.so.6 (0x0000)'
"""


def test_libraries_that_are_missing(programs: Path, tmp_path: Path) -> None:
    smi(programs, "NVIDIA H200, 580.65.06")
    program(programs, "ldd", LDD)
    trouble = nvidia.trouble(runtime(tmp_path))
    assert trouble is not None
    assert trouble.what == "the CUDA libraries libcublasLt.so.13, libcudnn.so.9 are missing"
    assert 'pip install "onnxruntime-gpu[cuda,cudnn]"' in trouble.remedy


def test_tensorrt_libraries_that_are_missing(programs: Path, tmp_path: Path) -> None:
    smi(programs, "NVIDIA H200, 580.65.06")
    program(programs, "ldd", "echo '	libnvinfer.so.10 => not found'")
    module = runtime(tmp_path)
    capi = Path(module.__file__ or "").parent / "capi"
    (capi / "libonnxruntime_providers_tensorrt.so").write_bytes(b"\x7fELF")
    trouble = nvidia.trouble(module, device="tensorrt")
    assert trouble is not None
    assert trouble.what == "the TensorRT libraries libnvinfer.so.10 are missing"
    assert "LD_LIBRARY_PATH" in trouble.remedy


def test_libraries_in_nvidias_python_packages_are_not_missing(programs: Path, tmp_path: Path) -> None:
    smi(programs, "NVIDIA H200, 580.65.06")
    program(programs, "ldd", LDD)
    module = runtime(tmp_path)
    for folder, library in (("cu13", "libcublasLt.so.13"), ("cudnn", "libcudnn.so.9")):
        place = tmp_path / "site-packages" / "nvidia" / folder / "lib"
        place.mkdir(parents=True)
        (place / library).touch()
    assert nvidia.trouble(module) is None


def test_a_library_that_has_all_it_needs_misses_none(tmp_path: Path) -> None:
    capi = Path(onnxruntime.__file__).parent / "capi"
    (library,) = [path.name for path in capi.glob("onnxruntime_pybind11_state*.so")]
    assert nvidia.missing_libraries(capi, library) == []
    assert nvidia.missing_libraries(tmp_path, library) == []


PRELOAD = """
import sys, warnings
calls, elsewhere = [], []

def preload_dlls():
    calls.append(1)
    print("Failed to load", "libcublasLt.so.13")
    elsewhere.append(sys.stdout)
    warnings.warn("Failed to register bundled CUDA plugin EP from here: it lacks much")
    raise RuntimeError("no such folder")
"""
"""As onnxruntime-gpu's: a function that prints and warns."""


def test_what_preloading_prints_stays_out_of_stdout(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    module = runtime(tmp_path)
    exec(PRELOAD, vars(module))
    with caplog.at_level("DEBUG", "rembolt"), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        nvidia.preload(module)
        nvidia.preload(module)
    assert module.calls == [1], "once a process"
    assert module.elsewhere == [sys.stdout], "other threads may print meanwhile"
    assert capfd.readouterr().out == ""
    assert warned == []
    assert "CUDA's libraries: Failed to load libcublasLt.so.13" in caplog.text
    assert "CUDA's libraries: no such folder" in caplog.text
    assert "print" not in vars(module)
