"""Which of a model's weights are loaded, and how: what was asked for by name, then what was measured here."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from rembolt import profile
from rembolt.engine.device import candidates
from rembolt.engine.processor import quantisation_types, this_processor
from rembolt.engine.session import Placement
from rembolt.engine.threads import threads_asked_for
from rembolt.errors import DeviceError
from rembolt.models import variants

if TYPE_CHECKING:
    from pathlib import Path

    from rembolt.models.spec import ModelSpec
    from rembolt.settings import SessionOptions

log = logging.getLogger(__name__)

FAMILIES = frozenset({"saliency", "cloth"})
"""Those whose one network can be quantised and tuned."""

MADE = frozenset({"int8", "fp16"})
"""Precisions that `rembolt quantise` makes."""

WORTH = 1.05
"""Times as fast as the model's own weights int8 must have been to be chosen without a profile."""

_said: set[str] = set()


class Place(NamedTuple):
    """What a session is made of.

    Attributes:
        spec: the model, with the precision of `path`.
        path: its ONNX file.
        placement: where and how it runs.
        measured: whether anything here was chosen by a measurement, not by name.
    """

    spec: ModelSpec
    path: Path
    placement: Placement
    measured: bool = False


def as_asked(spec: ModelSpec, path: Path, options: SessionOptions) -> Place:
    """The model's own weights, or with `precision` int8 or fp16 those that `rembolt quantise` made.

    Raises:
        DeviceError: there are none.
    """
    placement = Placement(options.device, options.precision, options.threads)
    precision = options.precision
    if precision not in MADE or spec.precision == precision or spec.family not in FAMILIES:
        return Place(spec, path, placement)
    variant = variant_of(path, precision)
    if variant is None:
        to = "" if precision == "int8" else f" --to {precision}"
        raise DeviceError(
            f"model {spec.name!r} has no {precision} weights here, only {spec.precision}; make them with: "
            f"rembolt quantise {spec.path or spec.name} --photos DIR{to} (or use precision auto)."
        )
    if not variant.report.get("good"):
        _warn(
            f"the {precision} weights of {spec.name} are further from its own than the limit allows "
            "(rembolt quantise was forced); look at the results."
        )
    return Place(replace(spec, precision=precision), variant.path, placement)


def as_measured(spec: ModelSpec, path: Path, options: SessionOptions) -> Place:
    """What `as_asked` says, with what was left open filled in by the profile, or by int8's own report.

    Only for the CPU; threads that `OMP_NUM_THREADS` says count as asked for.

    Raises:
        DeviceError: see `as_asked`.
    """
    if spec.family not in FAMILIES or not on_cpu(options):
        return as_asked(spec, path, options)
    choice = choice_of(spec, path, options)
    if choice is None:
        place = as_asked(spec, path, options)
        if options.precision != "auto" or not _int8_pays(path):
            return place
        log.info("%s runs in int8: it was measured to be as good, and faster on this processor.", spec.name)
        return as_asked(spec, path, replace(options, precision="int8"))._replace(measured=True)
    precision = choice.precision or options.precision
    gone = precision == "int8" != spec.precision and variant_of(path, "int8") is None
    if gone and options.precision == "auto":
        _warn(
            f"the profile has {spec.name} in int8, but those weights are no longer here; it runs in "
            f"{spec.precision}: run rembolt tune again."
        )
        return as_asked(spec, path, options)
    place = as_asked(spec, path, replace(options, precision=precision))
    threads = options.threads if threads_asked_for(options.threads) else choice.threads
    runtime = choice.runtime or place.placement.runtime
    log.info("%s runs as the profile of %s says.", spec.name, choice.date)
    return place._replace(placement=place.placement._replace(threads=threads, runtime=runtime), measured=True)


def choice_of(spec: ModelSpec, path: Path, options: SessionOptions) -> profile.Choice | None:
    """What was measured of a model on this CPU, unless another precision is asked for by name."""
    if spec.family not in FAMILIES or not on_cpu(options):
        return None
    choice = profile.choice_for(path)
    if choice is None or options.precision in ("auto", choice.precision or spec.precision):
        return choice
    return None


def on_cpu(options: SessionOptions) -> bool:
    """Whether the network will run on the CPU, as far as is known before it is loaded."""
    if options.device != "auto":
        return options.device == "cpu"
    first = candidates("auto")
    return bool(first) and first[0].name == "cpu"


def variant_of(path: Path, precision: str) -> variants.Variant | None:
    """Weights of `path` in another precision: made here, or those that came with it, where they suit.

    Those that came with it are of one kind of number, which is right and fast on some processors only.
    """
    made = variants.find(path, precision)
    if made is not None:
        return made
    came = variants.embedded(path, precision)
    return came if came and came.report.get("types") == quantisation_types()._asdict() else None


def _int8_pays(path: Path) -> bool:
    variant = variant_of(path, "int8")
    if variant is None:
        return False
    if variant.embedded:  # `variant_of` gives it only where it pays
        return True
    report = variant.report
    ratio = report.get("time_ratio")
    return (
        report.get("good") is True
        and not report.get("forced")
        and isinstance(ratio, (int, float))
        and ratio > WORTH
        and report.get("processor") == this_processor().name
    )


def _warn(sentence: str) -> None:
    """Say it once in a process."""
    if sentence not in _said:
        _said.add(sentence)
        log.warning("%s", sentence)
