"""Each value is built once, whoever asks and however many at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rembolt.engine.cache import BuildOnceCache


def test_many_threads_get_one_value_that_is_built_once() -> None:
    cache: BuildOnceCache[object] = BuildOnceCache()
    built = []
    start = threading.Barrier(32)

    def build() -> object:
        time.sleep(0.05)
        built.append(object())
        return built[-1]

    def ask() -> object:
        start.wait()
        return cache.get("key", build)

    with ThreadPoolExecutor(32) as pool:
        values = [future.result() for future in [pool.submit(ask) for _ in range(32)]]
    assert len(built) == 1
    assert set(map(id, values)) == {id(built[0])}


def test_different_keys_are_built_side_by_side() -> None:
    cache: BuildOnceCache[str] = BuildOnceCache()
    both = threading.Barrier(2, timeout=10)

    def build(name: str) -> str:
        both.wait()  # passes only when the two builds overlap
        return name

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(cache.get, name, lambda name=name: build(name)) for name in "ab"]
        assert [job.result() for job in jobs] == ["a", "b"]


def test_a_failed_build_is_told_and_tried_again() -> None:
    cache: BuildOnceCache[int] = BuildOnceCache()

    def fail() -> int:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        cache.get("key", fail)
    assert cache.get("key", lambda: 5) == 5


def test_the_value_unused_for_longest_goes_first() -> None:
    cache: BuildOnceCache[str] = BuildOnceCache(capacity=2)
    for key in ("a", "b", "a", "c"):
        cache.get(key, lambda key=key: f"first {key}")
    assert cache.get("a", lambda: "second a") == "first a"
    assert cache.get("b", lambda: "second b") == "second b"


def test_clear_lets_all_go() -> None:
    cache: BuildOnceCache[int] = BuildOnceCache()
    cache.get("key", lambda: 1)
    cache.clear()
    assert cache.get("key", lambda: 2) == 2


FORKING = """
import multiprocessing, numpy
from rembolt import remove
photo = numpy.zeros((40, 60, 3), numpy.uint8)
expected = remove(photo)
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert all((result == expected).all() for result in pool.map(remove, [photo] * 4))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_photos_can_be_cut_out_in_forked_workers() -> None:
    result = subprocess.run([sys.executable, "-c", FORKING], timeout=60, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Python's warning about forking with threads
def test_a_forked_child_builds_its_own() -> None:
    cache: BuildOnceCache[int] = BuildOnceCache()
    cache.get("key", lambda: 1)
    child = os.fork()
    if child == 0:
        os._exit(cache.get("key", lambda: 2))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
