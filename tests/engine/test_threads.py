"""How many threads a session gets."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest

from rembolt import cores
from rembolt.cores import own_cores, take_share, usable_cores
from rembolt.engine import threads
from rembolt.engine.threads import RUNTIME_DEFAULT, thread_count
from rembolt.errors import UsageError


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "usable_cores", lambda: 8)


@pytest.mark.usefixtures("eight_cores")
def test_what_is_asked_for_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert thread_count(3) == 3


@pytest.mark.usefixtures("eight_cores")
def test_then_rembgs_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert thread_count(None) == 7


@pytest.mark.usefixtures("eight_cores")
def test_more_threads_than_cores_are_refused_aloud(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "rembolt"):
        assert thread_count(1000) == 8
    assert "using 8 threads, one for each core, instead of 1000" in caplog.text


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "9" * 50, "1025", "\u0663"])
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    with pytest.raises(UsageError, match="OMP_NUM_THREADS"):
        thread_count(None)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no CPU affinity")
def test_a_process_bound_to_one_core_uses_one_thread() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores() == 1
        assert thread_count(None) == (RUNTIME_DEFAULT if os.cpu_count() == 1 else 1)
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu.max": "nonsense"}, None),
        ({}, None),
    ],
)
def test_a_containers_quota_is_read(tmp_path: Path, files: dict[str, str], quota: float | None) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert cores._container_quota(tmp_path) == quota


def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "usable_cores", lambda: 8)
    assert own_cores() == 8
    found = []

    def work(workers: int) -> None:
        take_share(workers)
        found.append(own_cores())

    for workers in (1, 3, 20):
        thread = threading.Thread(target=work, args=(workers,))
        thread.start()
        thread.join()
    assert found == [8, 2, 1]
    assert own_cores() == 8
