"""Train `bolt` from the tar shards, on CUDA where there is one, else on the CPU.

    python -m training.train --data ../shared/data --recipe training/recipes/cpu.json --out ../runs/first

The folder given with --out holds the recipe, the checkpoint, the averaged weights and the curve; the same
command again goes on where the checkpoint was written, with exactly the batches that come next.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from filelock import Timeout

from benchmarks.report import positive
from rembolt.errors import RemboltError
from training import unfold
from training.batches import batch, stream
from training.lessons import Lessons
from training.measure import measure, normalise
from training.network import SEEN
from training.photos import load
from training.run import Run
from training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from training.batches import Batch
    from training.network import Bolt
    from training.photos import Photo
    from training.recipe import Recipe

REPORT_EVERY = 100
SIGNALS = (signal.SIGINT, signal.SIGTERM)

STATISTICS = 32
"""Batches from which a network that goes on takes the statistics of its normalisation."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="where the tar shards are")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="results and checkpoint")
    parser.add_argument("--recipe", type=Path, metavar="FILE", help="settings (default: those kept in --out)")
    parser.add_argument("--init", type=Path, metavar="FILE", help="an exported bolt.onnx to go on from")
    parser.add_argument(
        "--lessons",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="a teacher's answers, for a recipe with a teacher",
    )
    parser.add_argument("--minutes", type=float, help="write a checkpoint and stop after so long")
    parser.add_argument("--device", help="cpu or cuda (default: cuda where there is one)")
    parser.add_argument(
        "--processes", type=positive, help="that make batches (default: one, with CUDA all cores)"
    )
    asked = parser.parse_args(arguments)
    try:
        device = torch.device(asked.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        if device.type == "cuda" and not torch.cuda.is_available():
            raise ValueError("this PyTorch finds no CUDA device; leave --device out to train on the CPU.")
        run = Run(asked.out)
        with run.lock(), _Stop(asked.minutes) as stop:
            recipe = run.recipe(asked.recipe)
            lessons = _lessons(asked.lessons, recipe)
            trainer = Trainer(recipe, device, lessons.channels if lessons else ())
            resumed = run.resume(trainer)
            photos = load(asked.data, recipe.sets)
            if lessons and len(lessons) != len(photos):
                raise ValueError(f"the lessons are about {len(lessons)} photos, and there are {len(photos)}.")
            held_out = load(asked.data, [recipe.validation], most=recipe.measure_photos)
            if asked.init and not resumed:
                trainer.start_from(_exported(asked.init, recipe, photos))
            start = {
                "step": trainer.step,
                "photos": len(photos),
                "held_out": len(held_out),
                "device": str(device),
                "precision": str(trainer.precision).removeprefix("torch."),
                "torch": torch.__version__,
                "lessons": lessons.kinds if lessons else None,
                "init": str(asked.init) if asked.init and not resumed else None,
            }
            run.note(start)
            print(start, flush=True)
            processes = asked.processes or (1 if device.type == "cpu" else os.cpu_count() or 1)
            batches = stream(recipe, photos, trainer.step, processes, lessons)
            _train(trainer, run, held_out, batches, stop)
    except Timeout:
        parser.exit(2, f"{asked.out} is in use by another training.\n")
    except (RemboltError, OSError, ValueError, RuntimeError) as error:
        parser.exit(2, f"{error}\n")
    return 0


def _lessons(folders: Sequence[Path] | None, recipe: Recipe) -> Lessons | None:
    """Open a teacher's answers, if the recipe has one, and refuse those to other photos than the recipe's."""
    if (folders is None) != (recipe.teaching is None):
        raise ValueError("a recipe with a teacher needs its answers (--lessons), and no other can use them.")
    if folders is None:
        return None
    lessons = Lessons(folders)
    if lessons.sets != recipe.sets:
        raise ValueError(f"the lessons are about {lessons.sets}, and the recipe about {recipe.sets}.")
    if len(lessons.channels) not in (0, len(SEEN)):
        raise ValueError(
            f"the lessons keep {len(lessons.channels)} layers of features: "
            f"write them with none or with {len(SEEN)}."
        )
    return lessons


def _exported(path: Path, recipe: Recipe, photos: Sequence[Photo]) -> Bolt:
    """Read an exported network, with statistics from batches like its next ones."""
    batches = (batch(recipe, photos, step) for step in range(min(STATISTICS, recipe.steps)))
    return unfold.read(path, (normalise(torch.from_numpy(made.pictures)) for made in batches))


def _train(
    trainer: Trainer,
    run: Run,
    held_out: Sequence[Photo],
    batches: Iterator[Batch],
    stop: _Stop,
) -> None:
    recipe = trainer.recipe
    losses: list[Tensor] = []
    seen, since = 0, time.perf_counter()
    for taken in batches:
        losses.append(trainer.learn(taken))
        seen += len(taken.pictures)
        last = stop.now() or trainer.step == recipe.steps
        measured = last or trainer.step % recipe.measure_every == 0
        if measured or trainer.step % REPORT_EVERY == 0:
            phase, rate = recipe.at(trainer.step - 1)
            row: dict[str, object] = {
                "step": trainer.step,
                "size": phase.size,
                "rate": float(f"{rate:.3g}"),
                "loss": round(float(torch.stack(losses).mean()), 4),
                "photos_a_second": round(seen / (time.perf_counter() - since), 1),
            }
            if measured:
                row |= measure(trainer.average, held_out, trainer.device)
            run.note(row)
            if measured:
                run.save(trainer)
            print(row, flush=True)
            losses.clear()
            seen, since = 0, time.perf_counter()
        if last:
            return


class _Stop:
    """Whether to stop: a signal came, or the time is over. The step under way is finished first."""

    def __init__(self, minutes: float | None) -> None:
        self._end = None if minutes is None else time.monotonic() + minutes * 60
        self._asked = False

    def __enter__(self) -> _Stop:
        self._before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, *_: object) -> None:
        self._asked = True

    def now(self) -> bool:
        return self._asked or (self._end is not None and time.monotonic() >= self._end)


if __name__ == "__main__":
    sys.exit(main())
