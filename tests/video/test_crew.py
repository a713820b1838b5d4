"""How many workers share a remover, and the threads its network gets."""

from __future__ import annotations

import pytest

from rembolt import pipeline
from rembolt.engine import threads as engine_threads
from rembolt.video.crew import crewed_remover


@pytest.mark.parametrize(
    ("variable", "options", "workers", "expected"),
    [
        ("", {}, 1, (1, 2)),
        ("", {}, 2, (2, 1)),
        ("", {"threads": None}, 2, (2, 1)),  # as `-x '{"threads": null}'` gives it
        ("", {"threads": 2}, 3, (3, 2)),
        ("1", {}, 1, (1, 1)),
        ("1", {}, None, (2, 1)),
        ("2", {}, None, (1, 2)),
        ("2", {"threads": 1}, None, (2, 1)),
    ],
)
def test_the_network_gets_the_threads_of_the_crew(monkeypatch, variable, options, workers, expected):
    for module in (pipeline, engine_threads):
        monkeypatch.setattr(module, "usable_cores", lambda: 2)
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    remover, workers = crewed_remover(options, workers)
    threads = remover.inner_session.get_session_options().intra_op_num_threads
    assert (workers, threads) == expected
