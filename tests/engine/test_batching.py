"""Photos that wait together run together, and each gets its own answer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rembolt.engine.batches import Batches


def tensor(value: float, side: int = 4) -> np.ndarray:
    return np.full((1, 3, side, side), value, np.float32)


class Network:
    """Answers with the mean of each photo; can be held up, refuses negative photos, notes its batches."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.go_on = threading.Event()
        self.running = threading.Event()

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        self.sizes.append(len(batch))
        self.running.set()
        self.go_on.wait(10)
        if batch.min() < 0:
            raise ValueError("a negative photo")
        return batch.mean(axis=(1, 2, 3))


def together(batches: Batches, network: Network, tensors: list[np.ndarray]) -> list[object]:
    """Ask for the first; while that runs, for all others; then let the network go on."""

    def ask(one: np.ndarray) -> object:
        try:
            return batches.predict(one)
        except ValueError as error:
            return error

    with ThreadPoolExecutor(len(tensors)) as pool:
        futures = [pool.submit(ask, tensors[0])]
        assert network.running.wait(10)
        for one in tensors[1:]:
            futures.append(pool.submit(ask, one))
            while len(batches._waiting) < len(futures) - 1:
                pass
        network.go_on.set()
        return [future.result() for future in futures]


def test_what_waits_together_runs_together() -> None:
    network = Network()
    batches = Batches(network, most=4)
    answers = together(batches, network, [tensor(value) for value in range(10)])
    assert [float(answer[0]) for answer in answers] == list(range(10))
    assert network.sizes == [1, 4, 4, 1]


def test_photos_of_other_shapes_do_not_mix() -> None:
    network = Network()
    batches = Batches(network, most=8)
    tensors = [tensor(value, 4 if value % 2 else 8) for value in range(7)]
    answers = together(batches, network, tensors)
    assert [float(answer[0]) for answer in answers] == list(range(7))
    assert sorted(network.sizes) == [1, 3, 3]


def test_a_photo_alone_is_not_held_up() -> None:
    network = Network()
    network.go_on.set()
    batches = Batches(network)
    assert [float(batches.predict(tensor(value))[0]) for value in range(3)] == [0, 1, 2]
    assert network.sizes == [1, 1, 1]


def test_one_that_is_refused_does_not_spoil_the_others() -> None:
    network = Network()
    answers = together(Batches(network), network, [tensor(value) for value in (0, 1, -1, 3)])
    assert isinstance(answers[2], ValueError)
    assert [float(answers[place][0]) for place in (0, 1, 3)] == [0, 1, 3]
    with pytest.raises(ValueError, match="negative"):
        Batches(network).predict(tensor(-5))


def test_many_threads_at_any_time() -> None:
    network = Network()
    network.go_on.set()
    batches = Batches(network, most=3)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda value: float(batches.predict(tensor(value))[0]), range(200)))
    assert answers == list(range(200))
    assert max(network.sizes) <= 3


def test_an_interrupt_in_one_thread_leaves_the_others_their_answers() -> None:
    network = Network()
    interrupted = threading.Event()

    def run(batch: np.ndarray) -> np.ndarray:
        if len(batch) > 1 and not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt
        return network(batch)

    batches = Batches(run)

    def ask(value: int) -> object:
        try:
            return float(batches.predict(tensor(value))[0])
        except KeyboardInterrupt as error:
            return error

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(ask, 0)
        assert network.running.wait(10)
        others = [pool.submit(ask, value) for value in (1, 2, 3)]
        while len(batches._waiting) < 3:
            pass
        network.go_on.set()
        answers = [future.result(10) for future in (first, *others)]
    assert answers[0] == 0
    assert sum(isinstance(answer, KeyboardInterrupt) for answer in answers) == 1
    for value, answer in enumerate(answers):
        assert answer == value or isinstance(answer, KeyboardInterrupt)
