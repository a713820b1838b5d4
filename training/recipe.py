"""The settings of a training: all of them, in one place, kept beside its results."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MULTIPLE = 32
"""The network halves its input five times: sides must be multiples of this."""

WHOLE = 0.2
SMALLEST = 0.55
"""How much of a photo is seen where nothing is said, as for `Views`."""


@dataclass(frozen=True)
class Views:
    """How often a photo is changed in which way.

    Attributes:
        studio: share of the subjects that are cut out and put on a made background.
        close_up: share of the photos of which only the subject and little around it is seen.
        whole: share of the others that is seen whole; of the rest a part is.
        smallest: least side of that part, relative to the photo's; either may be up to 15 % shorter still.
    """

    studio: float
    close_up: float = 0.0
    whole: float = WHOLE
    smallest: float = SMALLEST

    def __post_init__(self) -> None:
        for name in ("studio", "close_up", "whole"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1, not {getattr(self, name)}.")
        if not 0 < self.smallest <= 1:
            raise ValueError(f"smallest must be above 0 and at most 1, not {self.smallest}.")


@dataclass(frozen=True)
class Phase:
    """A stretch of the training at one size.

    Attributes:
        steps: how many batches.
        size: side of the square pictures in pixels, a multiple of 32.
        batch: pictures a batch.
        rates: learning rate at the phase's first and last step; a cosine leads from one to the other.
    """

    steps: int
    size: int
    batch: int
    rates: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("steps", "size", "batch"):
            _require(getattr(self, name), f"a phase's {name}")
        if self.size % MULTIPLE:
            raise ValueError(f"a phase's size must be a multiple of {MULTIPLE}, not {self.size}.")
        if len(self.rates) != 2 or not all(rate > 0 for rate in self.rates):
            raise ValueError(f"a phase has two rates above 0, not {self.rates}.")


@dataclass(frozen=True)
class Teaching:
    """What a teacher's answers count (`lessons.py`).

    Attributes:
        masks: share of the teacher's mask in what is to be answered, the rest is the photo's own mask.
        features: what the distance from the teacher's features counts, per layer.
        share: of each batch that is lessons. The rest are new scenes, with the photo's mask only: of the same
            few scenes again and again a network learns the masks by heart.
    """

    masks: float
    features: float
    share: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.masks <= 1:
            raise ValueError(f"the share of the teacher's masks must be from 0 to 1, not {self.masks}.")
        if not 0 < self.share <= 1:
            raise ValueError(f"the share of lessons must be above 0 and at most 1, not {self.share}.")
        if self.features < 0:
            raise ValueError(f"the teacher's features cannot count less than nothing: {self.features}.")


@dataclass(frozen=True)
class Recipe:
    """What a training does.

    Attributes:
        sets: families of shards, `duts-train` for `duts-train-00.tar` and its siblings.
        validation: the family it is measured on while it runs.
        phases: one after the other.
        warm_up: steps in which the learning rate rises from nothing.
        weight_decay: on convolution weights only.
        average: how much of the averaged weights stays at each step.
        clip: largest norm of the gradient.
        studio: share of the subjects that are cut out and put on a made background.
        close_up: share of the photos of which only the subject and little around it is seen.
        whole: share of the others that is seen whole, as for `Views`.
        smallest: least side of a part of the rest, as for `Views`.
        teaching: what a teacher's answers count, or none is asked.
        measure_every: steps between two measurements on the validation photos, which also write a checkpoint.
        measure_photos: how many validation photos those use.
        seed: of everything that is drawn.
    """

    sets: tuple[str, ...]
    validation: str
    phases: tuple[Phase, ...]
    warm_up: int = 300
    weight_decay: float = 0.1
    average: float = 0.999
    clip: float = 5.0
    studio: float = 0.15
    close_up: float = 0.0
    whole: float = WHOLE
    smallest: float = SMALLEST
    teaching: Teaching | None = None
    measure_every: int = 1000
    measure_photos: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("warm_up", "measure_every", "measure_photos"):
            _require(getattr(self, name), name)
        if not 0 <= self.average <= 1:
            raise ValueError(f"average must be from 0 to 1, not {self.average}.")
        _ = self.views  # which refuses what is out of range

    @property
    def views(self) -> Views:
        """How often photos are changed in which way."""
        return Views(self.studio, self.close_up, self.whole, self.smallest)

    def lessons(self, batch: int) -> int:
        """How many pictures of a batch are lessons, the first ones."""
        return max(1, round(self.teaching.share * batch)) if self.teaching else 0

    @property
    def steps(self) -> int:
        """Of all phases together."""
        return sum(phase.steps for phase in self.phases)

    def at(self, step: int) -> tuple[Phase, float]:
        """The phase that a step belongs to and its learning rate.

        Args:
            step: from 0.

        Raises:
            IndexError: the recipe has fewer steps.
        """
        left = step
        for phase in self.phases:
            if left < phase.steps:
                first, last = phase.rates
                done = left / max(1, phase.steps - 1)
                rate = last + (first - last) * 0.5 * (1 + math.cos(math.pi * done))
                return phase, rate * min(1.0, (step + 1) / self.warm_up)
            left -= phase.steps
        raise IndexError(f"the recipe has {self.steps} steps, and step {step} was asked for")

    def write(self, path: Path) -> None:
        """Keep the settings as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def _require(value: object, name: str) -> None:
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number from 1, not {value!r}.")


def read(path: Path) -> Recipe:
    """Read what `Recipe.write` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no recipe, or a setting is unknown, missing or out of range.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        teaching = found.pop("teaching", None)
        phases = tuple(Phase(**{**phase, "rates": tuple(phase["rates"])}) for phase in found.pop("phases"))
        taught = None if teaching is None else Teaching(**teaching)
        return Recipe(**{**found, "sets": tuple(found["sets"]), "phases": phases, "teaching": taught})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} is no recipe: {error}") from error
