"""The models that are loaded, within a budget."""

from __future__ import annotations

import threading
from pathlib import Path

import networks
import pytest

from rembolt.engine.cache import BuildOnceCache
from rembolt.remover import Remover
from rembolt.segmenters import opening
from rembolt.server import metrics
from rembolt.server.sessions import Sessions
from rembolt.server.settings import ServerOptions
from rembolt.settings import SessionOptions

BOLT = SessionOptions(threads=1)
MODELS = ("u2netp", "silueta", "isnet-anime")


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights under the names of models, and an empty process-wide cache."""
    for name in MODELS:
        networks.saliency(tmp_path / f"{name}.onnx", size=1024 if name == "isnet-anime" else 320)
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    monkeypatch.setenv("MODEL_CHECKSUM_DISABLED", "1")
    monkeypatch.setattr(opening, "_sessions", BuildOnceCache())


def lend(sessions: Sessions, model: str) -> Remover:
    with sessions.lend(SessionOptions(model=model, threads=1, offline=True)) as remover:
        return remover


@pytest.mark.usefixtures("others")
def test_the_model_unused_for_longest_goes_when_there_is_no_room() -> None:
    sessions = Sessions(ServerOptions(session_memory=120_000_000), BOLT)  # for two
    first = lend(sessions, "u2netp")
    second = lend(sessions, "silueta")
    assert lend(sessions, "u2netp") is first
    lend(sessions, "isnet-anime")
    assert metrics.sessions._value.get() == 2
    assert lend(sessions, "u2netp") is first
    assert lend(sessions, "silueta") is not second


@pytest.mark.usefixtures("others")
def test_one_model_stays_whatever_the_budget() -> None:
    sessions = Sessions(ServerOptions(session_memory=0), BOLT)
    first = lend(sessions, "u2netp")
    assert lend(sessions, "u2netp") is first


@pytest.mark.usefixtures("others")
def test_threads_that_want_a_model_at_the_same_time_share_one() -> None:
    sessions = Sessions(ServerOptions(), BOLT)
    barrier = threading.Barrier(4)
    lent: list[Remover] = []

    def ask() -> None:
        barrier.wait()
        lent.append(lend(sessions, "u2netp"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(remover.inner_session) for remover in lent}) == 1


def test_a_photo_that_is_alone_gets_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rembolt.pipeline.usable_cores", lambda: 2)
    sessions = Sessions(ServerOptions(), SessionOptions())
    assert sessions.open() == 2
    with sessions.lend(SessionOptions()) as alone, sessions.lend(SessionOptions()) as beside:
        assert alone is not beside
        assert beside.inner_session.get_session_options().intra_op_num_threads == 1
    with sessions.lend(SessionOptions()) as again:
        assert again is alone


def test_under_load_the_session_for_photos_that_are_alone_is_let_go_and_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rembolt.pipeline.usable_cores", lambda: 2)
    monkeypatch.setattr("rembolt.server.sessions.UNUSED", 0.0)
    sessions = Sessions(ServerOptions(), SessionOptions())
    sessions.open()
    (loaded,) = sessions._loaded.values()
    assert loaded.alone is not None
    with sessions.lend(SessionOptions()) as alone, sessions.lend(SessionOptions()) as beside:
        assert alone is not beside
    assert loaded.alone is None
    for _ in range(3):
        with sessions.lend(SessionOptions()) as remover:
            assert remover is loaded.beside_others
    for thread in threading.enumerate():
        if thread.name == "rembolt-alone":
            thread.join(60)
    with sessions.lend(SessionOptions()) as remover:
        assert remover is loaded.alone is not loaded.beside_others
