"""OpenVINO's sessions are shared by threads, each with its part of the cores, and not by processes."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rembolt import Remover
from rembolt.cores import usable_cores
from rembolt.engine import openvino_runtime, threads
from rembolt.engine.openvino_runtime import cpu_hints
from rembolt.engine.session import Placement, Session
from rembolt.errors import BrokenWeightsError
from rembolt.models.catalogue import find_model
from rembolt.segmenters.opening import clear_sessions

pytest.importorskip("openvino")

U2NETP = find_model("u2netp")
NATIVE = Placement(runtime="openvino")
SERIES = np.random.default_rng(0)


def feed() -> dict[str, np.ndarray]:
    return {"image": SERIES.normal(size=(1, 3, 320, 320)).astype(np.float32)}


def test_hints_for_one_photo_and_for_several(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (openvino_runtime, threads):
        monkeypatch.setattr(module, "usable_cores", lambda: 8)
    latency = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
    assert cpu_hints(8) == {**latency, "INFERENCE_NUM_THREADS": 8}
    streams = {"PERFORMANCE_HINT": "THROUGHPUT", "ENABLE_CPU_PINNING": False}
    assert cpu_hints(1) == {**streams, "NUM_STREAMS": 8, "INFERENCE_NUM_THREADS": 8}
    assert cpu_hints(3) == {**streams, "NUM_STREAMS": 2, "INFERENCE_NUM_THREADS": 6}
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert cpu_hints(None) == {**latency, "INFERENCE_NUM_THREADS": 2}


def test_one_photo_at_a_time_has_all_cores(network: Path) -> None:
    session = Session(U2NETP, network, NATIVE)
    assert session.inner.get_property("NUM_STREAMS") == 1
    assert session.inner.get_property("PERFORMANCE_HINT") == "LATENCY"


@pytest.mark.skipif(usable_cores() < 2, reason="one core has nothing to share")
def test_many_photos_have_a_core_each(cat: Image.Image, astronaut: Image.Image) -> None:
    remover = Remover(device="openvino")
    inner = remover.with_threads(1).inner_session
    assert inner.get_property("NUM_STREAMS") == usable_cores()
    assert inner.get_property("INFERENCE_NUM_THREADS") == usable_cores()
    photos = [photo.rotate(angle) for photo in (cat, astronaut) for angle in (0, 90, 180)]
    for photo, cutout in zip(photos, remover.map(photos, workers=2), strict=True):
        assert cutout.runtime == "openvino"
        difference = cutout.alpha.astype(int) - remover.cutout(photo).alpha
        assert np.abs(difference).max() <= 1
        assert cutout.bbox


def test_many_threads_on_one_session_each_get_their_own_answer(network: Path) -> None:
    session = Session(U2NETP, network, Placement(threads=1, runtime="openvino"))
    feeds = [feed() for _ in range(6)]
    expected = [session.run(one)[0] for one in feeds]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda place: session.run(feeds[place % 6])[0], range(60)))
    for place, answer in enumerate(answers):
        np.testing.assert_array_equal(answer, expected[place % 6])


def test_runs_that_fail_do_not_disturb_the_others(network: Path) -> None:
    session = Session(U2NETP, network, Placement(threads=1, runtime="openvino"))
    good, wrong = feed(), {"image": np.zeros((1, 3, 8, 8), np.float32)}
    expected = session.run(good)[0]

    def run(place: int) -> np.ndarray | None:
        if place % 3:
            return session.run(good)[0]
        with pytest.raises(BrokenWeightsError):
            session.run(wrong)
        return None

    with ThreadPoolExecutor(6) as pool:
        answers = [answer for answer in pool.map(run, range(60)) if answer is not None]
    assert len(answers) == 40
    for answer in answers:
        np.testing.assert_array_equal(answer, expected)


def test_an_answer_outlives_the_next_run(network: Path) -> None:
    session = Session(U2NETP, network, NATIVE)
    first = session.run(feed())[0]
    copy = first.copy()
    session.run(feed())
    np.testing.assert_array_equal(first, copy)


FORKING = """
import multiprocessing, numpy
from rembolt import remove
photo = numpy.zeros((40, 60, 3), numpy.uint8)
photo[10:30, 20:40] = 255, 160, 40
def work(_):
    return remove(photo, device="openvino")
expected = work(0)
assert expected[:, :, 3].max() > 200
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert all((result == expected).all() for result in pool.map(work, range(4)))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_photos_can_be_cut_out_in_forked_workers() -> None:
    result = subprocess.run([sys.executable, "-c", FORKING], timeout=120, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_networks_from_openvinos_cache_answer_the_same(cat: Image.Image) -> None:
    """It has lost weights that are kept in 8 bits, where the cache was used a second time."""
    alphas = []
    for _ in range(5):
        clear_sessions()
        remover = Remover(device="openvino")
        alphas += [one.cutout(cat).alpha for one in (remover, remover.with_threads(1))]
    own = Remover(precision="fp32").cutout(cat).alpha.astype(int)
    assert max(int(np.abs(alpha - own).max()) for alpha in alphas) <= 1
