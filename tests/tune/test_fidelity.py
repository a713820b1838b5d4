"""Masks of two sessions are told apart, and ways that give others are not chosen."""

from __future__ import annotations

import numpy as np
import pytest
from segmenters.int8_weights import put, quantised

from rembolt.engine.processor import this_processor
from rembolt.models.catalogue import find_model
from rembolt.models.store import weights
from rembolt.tune import run, ways
from rembolt.tune.fidelity import LIMIT, answers, difference, tensors

SPEC = find_model("bolt")


def own() -> ways.Way:
    return ways.ways(SPEC, weights(SPEC)[0], this_processor())[0]


def test_a_session_agrees_with_itself_and_not_with_the_opposite():
    photos = tensors(SPEC)
    given = answers(own().open(1), photos)
    assert {one.shape for one in photos} == {(1, 3, SPEC.input_size[1], SPEC.input_size[0])}
    assert difference(given, given) == 0
    assert difference(given, [1 - one for one in given]) > LIMIT


def test_classes_differ_by_their_share():
    one, other = np.zeros((4, 4), np.int64), np.eye(4, dtype=np.int64)
    assert difference([one, one], [other, one]) == pytest.approx(0.125)


def test_openvino_gives_the_same_masks():
    pytest.importorskip("openvino")
    tried = {way.name: way for way in ways.ways(SPEC, weights(SPEC)[0], this_processor())}
    photos = tensors(SPEC)
    theirs = answers(tried["fp32 in openvino"].open(), photos)
    assert difference(answers(own().open(), photos), theirs) < 0.001


def test_a_way_whose_masks_are_others_is_never_chosen(monkeypatch):
    """However fast it is: here it answers at once, with an empty mask."""

    class Empty:
        spec = SPEC

        def predict(self, photo):
            return np.zeros((1, 8, 8), np.float32)

        def outputs(self, photo):
            return [self.predict(photo)]

    kept = ways.Way.open
    broken = ways.Way(SPEC, weights(SPEC)[0], "openvino", "bf16")
    monkeypatch.setattr(run, "ways", lambda *_: [own(), broken])
    monkeypatch.setattr(
        ways.Way, "open", lambda way, threads=None: Empty() if way.precision == "bf16" else kept(way, threads)
    )
    monkeypatch.setattr(
        run, "answers", lambda session, photos: [np.full((8, 8), float(isinstance(session, Empty)))]
    )
    tuned = run.tune(SPEC, weights(SPEC)[0], 1, lambda *_: None)
    assert (tuned.choice.runtime, tuned.choice.precision) == (None, None)
    (row,) = [row for row in tuned.choice.measured if row["name"] == "bf16 in openvino"]
    assert row["difference"] == 1
    assert row["reason"] == "its masks are too different"


def test_int8_is_tried_when_its_report_is_good(tmp_path):
    content = quantised(tmp_path)
    put(content, good=False)
    assert "int8 in onnxruntime" not in names()
    put(content, forced=True)
    assert "int8 in onnxruntime" not in names()
    put(content)
    assert "int8 in onnxruntime" in names()
    tuned = run.tune(SPEC, weights(SPEC)[0], 1, lambda *_: None)
    (row,) = [row for row in tuned.choice.measured if row["name"] == "int8 in onnxruntime"]
    assert row["milliseconds"] > 0
    assert row["chosen"] == (tuned.choice == tuned.choice._replace(precision="int8", runtime=None))


def names() -> list[str]:
    return [way.name for way in ways.ways(SPEC, weights(SPEC)[0], this_processor())]


def test_bf16_is_tried_where_the_processor_has_it(monkeypatch, usual_precision):
    monkeypatch.setattr(ways, "installed", lambda: True)
    with_it = this_processor()._replace(features=frozenset({"avx512_bf16"}))
    path = weights(SPEC)[0]
    assert "bf16 in openvino" in [way.name for way in ways.ways(SPEC, path, with_it)]
    without = with_it._replace(features=frozenset())
    assert "bf16 in openvino" not in [way.name for way in ways.ways(SPEC, path, without)]
    monkeypatch.setattr(ways, "installed", lambda: False)
    came = ["int8 in onnxruntime"] if usual_precision == "int8" else []
    assert [way.name for way in ways.ways(SPEC, path, with_it)] == ["fp32 in onnxruntime", *came]


def test_what_is_too_slow_for_the_time_is_said(monkeypatch):
    monkeypatch.setattr(run, "seconds_of", lambda call: 30.0)
    tuned = run.tune(SPEC, weights(SPEC)[0], 2, lambda *_: None)
    assert tuned.choice.workers is None
    (remark,) = tuned.remarks
    assert "many photos at a time were not measured" in remark


def test_threads_of_the_environment_are_not_measured_over(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    tuned = run.tune(SPEC, weights(SPEC)[0], 1, lambda *_: None)
    assert (tuned.choice.threads, tuned.choice.workers) == (None, None)
    assert {row["what"] for row in tuned.choice.measured} == {"way"}
    (remark,) = tuned.remarks
    assert "OMP_NUM_THREADS asks for 1 threads" in remark
