"""`rembolt tune` for real: what it keeps, who uses it, when it is not used."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from cli.rembolt_command import assert_refused, command_line, process

from rembolt import profile
from rembolt.engine.machine import machine


@pytest.fixture(autouse=True)
def _config(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("REMBOLT_CONFIG", str(tmp_path / "config"))
    profile._warn.cache_clear()


@pytest.fixture
def kept(tmp_path) -> Path:
    """A profile of `bolt` in which everything is as it is by default."""
    from rembolt.models.catalogue import find_model
    from rembolt.models.store import weights

    choice = profile.Choice("bolt", date="2026-11-21T12:00:00+00:00")
    return profile.keep({weights(find_model("bolt"))[0]: choice})


def edit(path: Path, *, machine: dict[str, Any] | None = None, **choice: object) -> None:
    content = json.loads(path.read_bytes())
    content["machine"].update(machine or {})
    for entry in content["models"].values():
        entry.update(choice)
    path.write_text(json.dumps(content))


def test_a_tuning_is_kept_and_used(photo, tmp_path):
    done = process("tune", "--seconds", 3, "--json")
    assert done.code == 0, done.err
    path = tmp_path / "config" / "profile.json"
    assert done.report["profile"] == str(path)
    assert done.report["machine"] == json.loads(path.read_bytes())["machine"]
    (model,) = done.report["models"]
    assert model["model"] == "bolt"
    for what in ("way", "threads", "photos at a time"):
        rows = [row for row in model["measured"] if row["what"] == what]
        assert len([row for row in rows if row["chosen"]]) == 1
        assert all(row["milliseconds"] > 0 for row in rows if not row["reason"])
        assert f"rembolt: measuring bolt: {what}" in done.err or what == "way"

    used = process("remove", photo, "out.png", "--json", "-v")
    assert used.code == 0
    assert f"bolt runs as the profile of {model['date']} says" in used.err
    assert used.report["precision"] == (model["precision"] or "fp32")
    assert used.report["runtime"] == (model["runtime"] or "onnxruntime")


def test_the_table_names_what_was_measured_and_where_it_is_kept(run, tmp_path):
    done = run("tune", "bolt", "--seconds", 1)
    assert done.code == 0
    text = done.out.decode()
    for words in ("fp32 in onnxruntime", "threads for one photo", "chosen", "bolt: in ", "every command"):
        assert words in text
    assert str(tmp_path / "config" / "profile.json") in text


def test_quiet_says_nothing(run, kept):
    done = run("tune", "--seconds", 1, "-q")
    assert (done.code, done.out, done.err) == (0, b"", "")


def test_everyone_uses_it(run, photo, kept):
    pytest.importorskip("openvino")
    edit(kept, runtime="openvino", workers=3, worker_threads=1)
    assert run("remove", photo, "out.png", "--json").report["runtime"] == "openvino"
    exactly = run("remove", photo, "exact.png", "--json", "--exact")
    assert exactly.report["runtime"] == "onnxruntime"
    assert run("batch", photo, "done", "--json").report["workers"] == 3
    assert run("batch", photo, "two", "--json", "--workers", 2).report["workers"] == 2
    assert run("batch", photo, "rembgs", "--json", "--exact").report["workers"] != 3


def test_a_stale_one_is_said_in_one_sentence_and_not_used(photo, kept):
    edit(kept, machine={"processor": "Abacus 3"}, workers=3, worker_threads=1)
    done = process("batch", photo, "done", "--json")
    assert done.code == 0
    assert done.report["workers"] != 3
    lines = [line for line in done.err.splitlines() if "profile" in line]
    assert lines == [
        "rembolt: the profile was measured with the processor Abacus 3, not the processor "
        f"{machine()['processor']}, so it is not used; run rembolt tune again."
    ]


def test_a_damaged_one_is_said_and_the_photo_is_cut_out(photo, kept):
    kept.write_bytes(b'{"version": 1')
    done = process("remove", photo, "out.png", "--json")
    assert done.code == 0
    assert done.err.count("is damaged and not used") == 1


def test_doctor_shows_it(run, kept):
    edit(kept, threads=1, workers=3, worker_threads=1)
    shown = run("doctor", "--json").report["profile"]
    assert shown["path"] == str(kept)
    assert shown["used"]
    assert shown["models"] == {
        "bolt": "in its own precision by onnxruntime with 1 thread, and of many photos 3 photos at a time "
        "with 1 thread each."
    }
    kept.unlink()
    assert b"nothing was measured here; rembolt tune does it." in run("doctor").out


def test_forgetting(run, kept):
    done = run("tune", "--forget", "--json")
    assert done.report == {"forgotten": str(kept)}
    assert not kept.exists()
    done = run("tune", "--forget")
    assert (done.code, done.out) == (0, b"there is no profile.\n")


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent in another way there")
def test_ctrl_c_leaves_the_old_profile(kept, tmp_path):
    before = kept.read_bytes()
    child = subprocess.Popen(
        command_line("tune", "--seconds", 10), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    said = []
    for line in child.stderr:
        said.append(line)
        if "threads" in line:
            break
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    out, rest = child.communicate(timeout=60)
    assert child.returncode == 130, "".join(said) + rest
    assert out == ""
    assert rest.splitlines()[-1] == "rembolt: interrupted, nothing half-written."
    assert "Traceback" not in rest
    assert kept.read_bytes() == before
    assert {entry.name for entry in kept.parent.iterdir()} == {"profile.json"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nonsense"], 4, ["no model 'nonsense'"]),
        (["sam"], 2, ["sam", "tune cannot measure"]),
        (["vitmatte-small-distinctions-646"], 2, ["refines the mask of another model"]),
        (["missing.onnx"], 4, ["missing.onnx"]),
        (["u2net", "--offline"], 4, ["u2net", "downloading is switched off"]),
        (["--seconds", "0"], 2, ["--seconds"]),
        (["--seconds", "many"], 2, ["--seconds"]),
        (["--seconds", "nan"], 2, ["seconds"]),
        (["--forget", "bolt"], 2, ["--forget measures nothing"]),
        (["--forget", "--seconds", "5"], 2, ["--forget measures nothing"]),
    ],
    ids=str,
)
def test_wrong_usage(run, folder, arguments, code, words):
    assert_refused(run("tune", *arguments), code, *words)
    assert not profile.place().exists()


def test_a_place_that_cannot_be_written_is_told_before_the_work(run, folder, monkeypatch):
    (folder / "file").write_bytes(b"")
    monkeypatch.setenv("REMBOLT_CONFIG", str(folder / "file"))
    assert_refused(run("tune", "--seconds", 60), 1, "profile.json")


def test_an_own_network_that_is_none(run, folder):
    (folder / "own.onnx").write_bytes(b"nothing")
    (folder / "own.json").write_text(
        '{"input_size": 320, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "head": "minmax", '
        '"brightness": "photo-maximum"}'
    )
    assert_refused(run("tune", "own.onnx", "-q"), 4, "own.onnx")
    assert not profile.place().exists()
