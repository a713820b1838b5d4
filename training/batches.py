"""Batches, made by processes beside the training, the same ones whatever was interrupted in between."""

from __future__ import annotations

import multiprocessing
import os
import signal
from functools import lru_cache
from queue import Empty, Full
from typing import TYPE_CHECKING

import numpy as np

from training.augment import example

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from training.photos import Photo
    from training.recipe import Recipe

    Batch = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]

AHEAD = 8
"""Batches a process makes before somebody takes them."""

PATIENCE = 5.0
"""Seconds after which either side looks whether the other is still there."""


def batch(recipe: Recipe, photos: Sequence[Photo], step: int) -> Batch:
    """Make one batch: a function of the recipe's seed and the step alone.

    Returns:
        Pictures `(B, S, S, 3)`, masks `(B, S, S)` and nearness of boundaries `(B, S, S)`, all `uint8`.
    """
    phase, _ = recipe.at(step)
    examples = []
    for index in _indices(recipe, len(photos), step):
        random = np.random.default_rng((recipe.seed, step, int(index)))
        examples.append(example(random, photos, int(index), phase.size, recipe.studio))
    pictures, masks, boundaries = zip(*examples, strict=True)
    return np.stack(pictures), np.stack(masks), np.stack(boundaries)


def stream(recipe: Recipe, photos: Sequence[Photo], start: int, processes: int) -> Iterator[Batch]:
    """Give the batches from a step to the recipe's last, in order.

    Args:
        recipe: what is trained.
        photos: shared with the processes by forking, not copied.
        start: the first step.
        processes: how many make batches; each makes every so-manyth.

    Raises:
        RuntimeError: a process ended before its time.
    """
    context = multiprocessing.get_context("fork")
    queues = [context.Queue(AHEAD) for _ in range(processes)]
    makers = [
        context.Process(
            target=_make,
            args=(recipe, photos, range(start + number, recipe.steps, processes), queues[number]),
            daemon=True,
        )
        for number in range(processes)
    ]
    for maker in makers:
        maker.start()
    try:
        for step in range(start, recipe.steps):
            number = (step - start) % processes
            yield _take(queues[number], makers[number])
    finally:
        for maker in makers:
            maker.kill()
            maker.join()


def _take(queue: multiprocessing.Queue[Batch], maker: multiprocessing.Process) -> Batch:
    while True:
        try:
            return queue.get(timeout=PATIENCE)
        except Empty:
            if not maker.is_alive():
                raise RuntimeError("a process that makes batches has ended; its error is above.") from None


def _make(recipe: Recipe, photos: Sequence[Photo], steps: range, queue: multiprocessing.Queue[Batch]) -> None:
    # Signals to the whole group are for the training, which finishes its step and then ends these.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    training = os.getppid()
    for step in steps:
        made = batch(recipe, photos, step)
        while True:
            try:
                queue.put(made, timeout=PATIENCE)
                break
            except Full:
                if os.getppid() != training:  # it was killed: nobody will take this
                    os._exit(1)


def _indices(recipe: Recipe, photos: int, step: int) -> list[int]:
    """Which photos a step takes: each once before any comes again, whatever the phases' batches."""
    before, left = 0, step
    for phase in recipe.phases:
        done = min(left, phase.steps)
        before += done * phase.batch
        left -= done
    taken = range(before, before + recipe.at(step)[0].batch)
    return [int(_order(recipe.seed, place // photos, photos)[place % photos]) for place in taken]


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, photos: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, epoch)).permutation(photos)
