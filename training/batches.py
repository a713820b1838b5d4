"""Batches, made by processes beside the training, the same ones whatever was interrupted in between."""

from __future__ import annotations

import multiprocessing
import signal
from functools import lru_cache
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
    """
    context = multiprocessing.get_context("fork")
    queues = [context.Queue(AHEAD) for _ in range(processes)]
    for number, queue in enumerate(queues):
        steps = range(start + number, recipe.steps, processes)
        context.Process(target=_work, args=(recipe, photos, steps, queue), daemon=True).start()
    for step in range(start, recipe.steps):
        yield queues[(step - start) % processes].get()


def _work(recipe: Recipe, photos: Sequence[Photo], steps: range, queue: multiprocessing.Queue[Batch]) -> None:
    # What asks the training to stop must not end these: it ends them itself when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for step in steps:
        queue.put(batch(recipe, photos, step))


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
