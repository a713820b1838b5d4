"""Sessions that stay loaded in other processes."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from rembolt.bench import plan, weights
from rembolt.bench.candidates import Candidate, baseline, line_up, needed
from rembolt.bench.children import ChildFailedError
from rembolt.bench.photos import jpeg, photo
from rembolt.bench.warm import opened
from rembolt.errors import MissingExtraError, UnknownModelError, UsageError, WeightsUnavailableError
from rembolt.models import variants
from rembolt.models.catalogue import find_model
from rembolt.models.store import where

BOLT = Candidate("rembolt bolt", "rembolt", "bolt", {"threads": 1})


@pytest.fixture
def home(tmp_path: Path) -> weights.Home:
    return weights.Home(tmp_path)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.jpg"
    path.write_bytes(jpeg(photo(96, 64)))
    return path


def test_a_job_is_timed_with_its_stages(home: weights.Home, small: Path) -> None:
    with opened([BOLT], home) as sessions:
        assert sessions.devices == {"rembolt bolt": "cpu"}
        job = sessions.runs["rembolt bolt"](small)
        again = sessions.runs["rembolt bolt"](small)
    assert 0 < sum(job.stages.values()) <= job.total
    assert job.stages["infer"] > 0
    assert job.size == again.size > 0


def test_a_candidate_that_cannot_be_loaded_is_told_and_the_others_run(
    home: weights.Home, small: Path
) -> None:
    lost = Candidate("lost", "rembolt", "u2net")
    with opened([lost, BOLT], home) as sessions:
        assert "not on this machine" in sessions.refused["lost"]
        assert list(sessions.runs) == ["rembolt bolt"]
        assert sessions.runs["rembolt bolt"](small).total > 0


def test_a_photo_that_cannot_be_cut_out_is_told_and_the_process_lives(
    home: weights.Home, small: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    with opened([BOLT], home) as sessions:
        with pytest.raises(ChildFailedError, match="rembolt bolt failed: UnreadableImageError"):
            sessions.runs["rembolt bolt"](broken)
        assert sessions.runs["rembolt bolt"](small).total > 0


def test_a_process_that_dies_is_told(home: weights.Home, small: Path) -> None:
    with opened([BOLT], home) as sessions:
        warm = sessions.runs["rembolt bolt"].func.__self__
        os.kill(warm._process.pid, 9)
        warm._process.wait()
        with pytest.raises(ChildFailedError, match="the process that ran rembolt bolt ended"):
            sessions.runs["rembolt bolt"](small)


def test_the_processes_are_gone_afterwards(home: weights.Home) -> None:
    with opened([BOLT], home) as sessions:
        process = sessions.runs["rembolt bolt"].func.__self__._process
        assert process.poll() is None
    assert process.poll() is not None


def test_what_a_job_measures_is_bytes_in_to_png_out(small: Path) -> None:
    from rembolt.bench import worker

    _, cut = worker._open(BOLT.order())
    data, stages = cut(small.read_bytes())
    with Image.open(BytesIO(data)) as made:
        assert (made.format, made.mode, made.size) == ("PNG", "RGBA", (96, 64))
    assert {"decode", "infer", "encode"} <= set(stages)


def test_rembg_runs_the_same_weights(tmp_path: Path, small: Path) -> None:
    pytest.importorskip("rembg")
    pytest.importorskip("onnx")
    home = weights.furnish(tmp_path, ["u2netp"])
    assert home.random == {"u2netp"}
    assert home.label("u2netp") == "u2netp *"
    assert "rembolt download u2netp" in str(home.footnote())
    exact = Candidate("exact", "rembolt", "u2netp", {"exact": True, "device": "cpu"})
    with opened([exact, Candidate("rembg u2netp", "rembg", "u2netp", {"device": "cpu"})], home) as sessions:
        assert sessions.refused == {}
        assert sessions.devices == {"exact": "cpu", "rembg u2netp": "cpu"}
        jobs = {name: run(small) for name, run in sessions.runs.items()}
    assert all(job.total > 0 for job in jobs.values())
    assert jobs["rembg u2netp"].stages == {}


def test_weights_at_hand_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "u2netp.onnx").write_bytes(b"weights")
    monkeypatch.setenv("U2NET_HOME", str(store))
    home = weights.furnish(tmp_path / "bench", ["bolt", "u2netp"])
    assert home.random == frozenset()
    assert home.footnote() is None
    assert home.path("u2netp").read_bytes() == b"weights"
    assert home.path("bolt").is_file()


def test_models_that_cannot_be_compared_are_refused() -> None:
    weights.check(["bolt", "u2net", "u2netp", "silueta"])
    with pytest.raises(UnknownModelError, match="u2nep"):
        weights.check(["u2nep"])
    with pytest.raises(UsageError, match="cut out a photo by their name alone"):
        weights.check(["u2net_custom"])
    with pytest.raises(UsageError, match="sam"):
        weights.check(["sam"])
    with pytest.raises(WeightsUnavailableError, match="rembolt download isnet-general-use"):
        weights.check(["isnet-general-use"])


def test_random_weights_need_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"rembolt\[bench\]"):
        weights.furnish(tmp_path, ["u2netp"])


REFINED = "--refine fast"


def test_everyone_is_measured_by_rembg_with_the_same_weights() -> None:
    everyone = line_up(["bolt", "u2netp", "silueta"], "rembg")
    beside = {one.name: baseline(everyone, one) for one in everyone}
    assert {name: other.name for name, other in beside.items() if other} == {
        "rembolt bolt": "rembg u2netp",
        f"rembolt bolt {REFINED}": "rembg u2netp",
        "rembolt u2netp": "rembg u2netp",
        f"rembolt u2netp {REFINED}": "rembg u2netp",
        "rembolt silueta": "rembg silueta",
        f"rembolt silueta {REFINED}": "rembg silueta",
        "rembolt u2netp --exact": "rembg u2netp",
        "rembolt silueta --exact": "rembg silueta",
        "rembg u2netp": "rembg u2netp",
        "rembg silueta": "rembg silueta",
    }
    alone = line_up(["bolt"], None)
    assert [one.name for one in alone] == ["rembolt bolt", f"rembolt bolt {REFINED}"]
    assert baseline(alone, alone[0]) is None
    assert needed(["bolt"], "rembg") == ["bolt", "u2netp"]


def test_weights_in_int8_are_measured_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usual_precision: str
) -> None:
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "home"))
    source = where(find_model("bolt")).path
    assert source is not None
    came = {"precision": "int8"} in weights.furnish(tmp_path / "none", ["bolt"]).ways["bolt"]
    assert came == (usual_precision == "int8")
    assert not (tmp_path / "none" / "rembolt").exists(), "what is in the package is not copied"
    variant = variants.place(source, "int8")
    variant.parent.mkdir(parents=True)
    variant.write_bytes(b"weights")
    variant.with_suffix(".json").write_text('{"good": true}')
    home = weights.furnish(tmp_path / "bench", ["bolt"])
    assert {"precision": "int8"} in home.ways["bolt"]
    lent = tmp_path / "bench" / "rembolt" / variant.relative_to(tmp_path / "home")
    assert lent.read_bytes() == b"weights"
    assert lent.with_suffix(".json").is_file()
    everyone = line_up(["bolt"], None, {"bolt": [{"precision": "int8", "device": "openvino"}]})
    names = [one.name for one in everyone]
    assert names == [
        "rembolt bolt",
        f"rembolt bolt {REFINED}",
        "rembolt bolt --precision int8 --device openvino",
    ]
    assert everyone[0].flags() == ["-m", "bolt", "--precision", "fp32"]
    assert everyone[1].flags() == ["-m", "bolt", "--precision", "fp32", *REFINED.split()]
    assert everyone[2].flags() == ["-m", "bolt", "--precision", "int8", "--device", "openvino"]


def test_a_photo_lying_on_its_side_counts_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(96, 64).save(tmp_path / "side.jpg", exif=exif)
    (tmp_path / "bench").mkdir()
    taken = plan.taken(tmp_path / "bench", tmp_path / "side.jpg")
    assert (taken.label, taken.width, taken.height) == ("64x96", 64, 96)
    assert taken.path.read_bytes() == (tmp_path / "side.jpg").read_bytes()
