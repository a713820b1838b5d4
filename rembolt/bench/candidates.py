"""Who is compared with whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rembolt.models.catalogue import find_model

if TYPE_CHECKING:
    from collections.abc import Sequence

REMBOLT = "rembolt"
REMBG = "rembg"
SMALL = "u2netp"
"""What rembg runs where the models asked for give it nothing to do: the smallest it has."""


@dataclass(frozen=True)
class Candidate:
    """One way to cut out a photo.

    Attributes:
        name: for tables.
        side: the package, `rembolt` or `rembg`.
        model: the network.
        options: of its `remove`, beside the model.
    """

    name: str
    side: str
    model: str
    options: dict[str, Any] = field(default_factory=dict)

    def order(self) -> dict[str, Any]:
        """For `rembolt.bench.worker`."""
        return {"side": self.side, "model": self.model, "options": self.options}


def line_up(models: Sequence[str], against: str | None) -> list[Candidate]:
    """Each model in rembolt's own way, those that rembg has also exactly and, with `against`, in rembg."""
    candidates = [Candidate(f"{REMBOLT} {model}", REMBOLT, model) for model in models]
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
