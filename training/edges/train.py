"""Train a refiner of edges.

python -m training.edges.train --data ../data --answers ../runs/answers.npz --shape fast --out ../runs/fast.pt

One run from beginning to end, of half an hour or so; what it learnt is written every few hundred steps. With
`--init` it begins with other weights.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from benchmarks.samples import SamplesError
from training.edges.answers import SETS, read
from training.edges.composites import example
from training.edges.losses import loss
from training.edges.network import SHAPES, Refiner, apply
from training.photos import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from training.photos import Photo

    Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Recipe:
    """What a training does.

    Attributes:
        steps: how many batches.
        batch: examples in each.
        rate: learning rate; a cosine leads from it to nothing.
        examples: how many are made; each is seen several times, turned and mirrored.
        size: their side in pixels.
        answered: share of the examples drawn from the photos that networks have answered.
        small: share of the batches in which the network sees every second pixel and must serve them all.
        warm_up: steps in which the rate rises.
        decay: of the weights.
        average: how much of the averaged weights stays at each step.
        seed: of everything that is drawn.
    """

    steps: int = 3000
    batch: int = 16
    rate: float = 3e-3
    examples: int = 9000
    size: int = 192
    answered: float = 0.5
    small: float = 0.35
    warm_up: int = 100
    decay: float = 1e-3
    average: float = 0.998
    seed: int = 11


RECIPES = {"fast": Recipe(), "best": Recipe(steps=2000, batch=12, rate=2.5e-3)}

REPORT, KEEP = 100, 500
"""Steps between two lines of the log, and between two files."""


def examples(recipe: Recipe, photos: Sequence[Photo], answers: Mapping[int, Sequence[Bytes]]) -> Bytes:
    """Make all examples, `uint8` `(N, S, S, 5)`: red, green, blue, coarse mask and true alpha."""
    made = np.empty((recipe.examples, recipe.size, recipe.size, 5), np.uint8)
    global _drawn_from  # forked processes inherit it without a copy
    _drawn_from = recipe, photos, answers, sorted(answers)
    with multiprocessing.get_context("fork").Pool() as pool:
        for number, one in enumerate(pool.imap(_draw, range(recipe.examples), chunksize=16)):
            made[number] = one
    return made


_drawn_from: tuple[Recipe, Sequence[Photo], Mapping[int, Sequence[Bytes]], list[int]]
"""What `examples` was given, and the numbers of the photos that have answers, in order."""


def _draw(number: int) -> Bytes:
    recipe, photos, answers, answered = _drawn_from
    random = np.random.default_rng((recipe.seed, number))
    index = number % len(photos)
    if answered and random.random() < recipe.answered:
        index = answered[number % len(answered)]
    made = example(random, photos, index, recipe.size, answers)
    return np.dstack([made.picture, made.mask, made.alpha])


class Trainer:
    """A network that learns batch by batch, and its running average."""

    def __init__(self, recipe: Recipe, shape: str) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.step = recipe, 0
        self.network = Refiner(SHAPES[shape]).to(memory_format=torch.channels_last)
        self.average = Refiner(SHAPES[shape])
        self.average.load_state_dict(self.network.state_dict())
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=recipe.rate, weight_decay=recipe.decay, fused=True
        )

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Take other weights for the first ones."""
        self.network.load_state_dict(weights)
        self.average.load_state_dict(weights)

    def learn(self, batch: Tensor, *, small: bool) -> float:
        """Take one step and return its loss.

        Args:
            batch: `float32` `(B, 5, S, S)` in [0, 1].
            small: show the network every second pixel.
        """
        seen = functional.avg_pool2d(batch[:, :4], 2) if small else batch[:, :4]
        value = loss(apply(self.network(seen), batch[:, :3]), batch[:, 4:])
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate()
        self._optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimizer.step()
        stays = min(self.recipe.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, now in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(now, 1 - stays)
        self.step += 1
        return value.item()

    def _rate(self) -> float:
        rise = min(1.0, (self.step + 1) / self.recipe.warm_up)
        return self.recipe.rate * rise * (0.5 + 0.5 * math.cos(math.pi * self.step / self.recipe.steps))


def train(trainer: Trainer, made: Bytes, out: Path) -> None:
    """Run all steps; the averaged weights are written to `out` now and then and at the end."""
    recipe = trainer.recipe
    random = np.random.default_rng(recipe.seed)
    order, started, total = np.empty(0, np.intp), time.monotonic(), 0.0
    while trainer.step < recipe.steps:
        if len(order) < recipe.batch:
            order = random.permutation(len(made))
        chosen, order = order[: recipe.batch], order[recipe.batch :]
        batch = torch.from_numpy(made[chosen]).permute(0, 3, 1, 2).float() / 255
        if random.random() < 0.5:
            batch = batch.transpose(2, 3)
        if random.random() < 0.5:
            batch = batch.flip(2)
        batch = batch.contiguous(memory_format=torch.channels_last)
        total += trainer.learn(batch, small=random.random() < recipe.small)
        if trainer.step % REPORT == 0:
            pace = trainer.step * recipe.batch / (time.monotonic() - started)
            line = {
                "step": trainer.step,
                "loss": round(total / REPORT, 4),
                "examples_a_second": round(pace, 1),
            }
            print(json.dumps(line), flush=True)
            total = 0.0
        if trainer.step % KEEP == 0 or trainer.step == recipe.steps:
            torch.save(trainer.average.state_dict(), out)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="of tar shards")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="what training.edges.answers wrote")
    parser.add_argument("--shape", choices=SHAPES, required=True)
    parser.add_argument("--init", type=Path, metavar="FILE", help="weights to begin with")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    for name in ("steps", "batch", "examples"):
        parser.add_argument(f"--{name}", type=int, metavar="N", help="instead of the recipe's")
    asked = parser.parse_args(arguments)
    values = {name: getattr(asked, name) for name in ("steps", "batch", "examples") if getattr(asked, name)}
    recipe = Recipe(**{**RECIPES[asked.shape].__dict__, **values})
    try:
        trainer = Trainer(recipe, asked.shape)
        if asked.init:
            trainer.start_from(torch.load(asked.init, weights_only=True, map_location="cpu"))
        made = examples(recipe, load(asked.data, SETS), read(asked.answers) if asked.answers else {})
        train(trainer, made, asked.out)
    except (SamplesError, OSError, RuntimeError, ValueError, KeyError, EOFError, UnpicklingError) as error:
        parser.exit(2, f"{asked.out} is not trained: {error}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
