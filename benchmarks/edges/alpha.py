"""How near alphas come to the true ones from a coarse mask, enlarged, by rembg's matting and by rembolt.

The coarse masks are made of the true alphas (`benchmarks.edges.coarse`), so that nothing is measured but what
is made of them; `benchmarks.edges.errors` defines the errors.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import report
from benchmarks.edges import photos
from benchmarks.edges.coarse import KINDS, SIDE, coarse
from benchmarks.edges.errors import Errors, errors, mean
from benchmarks.edges.ways import ENLARGED, rembg_is_here, ways
from benchmarks.samples import SamplesError
from rembolt.errors import RemboltError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.edges.photos import Photo
    from benchmarks.edges.ways import Way

    Scores = dict[str, Errors]
    """Errors by way."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = report.flags(__doc__, rounds=None)
    parser.prog = "python -m benchmarks.edges alpha"
    photos.add_flags(parser)
    asked = parser.parse_args(arguments)
    report.introduce()
    try:
        all_photos = list(photos.read(asked.data, asked.limit))
        every_way = ways(rembg=rembg_is_here())
        measured = {kind: measure(all_photos, kind, every_way) for kind in KINDS}
    except (RemboltError, SamplesError) as error:
        parser.error(str(error))
    means = {
        kind: {way: mean([one[way] for one in scores.values()]) for way in every_way}
        for kind, scores in measured.items()
    }
    for kind, scores in means.items():
        _print(f"{asked.data.name}, {len(all_photos)} photos, {kind} masks", scores)
    results = {
        kind: {
            "means": {way: one._asdict() for way, one in means[kind].items()},
            "photos": {
                name: {way: one._asdict() for way, one in scores.items()}
                for name, scores in measured[kind].items()
            },
        }
        for kind in KINDS
    }
    report.write(asked.json, {"data": asked.data.name, "side": SIDE, "masks": results})
    return 0


def measure(all_photos: Sequence[Photo], kind: str, every_way: Mapping[str, Way]) -> dict[str, Scores]:
    """Measure every way on every photo from one kind of coarse mask.

    Returns:
        The errors by photo and way.
    """
    scores = {}
    for photo in report.progress(all_photos, f"{kind} masks"):
        mask = coarse(photo.truth, kind)
        scores[photo.name] = {
            name: errors(np.asarray(way(photo.image, mask)), photo.truth) for name, way in every_way.items()
        }
    return scores


def _print(title: str, scores: Scores) -> None:
    names = Errors._fields
    plain = scores[ENLARGED]
    report.table(
        f"{title} of {SIDE}x{SIDE}: errors times 1000, and beside those of the enlarged mask",
        ("", *(heading for name in names for heading in (name, "ratio"))),
        [
            (
                way,
                *(
                    cell
                    for value, base in zip(one, plain, strict=True)
                    for cell in (f"{value:.2f}", f"{value / base:.2f}" if base else "")
                ),
            )
            for way, one in scores.items()
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
