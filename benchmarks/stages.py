"""The whole job in a warm process, encoded photo in and PNG out: rembolt beside rembg, and its stages."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import report, u2netp
from benchmarks.alternate import alternate, ratios, spread
from benchmarks.photos import jpeg, photo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rembolt import Remover

SIZES = ((1920, 1080), (4000, 3000))
BOLT = "rembolt bolt"
SAME_WEIGHTS = "rembolt u2netp"
SAME_PIXELS = "rembolt u2netp --exact"
REMBG = "rembg u2netp"


class Job(NamedTuple):
    """One photo: seconds of the whole and, where they are known, of each stage."""

    total: float
    stages: dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = report.flags(__doc__, rounds=7)
    parser.add_argument("--sizes", type=report.size, nargs="+", default=SIZES, metavar="WxH")
    parser.add_argument("--photo", type=Path, help="measure with this photo instead of those made here")
    parser.add_argument(
        "--u2netp", type=Path, metavar="FILE", help="weights of u2netp (default: the store's)"
    )
    asked = parser.parse_args(arguments)
    weights = u2netp.find(asked.u2netp)
    report.introduce()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(u2netp.environment(weights, Path(folder)))
        candidates = _candidates(with_u2netp=weights is not None)
    if weights is None:
        report.note(u2netp.MISSING)
    if find_spec("rembg") is None:
        report.note('rembg is not installed (pip install "rembg[cpu]"): it is skipped.')
    if asked.photo:
        photos = {"photo": asked.photo.read_bytes()}
    else:
        photos = {f"{width}x{height}": jpeg(photo(width, height)) for width, height in asked.sizes}
    results = {}
    for what, data in photos.items():
        jobs = alternate({name: partial(job, data) for name, job in candidates.items()}, asked.rounds)
        _print(what, jobs, asked.rounds)
        results[what] = {name: [one._asdict() for one in all_] for name, all_ in jobs.items()}
    report.write(asked.json, {"rounds": asked.rounds, "jobs": results})
    return 0


def _candidates(*, with_u2netp: bool) -> dict[str, Callable[[bytes], Job]]:
    """The jobs, each with a session that is loaded already."""
    from rembolt import Remover

    candidates: dict[str, Callable[[bytes], Job]] = {BOLT: partial(_rembolt, Remover())}
    if with_u2netp:
        candidates[SAME_WEIGHTS] = partial(_rembolt, Remover("u2netp"))
        candidates[SAME_PIXELS] = partial(_rembolt, Remover("u2netp", exact=True))
        if find_spec("rembg"):
            import rembg  # type: ignore[import-untyped,unused-ignore]

            candidates[REMBG] = partial(_rembg, rembg.remove, rembg.new_session("u2netp"))
    return candidates


def _rembolt(remover: Remover, data: bytes) -> Job:
    start = time.perf_counter()
    encoded = remover.encode(data)
    return Job(time.perf_counter() - start, dict(encoded.timings))


def _rembg(remove: Callable[..., Any], session: Any, data: bytes) -> Job:
    start = time.perf_counter()
    remove(data, session=session)
    return Job(time.perf_counter() - start, {})


def _print(what: str, jobs: dict[str, list[Job]], rounds: int) -> None:
    totals = {name: [job.total for job in all_] for name, all_ in jobs.items()}
    report.table(
        f"{what}, {rounds} rounds: median (quartiles), and times as fast as rembg",
        ("whole job", "ms", "speed"),
        [
            (
                name,
                spread([value * 1000 for value in values], 1),
                spread(ratios(totals[REMBG], values), 2) if REMBG in totals else "",
            )
            for name, values in totals.items()
        ],
    )
    known = {name: all_ for name, all_ in jobs.items() if all_[0].stages}
    stages = list(dict.fromkeys(stage for all_ in known.values() for stage in all_[0].stages))
    report.table(
        f"{what}: stages, median ms",
        ("", *stages),
        [(name, *(_stage(all_, stage) for stage in stages)) for name, all_ in known.items()],
    )


def _stage(jobs: list[Job], stage: str) -> str:
    values = [job.stages[stage] for job in jobs if stage in job.stages]
    return f"{median(values) * 1000:.1f}" if values else ""


if __name__ == "__main__":
    sys.exit(main())
