"""Photos that are waiting at the same time go through the network together."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = npt.NDArray[np.float32]

MOST = 8
"""Photos a run."""

watchers: list[Callable[[int], object]] = []
"""Told how many photos each run has."""


class _Request:
    """One photo's tensor, and what became of it."""

    def __init__(self, tensor: Floats) -> None:
        self.tensor = tensor
        self.answer: Floats | None = None
        self.error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.answer is not None or self.error is not None


class Batches:
    """Joins what several threads want of a network at the same time. Nobody waits for company.

    Whoever finds the network idle runs it on all that is waiting; what comes in the meantime waits for the
    end of that run and makes the next batch. So batches grow with the load, and a photo alone is not held up.

    Args:
        run: the network: `float32` `(N, 3, H, W)` in, one answer a photo, first axis N, out.
        most: photos a run.
    """

    def __init__(self, run: Callable[[Floats], Floats], most: int = MOST) -> None:
        self._run = run
        self._most = most
        self._waiting: list[_Request] = []
        self._list = threading.Lock()
        self._turn = threading.Lock()

    def predict(self, tensor: Floats) -> Floats:
        """Answer one photo's tensor, `(1, 3, H, W)`.

        Raises:
            Exception: whatever the network raises for this photo alone; one that it refuses does not spoil
                the others of its batch.
        """
        request = _Request(tensor)
        with self._list:
            self._waiting.append(request)
        while not request.done:
            with self._turn:
                if not request.done:
                    self._run_some()
        if request.error is not None:
            raise request.error
        assert request.answer is not None
        return request.answer

    def _run_some(self) -> None:
        with self._list:
            # All of one shape go together; the first in the list has waited longest.
            shape = self._waiting[0].tensor.shape
            batch = [one for one in self._waiting if one.tensor.shape == shape][: self._most]
            self._waiting = [one for one in self._waiting if one not in batch]
        try:
            self._answer(batch)
        except BaseException:  # this thread is to end, not the others
            with self._list:
                self._waiting[:0] = [one for one in batch if not one.done]
            raise

    def _answer(self, batch: list[_Request]) -> None:
        for watch in watchers:
            watch(len(batch))
        try:
            answers = self._run(np.concatenate([one.tensor for one in batch]))
            for place, one in enumerate(batch):
                one.answer = answers[place : place + 1]
        except Exception as error:  # noqa: BLE001 - raised again where it belongs
            if len(batch) == 1:
                batch[0].error = error
                return
            for one in batch:
                self._answer([one])
