"""How near to the truth models come, all on the same photos, and how long their networks take.

    python -m benchmarks.accuracy --data shard.tar --models bolt u2netp network.onnx --sheet sheet.webp

What is measured is the alpha a user gets, in 8 bits and at the photo's own size; `benchmarks.metrics` defines
the measures. The contact sheet shows 48 photos, chosen by the first model alone (its best, median and worst
by MAE), with every model beside one another: put a model that stays the same first, and sheets of different
runs show the same photos.
"""

from __future__ import annotations

import sys
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from benchmarks import candidates, report, samples, sheet
from benchmarks.candidates import U2NETP, Candidate
from benchmarks.metrics import Accuracy, PhotoScores, Scores
from benchmarks.samples import Sample, SamplesError
from rembolt.bench.alternate import alternate, ratios, seconds, spread
from rembolt.errors import RemboltError
from rembolt.segmenters.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WARM_UPS = 3


class Measured(NamedTuple):
    """One photo and how near each model came to its truth, by the model's name."""

    sample: Sample
    scores: dict[str, PhotoScores]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = report.flags(__doc__, rounds=30)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="shards or folders of pairs")
    parser.add_argument("--limit", type=report.positive, metavar="N", help="only the first N photos of each")
    parser.add_argument("--no-time", action="store_true", help="leave the networks' time out")
    parser.add_argument(
        "--sheet", type=sheet.path, metavar="FILE", help="draw 48 photos: .png, .webp or .jpg"
    )
    candidates.add_flags(parser)
    candidates.add_refine_flag(parser)
    asked = parser.parse_args(arguments)
    report.introduce()
    try:
        models = candidates.open_all(asked)
        everything: list[Measured] = []
        results = {}
        for name, place in zip(report.labels(asked.data), asked.data, strict=True):
            photos = list(islice(samples.read(place), asked.limit))
            measured, scores = measure(photos, models, name)
            _print(name, scores)
            everything += measured
            results[name] = _as_dict(measured, scores)
    except (RemboltError, SamplesError, FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    times = {} if asked.no_time else network_times(models, everything[0].sample, asked.rounds)
    if times:
        _print_times(times, asked.threads, asked.rounds)
    settings = {"rounds": asked.rounds, "threads": asked.threads, "exact": asked.exact}
    fed = {model.name: model.fed() for model in models}
    report.write(asked.json, {**settings, "models": fed, "data": results, "network_seconds": times})
    if asked.sheet:
        contact_sheet(everything, models).save(asked.sheet, quality=90)
    return 0


def measure(
    photos: Sequence[Sample], models: Sequence[Candidate], name: str
) -> tuple[list[Measured], dict[str, Scores]]:
    """Measure every model on every photo.

    Args:
        photos: with their true masks.
        models: what is measured.
        name: of the data set, for the progress bar.

    Returns:
        Each photo's scores, and each model's over all photos.

    Raises:
        SamplesError: a photo or mask cannot be read, or they differ in size.
    """
    accuracy = {model.name: Accuracy() for model in models}
    measured = []
    for sample in report.progress(photos, name):
        truth = sample.truth()
        try:
            scores = {
                model.name: accuracy[model.name].add(model.alpha(sample.photo), truth) for model in models
            }
        except ValueError as error:
            raise SamplesError(f"{name}, {sample.name}: {error}") from error
        measured.append(Measured(sample, scores))
    return measured, {model: sums.scores() for model, sums in accuracy.items()}


def network_times(models: Sequence[Candidate], sample: Sample, rounds: int) -> dict[str, list[float]]:
    """Seconds of the networks alone on one photo, the models taking turns."""
    picture = sample.picture()
    calls = {model.name: partial(seconds, _network(model, picture)) for model in models}
    return alternate(calls, rounds, warm_ups=WARM_UPS)


def _network(model: Candidate, picture: Image.Image) -> Callable[[], object]:
    inner = model.remover.inner_session
    feeds = {inner.get_inputs()[0].name: prepare(picture, model.spec, exact=False)}
    return partial(inner.run, None, feeds)


def contact_sheet(measured: Sequence[Measured], models: Sequence[Candidate]) -> Image.Image:
    """The first model's best, median and worst photos: photo, truth, and every model's cut-out on green."""
    first = models[0].name
    groups = sheet.choose([photo.scores[first].mae for photo in measured])
    return sheet.draw(
        {
            f"{group} {len(indices)} of {len(measured)} by MAE of {first}": [
                _row(measured[index], models) for index in indices
            ]
            for group, indices in groups.items()
        }
    )


def _row(measured: Measured, models: Sequence[Candidate]) -> sheet.Row:
    sample, scores = measured
    truth = Image.fromarray(sample.truth())
    cells = [sheet.Cell.of(sample.picture(), sample.name), sheet.Cell.of(truth, "truth")]
    for model in models:
        cutout = model.remover.cutout(sample.photo).to_pil(bgcolor=sheet.GREEN)
        cells.append(sheet.Cell.of(cutout, f"{model.name} {scores[model.name].mae:.3f}"))
    return tuple(cells)


def _print(name: str, scores: dict[str, Scores]) -> None:
    photos = next(iter(scores.values())).photos
    report.table(
        f"{name}, {photos} photos; the boundary error is in percent of the diagonal",
        ("model", "maxF", "MAE", "S-measure", "boundary"),
        [
            (
                model,
                f"{one.max_f:.3f}",
                f"{one.mae:.4f}",
                f"{one.s_measure:.3f}",
                f"{one.boundary_error:.2f}",
            )
            for model, one in scores.items()
        ],
    )


def _print_times(times: dict[str, list[float]], threads: int, rounds: int) -> None:
    report.table(
        f"the network alone, {threads} threads, {rounds} rounds: median (quartiles), speed beside {U2NETP}",
        ("model", "ms", "speed"),
        [
            (
                model,
                spread([value * 1000 for value in values], 1),
                spread(ratios(times[U2NETP], values), 1) if U2NETP in times else "",
            )
            for model, values in times.items()
        ],
    )


def _as_dict(measured: Sequence[Measured], scores: dict[str, Scores]) -> dict[str, object]:
    return {
        "models": {model: one._asdict() for model, one in scores.items()},
        "photos": {
            photo.sample.name: {model: one._asdict() for model, one in photo.scores.items()}
            for photo in measured
        },
    }


if __name__ == "__main__":
    sys.exit(main())
