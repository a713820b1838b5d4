"""The folder of a training: its recipe, its curve, its checkpoint and the averaged weights."""

from __future__ import annotations

import json
from io import BytesIO
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch
from filelock import FileLock

from rembolt.images.files import write_atomically
from training import recipe as recipes

if TYPE_CHECKING:
    from pathlib import Path

    from training.recipe import Recipe
    from training.trainer import Trainer


class Run:
    """Where a training keeps what it needs to go on, and what it leaves.

    Args:
        folder: made where it is not there yet.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.weights = folder / "weights.pt"
        self._checkpoint = folder / "checkpoint.pt"
        self._curve = folder / "curve.jsonl"
        self._recipe = folder / "recipe.json"

    def recipe(self, given: Path | None) -> Recipe:
        """Read the recipe given, which is kept from then on, or the one kept.

        Raises:
            FileNotFoundError: none is given and none kept.
        """
        if given is None and not self._recipe.exists():
            raise FileNotFoundError(f"{self.folder} has no recipe yet: give one with --recipe.")
        recipe = recipes.read(given or self._recipe)
        recipe.write(self._recipe)
        return recipe

    def resume(self, trainer: Trainer) -> bool:
        """Bring the trainer to the checkpoint; whether there was one.

        Raises:
            ValueError: the checkpoint is none, or another network's.
        """
        found = self._checkpoint.exists()
        if found:
            try:
                trainer.load(torch.load(self._checkpoint, weights_only=True, map_location=trainer.device))
            except (RuntimeError, KeyError, EOFError, UnpicklingError) as error:
                reason = str(error).partition("\n")[0]
                raise ValueError(f"{self._checkpoint} cannot be gone on from: {reason}") from error
        # A run that was killed got further than its checkpoint: those steps will come again.
        rows = [row for row in self.curve() if row["step"] <= trainer.step]
        write_atomically(self._curve, "".join(json.dumps(row) + "\n" for row in rows).encode())
        return found

    def save(self, trainer: Trainer) -> None:
        """Write the checkpoint and the averaged weights; an interrupted write destroys nothing."""
        for value, path in (
            (trainer.state(), self._checkpoint),
            (trainer.average.state_dict(), self.weights),
        ):
            buffer = BytesIO()
            torch.save(value, buffer)
            write_atomically(path, buffer.getvalue())

    def note(self, row: dict[str, Any]) -> None:
        """Add a row to the curve."""
        with self._curve.open("a", encoding="utf-8") as curve:
            curve.write(json.dumps(row) + "\n")

    def curve(self) -> list[dict[str, Any]]:
        """Give the rows so far, less a last one that was cut off while it was written."""
        if not self._curve.exists():
            return []
        lines = self._curve.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines[:-1]]

    def lock(self) -> FileLock:
        """Keep a second training out of the folder, for as long as the lock is held."""
        return FileLock(self.folder / ".lock", timeout=0)
