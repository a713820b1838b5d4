"""Who is compared with whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rembolt.models.catalogue import find_model

REMBOLT = "rembolt"
REMBG = "rembg"
Way = Mapping[str, str]
"""Options that a model is also run with: `refine`, or `precision`, and `device` where it is not the usual."""

REFINED: Way = {"refine": "fast"}
"""What rembg does not do in its default: the edge refined, its colours freed of the background."""

SMALL = "u2netp"
"""What rembg runs where the models asked for give it nothing to do: the smallest it has."""


@dataclass(frozen=True)
class Candidate:
    """One way to cut out a photo.

    Attributes:
        name: for tables.
        side: the package, `rembolt` or `rembg`.
        model: the network.
        options: of its `remove`, beside the model; none of them False.
    """

    name: str
    side: str
    model: str
    options: dict[str, Any] = field(default_factory=dict)

    def order(self) -> dict[str, Any]:
        """For `rembolt.bench.worker`."""
        return {"side": self.side, "model": self.model, "options": self.options}

    def flags(self) -> list[str]:
        """The model and the options for rembolt's command line."""
        flags = ["-m", self.model]
        for name, value in self.options.items():
            flags += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
        return flags


def line_up(
    models: Sequence[str], against: str | None, ways: Mapping[str, Sequence[Way]] | None = None
) -> list[Candidate]:
    """Each model in rembolt's own way, also refined; rembg's also exactly and, with `against`, in rembg.

    Args:
        models: names of the models.
        against: `rembg`, or None.
        ways: how else each model is run, beside its own precision.
    """
    candidates = []
    for model in models:
        own = {"precision": find_model(model).precision}  # never what auto has learnt from quantise
        candidates.append(Candidate(f"{REMBOLT} {model}", REMBOLT, model, own))
        for way in (REFINED, *(ways or {}).get(model, ())):
            flags = " ".join(f"--{name} {value}" for name, value in way.items())
            candidates.append(Candidate(f"{REMBOLT} {model} {flags}", REMBOLT, model, {**own, **way}))
    shared = [model for model in models if not find_model(model).embedded]
    candidates += [
        Candidate(f"{REMBOLT} {model} --exact", REMBOLT, model, {"exact": True}) for model in shared
    ]
    if against:
        candidates += [Candidate(f"{REMBG} {model}", REMBG, model) for model in shared or [SMALL]]
    return candidates


def baseline(candidates: Sequence[Candidate], candidate: Candidate) -> Candidate | None:
    """Whom a candidate is measured by: rembg with the same model, else rembg with the first it has."""
    rembg = [one for one in candidates if one.side == REMBG]
    same = [one for one in rembg if one.model == candidate.model]
    return next(iter(same or rembg), None)


def needed(models: Sequence[str], against: str | None) -> list[str]:
    """The models whose weights `line_up` needs."""
    return list(dict.fromkeys(one.model for one in line_up(models, against)))
