"""Time of making an alpha from a coarse mask, and the memory it takes, beside rembg's matting.

The ways take turns in one process. rembg's time is that of `alpha_matting_cutout` on a mask that is enlarged
already; it gives colours too, so rembolt's ways are also timed with its own. The memory is that of a fresh
process which refines one photo, beyond the same process with only photo and mask (`benchmarks.edges.peak`).
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps

import benchmarks
from benchmarks import report
from benchmarks.candidates import Candidate
from benchmarks.edges.ways import ENLARGED, REMBG, TRIMAP, best, enlarged, fast, rembg_is_here
from rembolt import Remover
from rembolt.bench import children
from rembolt.bench.alternate import alternate, ratios, seconds, spread
from rembolt.bench.photos import photo as made_photo
from rembolt.errors import RemboltError
from rembolt.images.source import read_picture
from rembolt.models.catalogue import find_model
from rembolt.settings import InputOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIZES = ((1920, 1080), (4000, 3000))
MOST_FOR_REMBG = 1920 * 1080
"""Pixels beyond which rembg's matting takes minutes and gigabytes, and is asked only with `--slow`."""

MODEL = "bolt"
REFINEMENTS = ("fast", "best")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = report.flags(__doc__, rounds=5)
    parser.prog = "python -m benchmarks.edges time"
    parser.add_argument(
        "--photo", type=Path, metavar="FILE", help="enlarged and cropped (default: a made one)"
    )
    parser.add_argument("--sizes", type=report.size, nargs="+", default=SIZES, metavar="WxH")
    parser.add_argument("--slow", action="store_true", help="rembg's matting on photos beyond 1080p too")
    parser.add_argument("--no-memory", action="store_true", help="leave the memory out")
    asked = parser.parse_args(arguments)
    report.introduce()
    with_rembg = rembg_is_here()
    with_memory = not asked.no_memory and children.can_measure()
    if not (asked.no_memory or with_memory):
        report.note("this system does not tell what a child process used: the memory is left out.")
    sizes: dict[str, dict[str, Any]] = {}
    try:
        model = Candidate(MODEL, find_model(MODEL), Remover(MODEL))
        for size in asked.sizes:
            label = f"{size[0]}x{size[1]}"
            image = _photo(asked.photo, size)
            mask = model.mask(image)
            theirs = with_rembg and (asked.slow or size[0] * size[1] <= MOST_FOR_REMBG)
            if with_rembg and not theirs:
                report.note(
                    f"{label}: rembg's matting is left out, it would take minutes; --slow measures it."
                )
            times = alternate(_calls(image, mask, rembg=theirs), asked.rounds)
            _print(f"{label}, {asked.rounds} rounds: median (quartiles)", times)
            sizes[label] = {"seconds": times}
            if with_memory:
                peaks = memory(image, mask, asked.rounds)
                _print_memory(label, image.size, peaks)
                sizes[label]["peak_bytes"] = peaks
    except RemboltError as error:
        parser.error(str(error))
    report.write(asked.json, {"rounds": asked.rounds, "model": MODEL, "sizes": sizes})
    return 0


def _photo(path: Path | None, size: tuple[int, int]) -> Image.Image:
    """A photo of this size, mode `RGB`: the user's, its middle enlarged, or a made one."""
    if path is None:
        return made_photo(*size)
    return ImageOps.fit(read_picture(path, InputOptions()).image, size, Image.Resampling.BICUBIC)


def _calls(image: Image.Image, mask: Image.Image, *, rembg: bool) -> dict[str, Callable[[], float]]:
    """What takes turns: each call gives its seconds."""
    from rembolt.cutout.foreground import foreground

    def with_colours(way: Callable[[Image.Image, Image.Image], Image.Image]) -> object:
        return foreground(image, way(image, mask))

    calls: dict[str, Callable[[], object]] = {
        ENLARGED: partial(enlarged, image, mask),
        "rembolt fast": partial(fast, image, mask),
        "rembolt best": partial(best, image, mask),
        "rembolt fast, colours": partial(with_colours, fast),
        "rembolt best, colours": partial(with_colours, best),
    }
    if rembg:
        from rembg.bg import alpha_matting_cutout

        large = mask.resize(image.size, Image.Resampling.LANCZOS)
        calls[REMBG] = partial(_matted, alpha_matting_cutout, image, large)
    return {name: partial(seconds, call) for name, call in calls.items()}


def _matted(matting: Callable[..., object], image: Image.Image, mask: Image.Image) -> None:
    try:
        matting(image, mask, *TRIMAP)
    except ValueError as error:
        raise NoTrimapError(
            "rembg finds no sure foreground or background here; take another --photo."
        ) from error


class NoTrimapError(RemboltError):
    """The photo's mask leaves rembg nothing to do."""


def memory(image: Image.Image, mask: Image.Image, rounds: int) -> dict[str, dict[str, list[int]]]:
    """The most memory of a process that refines, and of one that stops just before, by refinement, in bytes.

    Raises:
        ChildFailedError: one of them fails.
    """
    root = str(Path(benchmarks.__file__).resolve().parent.parent)
    known = [part for part in (root, os.environ.get("PYTHONPATH")) if part]
    environment = {"PYTHONPATH": os.pathsep.join(known)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image.save(folder / "photo.png", compress_level=1)
        mask.save(folder / "mask.png")
        program = [sys.executable, "-m", "benchmarks.edges.peak", "photo.png", "mask.png"]
        runs: dict[str, Callable[[], int]] = {}
        for refinement in REFINEMENTS:
            for stage in ("before", "after"):
                command = [*program, refinement, stage]
                runs[f"{refinement} {stage}"] = partial(_peak, command, folder, environment)
        peaks = alternate(runs, rounds, warm_ups=0)
    return {
        refinement: {stage: peaks[f"{refinement} {stage}"] for stage in ("before", "after")}
        for refinement in REFINEMENTS
    }


def _peak(command: list[str], folder: Path, environment: dict[str, str]) -> int:
    return children.measure(command, folder, environment).peak


def _print(title: str, times: dict[str, list[float]]) -> None:
    beside = REMBG in times
    report.table(
        title + (f"; speed beside {REMBG}" if beside else ""),
        ("", "ms", *(["speed"] if beside else [])),
        [
            (
                name,
                spread([value * 1000 for value in values], 1),
                *([spread(ratios(times[REMBG], values), 1)] if beside else []),
            )
            for name, values in times.items()
        ],
    )


def _print_memory(label: str, size: tuple[int, int], peaks: dict[str, Any]) -> None:
    rgb = size[0] * size[1] * 3
    rows = []
    for refinement, peak in peaks.items():
        beyond = [after - before for before, after in zip(peak["before"], peak["after"], strict=True)]
        rows.append((refinement, f"{median(beyond) / 1e6:.0f}", spread([one / rgb for one in beyond], 1)))
    title = f"{label} ({rgb / 1e6:.0f} MB as RGB): the most memory of refining, beyond photo and mask"
    report.table(title, ("refine", "MB", "times the RGB size"), rows)


if __name__ == "__main__":
    sys.exit(main())
