"""Batches, made by processes beside the training, the same ones whatever was interrupted in between."""

from __future__ import annotations

import multiprocessing
import os
import signal
from functools import lru_cache
from queue import Empty, Full
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from training.augment import photographed, scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from training.lessons import Answers, Lessons
    from training.photos import Photo
    from training.recipe import Recipe

AHEAD = 8
"""Batches a process makes before somebody takes them."""

PATIENCE = 5.0
"""Seconds after which either side looks whether the other is still there."""


class Batch(NamedTuple):
    """Examples, as `training.augment.Example` says, and what a teacher answered to them.

    Attributes:
        pictures: `uint8` `(B, S, S, 3)`.
        masks: `uint8` `(B, S, S)`.
        boundaries: `uint8` `(B, S, S)`.
        answers: the teacher's to the first of them, where the recipe has one.
    """

    pictures: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    boundaries: NDArray[np.uint8]
    answers: Answers | None


def batch(recipe: Recipe, photos: Sequence[Photo], step: int, lessons: Lessons | None = None) -> Batch:
    """Make one batch: a function of the recipe's seed and the step alone.

    Args:
        recipe: what is trained.
        photos: all of them.
        step: from 0.
        lessons: scenes to which a teacher's answers are known, for the recipe's share of the batch.
    """
    phase, _ = recipe.at(step)
    seen = _seen(recipe, len(photos), step)
    taught = recipe.lessons(phase.batch) if lessons else 0
    examples = []
    for place, (epoch, index) in enumerate(seen):
        random = np.random.default_rng((recipe.seed, step, index))
        drawn = (
            lessons.scene(photos, epoch, index, phase.size)
            if lessons and place < taught
            else scene(random, photos, index, phase.size, recipe.views)
        )
        examples.append(photographed(random, *drawn))
    pictures, masks, boundaries = (np.stack(part) for part in zip(*examples, strict=True))
    answers = lessons.answers(seen[:taught], phase.size) if lessons else None
    return Batch(pictures, masks, boundaries, answers)


def stream(
    recipe: Recipe, photos: Sequence[Photo], start: int, processes: int, lessons: Lessons | None = None
) -> Iterator[Batch]:
    """Give the batches from a step to the recipe's last, in order.

    Args:
        recipe: what is trained.
        photos: shared with the processes by forking, not copied.
        start: the first step.
        processes: how many make batches; each makes every so-manyth.
        lessons: as for `batch`.

    Raises:
        RuntimeError: a process ended before its time.
    """
    context = multiprocessing.get_context("fork")
    queues = [context.Queue(AHEAD) for _ in range(processes)]
    makers = [
        context.Process(
            target=_make,
            args=(recipe, photos, range(start + number, recipe.steps, processes), lessons, queues[number]),
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


def _make(
    recipe: Recipe,
    photos: Sequence[Photo],
    steps: range,
    lessons: Lessons | None,
    queue: multiprocessing.Queue[Batch],
) -> None:
    # Signals to the whole group are for the training, which finishes its step and then ends these.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    training = os.getppid()
    for step in steps:
        made = batch(recipe, photos, step, lessons)
        while True:
            try:
                queue.put(made, timeout=PATIENCE)
                break
            except Full:
                if os.getppid() != training:  # it was killed: nobody will take this
                    os._exit(1)


def _seen(recipe: Recipe, photos: int, step: int) -> list[tuple[int, int]]:
    """Which photos a step takes, each with its epoch: every one once before any comes again."""
    before, left = 0, step
    for phase in recipe.phases:
        done = min(left, phase.steps)
        before += done * phase.batch
        left -= done
    taken = range(before, before + recipe.at(step)[0].batch)
    epochs = (divmod(place, photos) for place in taken)
    return [(epoch, int(_order(recipe.seed, epoch, photos)[place])) for epoch, place in epochs]


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, photos: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, epoch)).permutation(photos)
