"""What refining does to models' masks: none, fast and best on the same answers of the same networks.

The truths are masks of salient objects, drawn by hand; `benchmarks.metrics` defines the measures.
"""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import candidates, report, samples
from benchmarks.edges.ways import best, enlarged, fast
from benchmarks.metrics import Accuracy, Scores
from benchmarks.samples import SamplesError
from rembolt.errors import RemboltError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.candidates import Candidate
    from benchmarks.samples import Sample

REFINEMENTS = {"none": enlarged, "fast": fast, "best": best}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = report.flags(__doc__, rounds=None)
    parser.prog = "python -m benchmarks.edges masks"
    parser.add_argument("--data", type=Path, required=True, help="shard or folder with true masks")
    parser.add_argument("--limit", type=report.positive, metavar="N", help="only the first N photos")
    candidates.add_flags(parser)
    asked = parser.parse_args(arguments)
    report.introduce()
    try:
        models = candidates.open_all(asked)
        scores = measure(list(islice(samples.read(asked.data), asked.limit)), models, asked.data.name)
    except (RemboltError, SamplesError, FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    for model, each in scores.items():
        _print(f"{asked.data.name}, {model}", each)
    report.write(
        asked.json,
        {
            "data": asked.data.name,
            "exact": asked.exact,
            "models": {model.name: model.fed() for model in models},
            "scores": {
                model: {name: one._asdict() for name, one in each.items()} for model, each in scores.items()
            },
        },
    )
    return 0


def measure(photos: Sequence[Sample], models: Sequence[Candidate], name: str) -> dict[str, dict[str, Scores]]:
    """Measure every refinement of every model's masks.

    Args:
        photos: with their true masks.
        models: whose masks are refined; each network runs once a photo.
        name: of the data set, for the progress bar and in errors.

    Returns:
        The scores by model and refinement.

    Raises:
        SamplesError: a photo or mask cannot be read, or they differ in size.
    """
    sums = {model.name: {refinement: Accuracy() for refinement in REFINEMENTS} for model in models}
    for sample in report.progress(photos, name):
        image, truth = sample.picture(), sample.truth()
        for model in models:
            mask = model.mask(image)
            for refinement, way in REFINEMENTS.items():
                alpha = np.asarray(way(image, mask))
                try:
                    sums[model.name][refinement].add(alpha, truth)
                except ValueError as error:
                    raise SamplesError(f"{name}, {sample.name}: {error}") from error
    return {
        model: {refinement: one.scores() for refinement, one in each.items()} for model, each in sums.items()
    }


def _print(title: str, scores: dict[str, Scores]) -> None:
    count = next(iter(scores.values())).photos
    report.table(
        f"{title}, {count} photos; the boundary error is in percent of the diagonal",
        ("refine", "maxF", "MAE", "boundary"),
        [
            (name, f"{one.max_f:.4f}", f"{one.mae:.4f}", f"{one.boundary_error:.3f}")
            for name, one in scores.items()
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
