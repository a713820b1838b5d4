"""A home with weights that both sides find: those at hand, and random ones of the same shape for the rest."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rembolt.bench import random_networks
from rembolt.engine.openvino_runtime import installed
from rembolt.engine.processor import this_processor
from rembolt.errors import UsageError, WeightsUnavailableError
from rembolt.models.catalogue import find_model, model_names
from rembolt.models.store import home, where
from rembolt.segmenters.placing import variant_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from rembolt.bench.candidates import Way

MARK = " *"
"""Stands in the tables behind the name of a network with random weights."""

FOOTNOTE = (
    "* random weights of the same shape, as the real ones are not on this machine: the cost is the same "
    "(`rembolt download {names}` fetches the real ones)."
)


@dataclass(frozen=True)
class Home:
    """Weights in a folder.

    Attributes:
        folder: laid out as rembg's own, which rembolt reads too.
        random: names of the models whose weights are random.
        ways: how else each model can be run: in int8 where `rembolt quantise` made such weights, there also
            by OpenVINO where it is installed, and in bf16 where the processor has it.
    """

    folder: Path
    random: frozenset[str] = frozenset()
    ways: Mapping[str, Sequence[Way]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make rembolt and rembg find these weights, and no others, and no profile."""
        return {
            "U2NET_HOME": str(self.folder),
            "REMBG_HOME": str(self.folder),
            "REMBOLT_HOME": str(self.folder / "rembolt"),
            "REMBOLT_CONFIG": str(self.folder / "rembolt"),
            "REMBOLT_OFFLINE": "1",
            "MODEL_CHECKSUM_DISABLED": "1",
        }

    def path(self, model: str) -> Path:
        """The file of a model, also of the embedded one."""
        spec = find_model(model)
        found = where(spec).path if spec.embedded else None
        return found or _place(self.folder, model)

    def label(self, model: str) -> str:
        """The name of a model for a table, marked when its weights are random."""
        return f"{model}{MARK}" if model in self.random else model

    def footnote(self) -> str | None:
        """What the mark means, when it was used."""
        return FOOTNOTE.format(names=" ".join(sorted(self.random))) if self.random else None


def check(models: Iterable[str]) -> None:
    """Find out, before anything is measured, that a model cannot be.

    Raises:
        UnknownModelError: no model has this name.
        UsageError: it does not answer with one mask, or its weights are the user's own.
        WeightsUnavailableError: its weights are neither here nor to be imitated.
    """
    for name in models:
        spec = find_model(name)
        if spec.name not in model_names(selectable=True) or spec.family != "saliency":
            raise UsageError(
                f"bench compares models that cut out a photo by their name alone, which {name} does not; "
                "`rembolt models` lists those there are."
            )
        if not spec.embedded and name not in random_networks.LAYOUTS and where(spec).path is None:
            raise WeightsUnavailableError(
                f"The weights of {name} are not on this machine; run `rembolt download {name}` once."
            )


def furnish(folder: Path, models: Iterable[str], given: Mapping[str, Path] | None = None) -> Home:
    """Put the weights of some models into a folder.

    Args:
        folder: an empty one.
        models: names that `check` passed; the embedded one needs nothing.
        given: files to take instead of those of the store.

    Raises:
        MissingExtraError: random weights are needed and the package onnx is not installed.
    """
    random = set()
    ways = {}
    for name in models:
        spec = find_model(name)
        source = (given or {}).get(name) or where(spec).path
        ways[name] = _ways(source, folder) if source else ()
        if spec.embedded:
            continue
        place = _place(folder, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        if source is None:
            random_networks.write(name, place)
            random.add(name)
        else:
            _lend(source, place)
    return Home(folder, frozenset(random), ways)


def _ways(source: Path, folder: Path) -> tuple[Way, ...]:
    openvino = installed()
    ways: list[Way] = []
    if variant := variant_of(source, "int8"):
        if not variant.embedded:
            place = folder / "rembolt" / variant.path.relative_to(home())
            place.parent.mkdir(parents=True, exist_ok=True)
            for suffix in (".onnx", ".json"):
                shutil.copyfile(variant.path.with_suffix(suffix), place.with_suffix(suffix))
        ways.append({"precision": "int8"})
        if openvino:
            ways.append({"precision": "int8", "device": "openvino"})
    if openvino and this_processor().has_bf16:
        ways.append({"precision": "bf16"})
    return tuple(ways)


def _place(folder: Path, model: str) -> Path:
    return folder / "models" / model / f"{model}.onnx"


def _lend(found: Path, place: Path) -> None:
    with suppress(OSError):  # Windows asks for a right to make links
        place.symlink_to(found.absolute())
        return
    shutil.copyfile(found, place)
