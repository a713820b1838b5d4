"""`download`, `models` and `doctor`."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import networks
import onnxruntime
import pytest
from cli.rembolt_command import assert_refused, files_in, packages_without, process, process_without_site
from engine.programs import first_on_path, needs_a_shell, smi

from rembolt import __version__
from rembolt.models.catalogue import MODELS

# --- download


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A server that has one model, under the name of a real one; gives what was asked of it."""
    networks.saliency(tmp_path / "mirror" / "u2netp.onnx")
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            asked.append(self.path)

    handler = functools.partial(Handler, directory=tmp_path / "mirror")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("REMBOLT_MODEL_BASE_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("MODEL_CHECKSUM_DISABLED", "1")  # it is not the real one
        monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "home"))
        yield asked
        server.shutdown()


@pytest.mark.parametrize("command", ["download", "d"])
def test_download_fetches_once(run, mirror, tmp_path, command):
    path = tmp_path / "home" / "models" / "u2netp" / "u2netp.onnx"
    done = run(command, "u2netp")
    assert done.code == 0
    assert done.out.decode() == f"u2netp: {path}\n"
    assert path.read_bytes() == (tmp_path / "mirror" / "u2netp.onnx").read_bytes()
    assert run(command, "u2netp", "-q").out == b""
    assert mirror == ["/u2netp.onnx"]


def test_remove_downloads_what_it_needs(run, mirror, photo):
    done = run("remove", photo, "out.png", "-m", "u2netp", "--json")
    assert done.report["model"] == "u2netp"
    assert mirror == ["/u2netp.onnx"]


def test_a_photo_that_is_not_there_costs_no_download(run, mirror, folder):
    assert run("remove", "nothing.jpg", "out.png", "-m", "u2netp").code == 3
    assert mirror == []


def test_one_model_that_fails_does_not_stop_the_others(run, monkeypatch):
    monkeypatch.setenv("REMBOLT_OFFLINE", "1")
    done = run("download")
    assert done.code == 1
    assert [line.split(":")[0] for line in done.out.decode().splitlines()] == ["bolt"]
    failed = [line.split(": ")[1] for line in done.err.splitlines()]
    assert "u2netp" in failed
    assert failed[-1].startswith("vitmatte"), "the last of the list was tried too"


def test_download_says_where_the_embedded_model_is(run):
    done = run("download", "bolt")
    assert done.code == 0
    assert Path(done.out.decode().removeprefix("bolt: ").rstrip("\n")).is_file()


def test_download_of_a_wrong_name_fetches_nothing(run, mirror):
    assert_refused(run("download", "u2netp", "u2ne"), 4, "'u2ne'", "did you mean 'u2net'?")
    assert mirror == []


@pytest.mark.parametrize("name", ["u2net_custom", "withoutbg"])
def test_some_models_have_nothing_to_download(run, name):
    assert_refused(run("download", name), 2, name)


def test_download_obeys_offline(run, mirror, monkeypatch):
    monkeypatch.setenv("REMBOLT_OFFLINE", "1")
    assert_refused(run("download", "u2netp"), 4, "u2netp")
    assert mirror == []


# --- models


def test_models_lists_every_model(run):
    done = run("models")
    assert done.code == 0
    head, *lines = done.out.decode().splitlines()
    assert head.split() == ["model", "MB", "licence", "weights", "what", "it", "is"]
    assert [line.split()[0] for line in lines] == list(MODELS)


def test_models_tells_licence_and_whereabouts(run, monkeypatch, tmp_path):
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path))
    path = networks.saliency(tmp_path / "models" / "u2netp" / "u2netp.onnx")
    lines = {line.split()[0]: line for line in run("models").out.decode().splitlines()}
    assert str(path) in lines["u2netp"]
    assert "not downloaded" in lines["u2net"]
    assert "not for commercial use" in lines["bria-rmbg"]
    assert "not offered" in lines["withoutbg"]
    assert "your own" in lines["dis_custom"]


def test_models_as_json(run, monkeypatch, tmp_path):
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path))
    path = networks.saliency(tmp_path / "models" / "u2netp" / "u2netp.onnx")
    rows = {row["name"]: row for row in run("models", "--json").report}
    assert list(rows) == list(MODELS)
    assert rows["u2netp"] == {
        "name": "u2netp",
        "title": MODELS["u2netp"].title,
        "family": "saliency",
        "bytes": path.stat().st_size,
        "licence": "Apache-2.0",
        "commercial": True,
        "state": str(path),
        "path": str(path),
    }
    assert rows["u2net"]["path"] is None
    assert not rows["bria-rmbg"]["commercial"]


# --- doctor


@pytest.fixture
def no_gpu(tmp_path, monkeypatch):
    """A machine without NVIDIA's GPUs, whatever is in the one that runs the tests."""
    first_on_path(monkeypatch, tmp_path / "no-gpu")
    smi(tmp_path / "no-gpu")


def test_doctor_says_all_is_well(run, no_gpu):
    done = run("doctor")
    assert done.code == 0
    assert f"rembolt {__version__}, Python" in done.out.decode()
    assert "device    cpu: ran bolt in" in done.out.decode()
    assert done.out.decode().endswith("All well.\n")


def test_doctor_as_json(run, no_gpu):
    done = run("doctor", "--json")
    assert done.code == 0
    assert done.report.keys() == {
        "rembolt",
        "python",
        "system",
        "runtimes",
        "plugins",
        "nvidia",
        "devices",
        "cores",
        "threads",
        "memory",
        "extras",
        "telemetry",
        "weights",
        "profile",
        "problems",
        "advice",
    }
    (cpu,) = [device for device in done.report["devices"] if device["device"] == "cpu"]
    assert cpu["works"]
    assert cpu["seconds"] > 0
    assert done.report["problems"] == []
    assert done.report["extras"].keys() == {"matting", "heif", "fp16"}
    assert Path(done.report["weights"]["bolt"]).is_file()
    assert done.report["telemetry"]["onnxruntime"] == "off"
    assert done.report["advice"] == []


def package(folder: Path, name: str, version: str) -> None:
    """What an installed package leaves of itself, so that it is found by name."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_doctor_lists_plug_ins_and_telemetry(run, tmp_path, monkeypatch):
    package(tmp_path / "packages", "onnxruntime-ep-abacus", "1.2.3")
    package(tmp_path / "packages", "openvino-telemetry", "9.9")
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    report = run("doctor", "--json").report
    assert {
        "package": "onnxruntime-ep-abacus",
        "version": "1.2.3",
        "device": None,
        "state": "not used: rembolt has no device for it",
    } in report["plugins"]
    assert report["telemetry"]["onnxruntime"].startswith("on")
    assert report["telemetry"]["openvino-telemetry"].startswith("off")
    assert "plug-in   onnxruntime-ep-abacus 1.2.3: not used" in run("doctor").out.decode()


@needs_a_shell
def test_doctor_sees_a_gpu_that_the_runtime_cannot_use(run, tmp_path, monkeypatch):
    first_on_path(monkeypatch, tmp_path / "programs")
    smi(tmp_path / "programs", "NVIDIA H200, 580.65.06")
    report = run("doctor", "--json").report
    assert report["nvidia"] == {
        "cuda": None,
        "gpus": [{"name": "NVIDIA H200", "driver": "580.65.06"}],
        "reason": "",
    }
    (sentence,) = report["advice"]
    assert sentence.startswith("There is a NVIDIA H200, but the installed runtime cannot use it: ")
    assert sentence.endswith('install "rembolt[gpu]".')
    done = run("doctor")
    assert done.code == 0, "the CPU works"
    assert "gpu       NVIDIA H200, driver 580.65.06\n" in done.out.decode()
    assert f"ADVICE    {sentence}\n" in done.out.decode()
    assert "All well" not in done.out.decode()


@needs_a_shell
@pytest.mark.parametrize(
    ("rows", "what", "remedy"),
    [
        ([], "nvidia-smi finds no GPU", "install NVIDIA's driver"),
        (["NVIDIA H200, 570.86.15"], "driver 570.86.15 is too old for CUDA 13", "to 580 or newer."),
    ],
)
def test_doctor_says_why_cuda_does_not_start(run, tmp_path, monkeypatch, rows, what, remedy):
    monkeypatch.setattr(onnxruntime, "cuda_version", "13.0")  # as in onnxruntime-gpu
    first_on_path(monkeypatch, tmp_path / "programs")
    smi(tmp_path / "programs", *rows)
    report = run("doctor", "--json").report
    assert report["nvidia"]["cuda"] == 13
    (sentence,) = report["advice"]
    assert sentence.startswith("The installed runtime is made for CUDA 13, but ")
    assert what in sentence
    assert remedy in sentence


def test_doctor_without_a_runtime(tmp_path):
    bare = packages_without(tmp_path / "packages", "onnxruntime")
    done = process_without_site("doctor", env=bare)
    assert done.code == 5
    assert done.err == ""
    assert "PROBLEM   ONNX Runtime is not installed" in done.out.decode()
    assert 'pip install "rembolt[cpu]"' in done.out.decode()
    report = json.loads(process_without_site("doctor", "--json", env=bare).out)
    assert report["runtimes"] == {}
    assert len(report["problems"]) == 1


def test_doctor_finds_two_runtimes_that_clash(tmp_path):
    both = packages_without(tmp_path / "packages", "no such package")
    second = tmp_path / "packages" / "onnxruntime_gpu-1.23.0.dist-info"
    second.mkdir()
    (second / "METADATA").write_text("Metadata-Version: 2.1\nName: onnxruntime-gpu\nVersion: 1.23.0\n")
    done = process_without_site("doctor", env=both)
    assert done.code == 5
    assert "PROBLEM   onnxruntime and onnxruntime-gpu" in done.out.decode()
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in done.out.decode()


def test_doctor_tells_which_extras_are_missing(tmp_path):
    bare = packages_without(tmp_path / "packages", "pymatting", "pillow_heif")
    done = process_without_site("doctor", "--json", env=bare)
    assert done.code == 0  # extras are a choice, not a problem
    assert (done.report["extras"]["matting"], done.report["extras"]["heif"]) == (False, False)


def test_other_commands_leave_nothing_behind(folder):
    for command in (["models"], ["doctor"], ["download", "bolt"]):
        assert process(*command, cwd=folder).code == 0
    assert files_in(folder) == set()
