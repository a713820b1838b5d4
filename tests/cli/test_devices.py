"""`--device`: what runs where, what is said of it, and the refusal of what is not there."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import onnxruntime
import pytest
from cli.rembolt_command import assert_refused, files_in, packages_without, process, process_without_site
from engine.programs import first_on_path, needs_a_shell, smi
from PIL import Image

from rembolt.engine.device import DEVICES, available


@pytest.mark.parametrize("name", ["cuda", "tensorrt", "directml", "coreml", "migraphx"])
def test_a_device_that_is_not_there_is_refused_with_the_remedy(run, photo, folder, name):
    if name in available():
        pytest.skip(f"this machine's runtime has {name}")
    done = run("remove", photo, "out.png", "--device", name)
    assert_refused(done, 5, f"device '{name}' is not available", DEVICES[name].remedy, "or use device auto")
    assert files_in(folder) == {"cat.jpg"}


@needs_a_shell
def test_a_runtime_for_cuda_without_a_driver_says_so(run, photo, folder, tmp_path, monkeypatch):
    # What distinguishes onnxruntime-gpu's module, on a machine where its provider did not load.
    monkeypatch.setattr(onnxruntime, "cuda_version", "13.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    done = run("remove", photo, "out.png", "--device", "cuda")
    assert_refused(done, 5, "CUDA did not start: there is no nvidia-smi", "install NVIDIA's driver")
    first_on_path(monkeypatch, tmp_path / "programs")
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}:/usr/bin:/bin")
    smi(tmp_path / "programs", "NVIDIA H200, 570.86.15")
    done = run("remove", photo, "out.png", "--device", "cuda")
    assert_refused(done, 5, "driver 570.86.15 is too old for CUDA 13", "update the driver to 580 or newer")
    done = run("remove", photo, "out.png")
    assert done.code == 0, "auto goes on with the CPU"


def test_auto_says_what_it_chose_and_why(photo, folder):
    done = process("remove", photo, "out.png", "-v", "--json", cwd=folder)
    chosen = done.report["device"]
    assert f"device auto is {chosen}, " in done.err
    assert "device auto" not in process("remove", photo, "out.png", cwd=folder).err


def test_openvino_runs_through_its_plug_in(photo, folder, tmp_path):
    if find_spec("onnxruntime_ep_openvino") is None:
        pytest.skip("the OpenVINO plug-in is not installed")
    env = packages_without(tmp_path / "packages", "openvino")
    done = process_without_site(
        "remove", photo, "out.png", "--device", "openvino", "-v", "--json", env=env, cwd=folder
    )
    assert done.code == 0, done.err
    assert done.report["device"] == "openvino"
    assert "device openvino runs " in done.err
    with Image.open(folder / "out.png") as cutout:
        assert cutout.mode == "RGBA"
        assert cutout.getextrema()[3][1] == 255
    shown = process_without_site("doctor", "--json", env=env).report
    (row,) = [row for row in shown["plugins"] if row["package"] == "onnxruntime-ep-openvino"]
    assert (row["device"], row["state"]) == ("openvino", "runs device openvino")
    (device,) = [device for device in shown["devices"] if device["device"] == "openvino"]
    assert device["works"]
    assert device["runtime"] == "onnxruntime"
    assert device["operators"] > 0


def test_a_broken_plug_in_is_refused(photo, folder, tmp_path):
    env = packages_without(tmp_path / "packages", "openvino", "onnxruntime_ep_openvino")
    module = Path(tmp_path / "packages" / "onnxruntime_ep_openvino.py")
    module.write_text("def get_library_path():\n    raise FileNotFoundError('the library is gone')\n")
    done = process_without_site("remove", photo, "out.png", "--device", "openvino", env=env, cwd=folder)
    assert_refused(done, 5, "onnxruntime-ep-openvino cannot be loaded (the library is gone)", "install")
    assert files_in(folder) == {"cat.jpg"}
