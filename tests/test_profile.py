"""The profile's file: kept, found again by content, ignored aloud when it is stale or broken."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rembolt import pipeline, profile
from rembolt.engine.machine import machine
from rembolt.errors import OutputError
from rembolt.models import verified
from rembolt.pipeline import Crew, crew
from rembolt.profile import Choice

TUNED = Choice("bolt", "openvino", "bf16", 3, 4, 2, [{"what": "way"}], "2026-11-21T12:00:00+00:00")


@pytest.fixture(autouse=True)
def _nothing_said_yet(monkeypatch, tmp_path):
    monkeypatch.setenv("REMBOLT_CONFIG", str(tmp_path / "config"))
    profile._warn.cache_clear()


@pytest.fixture
def weights(tmp_path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"weights")
    return path


def edited(**changes: object) -> None:
    kept = json.loads(profile.place().read_bytes())
    profile.place().write_text(json.dumps({**kept, **changes}))


def test_where_it_is(monkeypatch, tmp_path):
    assert profile.place() == tmp_path / "config" / "profile.json"
    monkeypatch.delenv("REMBOLT_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert profile.place().name == "profile.json"
    assert profile.place().parent.name == "rembolt"


def test_nothing_is_known_without_one(weights):
    assert profile.choice_for(weights) is None
    state = profile.state()
    assert not state.used
    assert "rembolt tune" in state.remark


def test_what_is_kept_is_found_by_content(weights, tmp_path):
    path = profile.keep({weights: TUNED})
    assert path == profile.place()
    assert {entry.name for entry in path.parent.iterdir()} == {"profile.json"}
    assert profile.choice_for(weights) == TUNED
    copy = tmp_path / "elsewhere.onnx"
    copy.write_bytes(weights.read_bytes())
    assert profile.choice_for(copy) == TUNED
    copy.write_bytes(b"WEIGHTS")  # as long
    assert profile.choice_for(copy) is None
    copy.write_bytes(b"others")
    assert profile.choice_for(copy) is None
    assert profile.choice_for(tmp_path / "missing.onnx") is None


def test_weights_that_changed_are_no_longer_known(weights):
    profile.keep({weights: TUNED})
    weights.write_bytes(b"WEIGHTS")
    os.utime(weights, ns=(1, 1))
    assert profile.choice_for(weights) is None


def test_a_second_model_joins_the_first(weights, tmp_path):
    other = tmp_path / "other.onnx"
    other.write_bytes(b"other")
    profile.keep({weights: TUNED})
    profile.keep({other: Choice("other", date="2026-11-22")})
    assert profile.choice_for(weights) == TUNED
    assert profile.choice_for(other) == Choice("other", date="2026-11-22")
    assert [choice.model for choice in profile.state().choices] == ["bolt", "other"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("processor", "Other 1", "the processor Other 1, not "),
        ("features", ["mmx"], "processor features mmx, not "),
        ("cores", 1024, "1024 cores, not "),
        ("rembolt", "0.0.1", "rembolt 0.0.1, not rembolt "),
        ("onnxruntime", "onnxruntime 1.0", "onnxruntime 1.0, not onnxruntime"),
        ("openvino", "1999.1", "openvino 1999.1, not "),
    ],
)
def test_a_stale_one_is_ignored_and_said_once(weights, caplog, name, value, words):
    profile.keep({weights: TUNED})
    edited(machine={**machine(), name: value})
    with caplog.at_level(logging.WARNING, "rembolt"):
        assert profile.choice_for(weights) is None
        assert profile.choice_for(weights) is None
    (record,) = caplog.records
    assert record.getMessage().startswith(f"the profile was measured with {words}")
    assert record.getMessage().endswith("run rembolt tune again.")
    assert profile.state().remark == record.getMessage()
    profile.keep({weights: TUNED})  # begins anew
    assert profile.choice_for(weights) == TUNED


BROKEN = [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"version": 1}', b"[" * 100_000]


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_one_is_ignored_and_said(weights, caplog, content):
    profile.keep({weights: TUNED})
    profile.place().write_bytes(content)
    with caplog.at_level(logging.WARNING, "rembolt"):
        assert profile.choice_for(weights) is None
    assert "is damaged and not used; run rembolt tune again" in caplog.text


def test_one_of_another_version_is_ignored_and_said(weights, caplog):
    profile.keep({weights: TUNED})
    edited(version=2)
    with caplog.at_level(logging.WARNING, "rembolt"):
        assert profile.choice_for(weights) is None
    assert "is of another version of rembolt" in caplog.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["model", "runtime", "precision", "threads", "workers", "size", "date"]), value=JSON
)
def test_wild_values_are_never_passed_on(weights, name, value):
    profile.keep({weights: TUNED})
    kept = json.loads(profile.place().read_bytes())
    (entry,) = kept["models"].values()
    entry[name] = value
    profile.place().write_text(json.dumps(kept))
    choice = profile.choice_for(weights)
    if choice is not None:
        assert choice.runtime in (None, *profile.RUNTIMES)
        assert choice.precision in (None, *profile.PRECISIONS)
        for count in (choice.threads, choice.workers, choice.worker_threads):
            assert count is None or (type(count) is int and 1 <= count <= 1024)


def test_it_can_be_forgotten(weights):
    assert profile.forget() is None
    path = profile.keep({weights: TUNED})
    assert profile.forget() == path
    assert not path.exists()


def test_a_place_that_cannot_be_written(weights, monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("REMBOLT_CONFIG", str(tmp_path / "file"))
    with pytest.raises(OutputError):
        profile.keep({weights: TUNED})
    monkeypatch.setenv("REMBOLT_CONFIG", str(tmp_path))
    profile.place().mkdir()
    with pytest.raises(OutputError, match="cannot be removed"):
        profile.forget()


def test_a_place_that_is_no_place_has_none(weights, monkeypatch, tmp_path, caplog):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("REMBOLT_CONFIG", str(tmp_path / "file"))
    assert not profile.exists()
    assert profile.choice_for(weights) is None
    assert profile.forget() is None
    assert caplog.records == []


def test_weights_are_read_once_and_only_where_they_may_be_known(weights, monkeypatch, tmp_path):
    reads = []
    digest = verified.digest
    monkeypatch.setattr(verified, "digest", lambda *given: reads.append(given) or digest(*given))
    profile.keep({weights: TUNED})
    assert len(reads) == 1
    verified._content.cache_clear()  # as in another process
    assert profile.choice_for(weights) == TUNED
    assert len(reads) == 1
    longer = tmp_path / "longer.onnx"
    longer.write_bytes(b"longer weights")
    assert profile.choice_for(longer) is None
    assert len(reads) == 1


def test_a_crew_is_what_was_measured_unless_asked_otherwise(monkeypatch):
    monkeypatch.setattr(pipeline, "usable_cores", lambda: 8)
    assert crew(measured=TUNED) == Crew(4, 2)
    assert crew(2, measured=TUNED) == Crew(2, 4)
    assert crew(threads=1, measured=TUNED) == Crew(8, 1)
    assert crew(measured=Choice("bolt")) == Crew(8, 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert crew(measured=TUNED) == Crew(2, 4)


def test_in_words():
    assert TUNED.sentence == (
        "in bf16 by openvino with 3 threads, and of many photos 4 photos at a time with 2 threads each."
    )
    assert Choice("bolt").sentence == (
        "in its own precision by onnxruntime with the default threads, and of many photos the default number "
        "of photos at a time."
    )
