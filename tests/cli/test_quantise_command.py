"""`rembolt quantise` for real: what it prints, keeps and refuses, and who uses what it made."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest
from cli.rembolt_command import assert_refused, command_line, packages_without, process, process_without_site
from PIL import Image
from quantise.small_networks import own_model, photos

from rembolt import Remover
from rembolt.cli.main import COMMANDS
from rembolt.quantise.calibration import METHODS


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    return photos(folder / "in", 9, masks=folder / "masks")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REMBOLT_OFFLINE", "1")
    return tmp_path / "home"


@pytest.fixture
def mine(folder) -> Path:
    return own_model(folder)


def kept(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "variants").rglob("*") if path.is_file())


def test_an_own_network_from_the_shell(mine, pictures, home):
    """Made by path, found by path."""
    image = next(pictures.glob("*.jpg"))
    done = process("remove", image, "out.png", "-m", "mine.onnx", "--precision", "int8")
    assert_refused(done, 5, "no int8 weights here", "rembolt quantise")

    done = process("quantise", "mine.onnx", "--photos", pictures, "--calibration", "min-max")
    assert done.code == 0, done.err
    first, *lines = done.out.decode().splitlines()
    assert first.startswith(f"mine.onnx in int8: {home}")
    text = "\n".join(lines)
    for words in (
        "on average (limit 1.50%)",
        "on 3 photos not calibrated on",
        "worst: ",
        "MB instead of",
        "ms instead of",
    ):
        assert words in text
    assert "ranges by min-max: the masks change by" in done.err
    assert kept(home) == ["int8.json", "int8.onnx"]

    used = process("remove", image, "out.png", "-m", "mine.onnx", "--precision", "int8", "--json")
    assert used.code == 0, used.err
    assert used.report["precision"] == "int8"
    own = process("remove", image, "own.png", "-m", "mine.onnx", "--precision", "fp32", "--json")
    assert own.report["precision"] == "fp32"
    alphas = [np.asarray(Image.open(name))[..., 3].astype(int) for name in ("out.png", "own.png")]
    assert np.abs(alphas[0] - alphas[1]).mean() < 0.015 * 255

    again = process("quantize", "mine.onnx", "--photos", pictures, "--calibration", "min-max", "--json")
    assert again.code == 0
    assert again.err == "rembolt: mine.onnx is there in int8 already, made from the same photos.\n"
    assert again.report["path"] == first.partition(": ")[2]


def test_json_and_masks_and_the_report(run, mine, pictures, tmp_path):
    masks = pictures.parent / "masks"
    arguments = [
        "--masks",
        masks,
        "--report",
        tmp_path / "r.json",
        "--calibration",
        "percentile",
        "--count",
        8,
    ]
    done = run("quantise", mine, "--photos", pictures, *arguments, "--json")
    assert done.code == 0
    report = done.report
    assert report == {**json.loads((tmp_path / "r.json").read_bytes()), "path": report["path"]}
    assert report["calibration"]["photos"] + report["difference"]["photos"] == 8
    assert report["accuracy"]["after"]["max_f"] > 0.9
    assert sorted(path.name for path in tmp_path.glob("r-worst-*.png")) == ["r-worst-1.png", "r-worst-2.png"]


def test_quiet_says_nothing(run, mine, pictures):
    done = run("quantise", mine, "--photos", pictures, "--calibration", "min-max", "-q")
    assert (done.code, done.out, done.err) == (0, b"", "")


def test_photos_left_out_are_said(run, mine, pictures, tmp_path):
    folder = photos(tmp_path / "some", 9)
    (folder / "00.jpg").write_bytes(b"no photo")
    done = run("quantise", mine, "--photos", folder, "--calibration", "min-max")
    assert done.code == 0
    assert done.err.startswith(f"rembolt: left out: '{folder / '00.jpg'}' is not an image")


def test_past_the_limit_and_forced(run, mine, pictures, home):
    arguments = ["quantise", mine, "--photos", pictures, "--calibration", "min-max", "--limit", "0.0001"]
    done = run(*arguments, "-q", "--report", "report.json")
    assert_refused(done, 1, "0.0001 % is the limit", "--force", "nothing was kept")
    assert kept(home) == []
    assert json.loads(Path("report.json").read_bytes())["good"] is False
    done = run(*arguments, "--force", "--json")
    assert done.code == 0
    assert (done.report["good"], done.report["forced"]) == (False, True)
    used = process("remove", next(pictures.glob("*.jpg")), "out.png", "-m", mine, "--precision", "int8")
    assert used.code == 0
    assert used.err.count("further from its own than the limit allows") == 1


def test_half_precision(run, mine, pictures):
    done = run("quantise", mine, "--photos", pictures, "--to", "fp16")
    assert done.code == 0
    assert done.out.decode().startswith("mine.onnx in fp16: ")
    used = run("remove", next(pictures.glob("*.jpg")), "out.png", "-m", mine, "--precision", "fp16", "--json")
    assert used.report["precision"] == "fp16"


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent in another way there")
def test_ctrl_c_leaves_nothing_half_written(mine, pictures, home, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    child = subprocess.Popen(
        command_line("quantise", "bolt", "--photos", pictures),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = ""
    while "ranges by" not in said:  # the first of four calibrations is through, and many steps are to come
        line = child.stderr.readline()
        assert line, said
        said += line
    child.send_signal(signal.SIGINT)
    out, rest = child.communicate(timeout=120)
    assert child.returncode == 130, said + rest
    assert out == ""
    assert rest.splitlines()[-1] == "rembolt: interrupted, nothing half-written."
    assert "Traceback" not in rest
    assert kept(home) == []
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nonsense", "--photos", "."], 4, ["no model 'nonsense'"]),
        (["missing.onnx", "--photos", "."], 4, ["missing.onnx"]),
        (["u2net", "--photos", "."], 4, ["u2net", "downloading is switched off"]),
        (["sam", "--photos", "."], 2, ["sam cannot be quantised"]),
        (["vitmatte-small-distinctions-646", "--photos", "."], 2, ["cannot be quantised"]),
        (["withoutbg", "--photos", "."], 2, ["cannot be quantised"]),
        (["birefnet-general-fp16", "--photos", "."], 2, ["is in fp16 already"]),
        (["bolt"], 2, ["--photos"]),
        (["bolt", "--photos", "."], 2, ["holds 0 photos that can be read, and 8 are needed"]),
        (["bolt", "--photos", "none"], 2, ["none", "does not exist"]),
        (["bolt", "--photos", ".", "--masks", "none"], 2, ["none", "does not exist"]),
        (["bolt", "--photos", ".", "--to", "int4"], 2, ["int4"]),
        (["bolt", "--photos", ".", "--calibration", "guess"], 2, ["guess"]),
        (["bolt", "--photos", ".", "--count", "7"], 2, ["count must be at least 8"]),
        (["bolt", "--photos", ".", "--count", "many"], 2, ["many"]),
        (["bolt", "--photos", ".", "--limit", "0"], 2, ["limit is a percentage"]),
        (["bolt", "--photos", ".", "--limit", "nan"], 2, ["limit is a percentage"]),
        (["bolt", "--photos", ".", "--report", "none/report.json"], 1, ["none", "does not exist"]),
        (["bolt", "--photos", ".", "--report", "."], 2, ["directory"]),
        ([], 2, ["MODEL"]),
    ],
    ids=str,
)
def test_wrong_usage(run, folder, home, arguments, code, words):
    assert_refused(run("quantise", *arguments), code, *words)
    assert kept(home) == []


@pytest.mark.parametrize("content", [b"nothing", b"\x08\x08" * 100, "half"], ids=str)
def test_files_that_are_no_network(run, mine, pictures, home, content):
    mine.write_bytes(mine.read_bytes()[:900] if content == "half" else content)
    assert_refused(run("quantise", mine, "--photos", pictures), 4, "mine.onnx")
    assert kept(home) == []


def test_a_home_that_cannot_be_written(run, mine, pictures, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "file"))
    assert_refused(run("quantise", mine, "--photos", pictures), 1, "REMBOLT_HOME")


def test_without_onnx_the_extra_is_named(mine, pictures, tmp_path):
    without = packages_without(tmp_path / "packages", "onnx-", "onnx.", "onnx_", "onnxconverter")
    (tmp_path / "packages" / "onnx").unlink()
    done = process_without_site("quantise", "bolt", "--photos", pictures, env=without)
    assert_refused(done, 5, "rembolt[quantise]")


def test_the_calibrations_are_those_there_are():
    command = importlib.import_module(COMMANDS["quantise"].module).command
    (option,) = (one for one in command.params if one.name == "calibration")
    assert tuple(option.type.choices) == METHODS


@pytest.mark.timeout(900)
def test_u2netp_on_real_photos(shared, tmp_path, monkeypatch):
    """The network that plain 8 bits spoil (its large channel) stays within one percent."""
    archive = shared / "data" / "duts-train-00.tar"
    if not (archive.is_file() and (shared / "models" / "u2netp.onnx").is_file()):
        pytest.skip("u2netp.onnx or duts-train-00.tar is not in the shared folder")
    learned, others = tmp_path / "learned", tmp_path / "others"
    for place in (learned, others):
        place.mkdir()
    with tarfile.open(archive) as tar:
        pairs = [one for one in tar if one.name.lower().endswith((".jpg", ".jpeg"))][:18]
        for place, member in enumerate(pairs):
            target = (learned if place < 12 else others) / f"{place:02}.jpg"
            target.write_bytes(tar.extractfile(member).read())
    monkeypatch.setenv("U2NET_HOME", str(shared / "models"))
    monkeypatch.setenv("MODEL_CHECKSUM_DISABLED", "1")
    line = command_line(
        *("quantise", "u2netp", "--photos", learned, "--calibration", "min-max", "--count", 12, "--json")
    )
    done = subprocess.run(line, capture_output=True, timeout=800)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["difference"]["mean"] < 0.01
    assert report["layers"] - len(report["in_float"]) > report["layers"] / 2
    own, in_8_bits = (Remover("u2netp", precision=precision) for precision in ("fp32", "int8"))
    apart = [
        np.abs(in_8_bits.cutout(image).alpha.astype(int) - own.cutout(image).alpha).mean() / 255
        for image in sorted(others.glob("*.jpg"))
    ]
    assert len(apart) == 6
    assert np.mean(apart) < 0.01
