"""Write a run's model card from what was measured, and keep its settings and figures in the repository.

    python -m training.card --name first --run ../runs/first \
        --sizes sizes.json --accuracy accuracy.json --studio studio.json

The folder `training/runs/first` holds the exported network already, unless it is what ships. Numbers come
from files, words from `card.template.md` and the folder's `remarks.md`, which says what a person saw on the
contact sheet. Without files, the card of a run that is kept is written again.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from string import Template
from typing import TYPE_CHECKING, Any

import onnx
import torch
from torch import nn

from benchmarks.studio import FOUND
from rembolt.bench.alternate import ratios, spread
from rembolt.errors import RemboltError
from rembolt.images.files import write_atomically
from training import recipe as recipes
from training.augment import EMPTY
from training.export import OPSET, is_mirrored
from training.network import Bolt
from training.recipe import Views

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from training.recipe import Recipe, Teaching

HERE = Path(__file__).parent
TEMPLATE = HERE / "card.template.md"
KEPT = HERE / "runs"
"""One folder a run: settings, curve, figures, remarks and card, and the network until it ships."""

SHIPPED = HERE.parent / "rembolt" / "models" / "weights" / "bolt.onnx"
"""The network that ships; its run's card lies beside it."""

NETWORK, FIGURES, REMARKS, CARD = "bolt.onnx", "figures.json", "remarks.md", "card.md"
OTHER = "u2netp"
NAMES = {NETWORK: "this network", "bolt": "bolt as it ships", OTHER: OTHER}
"""What the benchmarks call the models, and the card."""


def figures(sizes: Path, accuracy: Path, studio: Path) -> dict[str, Any]:
    """Take what the card needs from the JSON files of what measured it.

    Args:
        sizes: what `training.tune` wrote.
        accuracy: what `benchmarks.accuracy` wrote.
        studio: what `benchmarks.studio` wrote.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is not of its script, or a model is missing in it.
    """
    parts = ((sizes, _of_sizes), (accuracy, _of_accuracy), (studio, _of_studio))
    taken: dict[str, Any] = {}
    for path, take in parts:
        try:
            taken |= take(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is not what the card needs there: {error!r}") from error
    return taken


def _of_sizes(rows: Any) -> dict[str, Any]:
    if not isinstance(rows, list):
        raise TypeError("it is no list")
    return {"sizes": [{**row, **{name: round(row[name], 5) for name in ("mae", "max_f")}} for row in rows]}


def _of_accuracy(found: Any) -> dict[str, Any]:
    times = found["network_seconds"]
    return {
        "fed": found["models"][NETWORK],
        "machine": found["machine"],
        "threads": found["threads"],
        "accuracy": {name: result["models"] for name, result in found["data"].items()},
        "milliseconds": {name: round(median(times[name]) * 1000, 2) for name in times},
        "times_as_fast": {name: spread(ratios(times[OTHER], times[name]), 1) for name in times},
    }


def _of_studio(found: Any) -> dict[str, Any]:
    every = found["found"]
    return {
        "studio": {
            background: {
                name: [round(one["ious"][name], 4) for one in every if one["background"] == background]
                for name in NAMES
            }
            for background in dict.fromkeys(one["background"] for one in every)
        }
    }


def render(run: str, recipe: Recipe, curve: Sequence[dict[str, Any]], measured: dict[str, Any]) -> str:
    """Give the card's text, less the remarks."""
    width, height = measured["fed"]["input_size"]
    low, high = measured["fed"]["levels"]
    mirrored = measured["mirrored"]
    start = next(row for row in reversed(curve) if "device" in row)
    learnt = [row for row in curve if "loss" in row]
    usual = median(row["photos_a_second"] for row in learnt)
    hours = sum(
        (row["step"] - before["step"]) * recipe.at(row["step"] - 1)[0].batch / pace / 3600
        for before, row in pairwise(({"step": 0}, *learnt))
        # Under a tenth of the usual pace the process was stopped: that time is no training.
        for pace in [row["photos_a_second"] if row["photos_a_second"] > usual / 10 else usual]
    )
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        run=run,
        beginning=f"it began with `{init}`" if (init := curve[0].get("init")) else "it began from nothing",
        megabytes=f"{measured['bytes'] / 1e6:.1f}",
        parameters=f"{sum(value.numel() for value in Bolt().parameters()) / 1e6:.2f}",
        gmac=f"{multiplications((width, height)) * (1 + mirrored) / 1e9:.2f}",
        looks=", for a look at the photo and one at its mirror image" if mirrored else "",
        width=width,
        height=height,
        low=low,
        high=high,
        sets=" and ".join(recipe.sets),
        photos=f"{start['photos']:,}",
        held_out=start["held_out"],
        device={"cpu": "two CPU cores", "cuda": "one GPU"}[start["device"]],
        opset=OPSET,
        empty=f"{EMPTY:.0%}",
        reached=FOUND,
        validation=recipe.validation,
        seed=recipe.seed,
        studio=f"{recipe.studio:.0%}",
        close_ups=f" {recipe.close_up:.0%} are close-ups." if recipe.close_up else "",
        whole=f"{recipe.whole:.0%}",
        smallest=f"{recipe.smallest:g}",
        teacher=_teacher(recipe.teaching, start.get("lessons") or []),
        seen=f"{sum(phase.steps * phase.batch for phase in recipe.phases):,}",
        hours=f"{hours:.1f}",
        phases=_phases(recipe),
        validation_curve=_validation(curve),
        sizes=_sizes(measured["sizes"]),
        accuracy=_accuracy(measured["accuracy"]),
        times=_times(measured["milliseconds"], measured["times_as_fast"]),
        threads=measured["threads"],
        processor=measured["machine"]["processor"],
        studio_table=_studio(measured["studio"]),
    )


def multiplications(size: tuple[int, int]) -> int:
    """Multiplications and additions of one picture of `(width, height)` pixels, in pairs."""
    total = 0

    def count(layer: nn.Conv2d, _: object, answer: Tensor) -> None:
        nonlocal total
        total += answer.numel() * layer.weight[0].numel()

    network = Bolt().eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    with torch.inference_mode():
        network(torch.zeros(1, 3, size[1], size[0]))
    return total


def _teacher(teaching: Teaching | None, kinds: Sequence[dict[str, Any]]) -> str:
    if teaching is None:
        return " No other network is a teacher."
    some = "" if teaching.share == 1 else f" of {teaching.share:.0%} of each batch"
    told = (
        f" {OTHER} is a teacher{some} (`training/lessons.py`): its masks are {teaching.masks:.0%} of what"
        f" is to be answered, and the distance from its features counts {teaching.features:g} a layer."
    )
    for kind in kinds:
        views = Views(**kind["views"])
        told += (
            f" Of each photo it saw {kind['scenes']} scenes: {views.studio:.0%} on a made background,"
            f" {views.close_up:.0%} close-ups, {views.whole:.0%} of the others whole, the rest at least"
            f" {views.smallest:g} of the sides."
        )
    return told


def _phases(recipe: Recipe) -> str:
    return _table(
        ("steps", "size", "batch", "learning rate"),
        (
            (f"{one.steps:,}", f"{one.size}", f"{one.batch}", f"{one.rates[0]:g} to {one.rates[1]:g}")
            for one in recipe.phases
        ),
    )


def _validation(curve: Sequence[dict[str, Any]]) -> str:
    return _table(
        ("step", "size", "MAE", "maxF"),
        (
            (f"{row['step']:,}", f"{row['size']}", f"{row['mae']:.3f}", f"{row['max_f']:.3f}")
            for row in curve
            if "mae" in row
        ),
    )


def _sizes(rows: list[dict[str, Any]]) -> str:
    return _table(
        ("input", "maxF", "MAE", "best levels", "MAE with them"),
        (
            (
                f"{row['size']} x {row['size']}",
                f"{row['max_f']:.3f}",
                f"{row['mae']:.4f}",
                f"{row['levels'][0]:g} and {row['levels'][1]:g}",
                f"{row['levelled_mae']:.4f}",
            )
            for row in rows
        ),
    )


def _accuracy(data: dict[str, Any]) -> str:
    return _table(
        ("photos", "model", "maxF", "MAE", "S-measure", "boundary error"),
        (
            (
                f"{name}, {scores['photos']}",
                NAMES[model],
                f"{scores['max_f']:.3f}",
                f"{scores['mae']:.4f}",
                f"{scores['s_measure']:.3f}",
                f"{scores['boundary_error']:.2f} %",
            )
            for name, models in data.items()
            for model, scores in models.items()
        ),
    )


def _times(milliseconds: dict[str, float], times_as_fast: dict[str, str]) -> str:
    return _table(
        ("network", "ms", f"times as fast as {OTHER}"),
        ((NAMES[name], f"{milliseconds[name]:g}", times_as_fast[name]) for name in milliseconds),
    )


def _studio(found: dict[str, dict[str, list[float]]]) -> str:
    return _table(
        ("background", *(heading for name in NAMES.values() for heading in (f"{name}: mean IoU", "found"))),
        (
            (background, *(cell for model in NAMES for cell in _reached(ious[model])))
            for background, ious in found.items()
        ),
    )


def _reached(ious: Sequence[float]) -> tuple[str, str]:
    return f"{fmean(ious):.3f}", f"{sum(value >= FOUND for value in ious)} of {len(ious)}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def network_of(name: str) -> Path:
    """Where the network of a kept run is: in its folder, or in the package if it is what ships."""
    own = KEPT / name / NETWORK
    shipped = SHIPPED.with_suffix(".md").read_text(encoding="utf-8")
    return SHIPPED if shipped.startswith(f"# Model card: {name}\n") and not own.exists() else own


def kept(name: str) -> str:
    """Give the card of a run that is kept in the repository."""
    folder = KEPT / name
    lines = (folder / "curve.jsonl").read_text(encoding="utf-8").splitlines()
    measured = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
    network = network_of(name)
    measured["bytes"] = network.stat().st_size
    measured["mirrored"] = is_mirrored(onnx.load(network))
    text = render(name, recipes.read(folder / "recipe.json"), [json.loads(line) for line in lines], measured)
    return text + "\n" + (folder / REMARKS).read_text(encoding="utf-8")


def keep(run: Path, name: str, measured: dict[str, Any]) -> None:
    """Copy a run's settings and curve into the repository, and put its figures beside them."""
    for file in ("recipe.json", "curve.jsonl"):
        (KEPT / name / file).write_text((run / file).read_text(encoding="utf-8"), encoding="utf-8")
    (KEPT / name / FIGURES).write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Keep the run and write its card, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--name", required=True, help="of the folder that keeps the run in the repository")
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="what training.train wrote")
    parser.add_argument("--sizes", type=Path, metavar="FILE", help="JSON of training.tune")
    parser.add_argument("--accuracy", type=Path, metavar="FILE", help="JSON of benchmarks.accuracy")
    parser.add_argument("--studio", type=Path, metavar="FILE", help="JSON of benchmarks.studio")
    asked = parser.parse_args(arguments)
    measured = (asked.sizes, asked.accuracy, asked.studio)
    if any((asked.run, *measured)) and not all((asked.run, *measured)):
        parser.error("--run, --sizes, --accuracy and --studio go together.")
    try:
        if asked.run:
            keep(asked.run, asked.name, figures(*measured))
        card = KEPT / asked.name / CARD
        write_atomically(card, kept(asked.name).encode())
    except (RemboltError, OSError, ValueError) as error:
        parser.exit(2, f"{error}\n")
    print(f"{card} is written.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
