"""How near cut-out colours come to the subject's own, on another background, and how long finding them takes.

Each subject is composited with its true alpha on a second photo, cut out of there with the same alpha, and
put on a third: what differs from the same subject put there directly is what its colours kept of the second.
The subject's own colours are PyMatting's multi-level estimate from the true alpha, as no photo has them; that
suits rembg's `decontaminate`, which is the same estimate once more.
"""

from __future__ import annotations

import sys
from functools import partial
from itertools import cycle, islice
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from benchmarks import report
from benchmarks.edges import photos
from benchmarks.samples import SamplesError
from benchmarks.studio import composite
from rembolt.bench.alternate import alternate, ratios, seconds, spread
from rembolt.errors import RemboltError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.edges.photos import Photo

Bytes = npt.NDArray[np.uint8]

UNTOUCHED, NAIVE, DECONTAMINATE, REMBOLT = "untouched", "rembg naive", "rembg decontaminate", "rembolt"
PYMATTING = "PyMatting's multi-level"
FEWEST = 3
"""Photos it takes: a subject and two backgrounds."""


class Scene(NamedTuple):
    """A subject on a second photo, and what it looks like on a third.

    Attributes:
        name: of the subject's photo.
        image: the subject on the second photo, mode `RGB`.
        alpha: the true one, mode `L`.
        ground: the third photo, `float32` `(H, W, 3)` in [0, 255].
        truth: the subject put on the third photo directly, `uint8` `(H, W, 3)`.
    """

    name: str
    image: Image.Image
    alpha: Image.Image
    ground: npt.NDArray[np.float32]
    truth: Bytes

    def enlarged(self, size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
        """Photo and alpha at another size, cropped to its aspect."""
        image, alpha = (ImageOps.fit(one, size, Image.Resampling.BICUBIC) for one in (self.image, self.alpha))
        return image, alpha


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = report.flags(__doc__, rounds=9)
    parser.prog = "python -m benchmarks.edges colours"
    photos.add_flags(parser)
    parser.add_argument(
        "--size", type=report.size, default=(1920, 1080), metavar="WxH", help="of the photos that are timed"
    )
    parser.add_argument("--no-time", action="store_true", help="leave the time out")
    asked = parser.parse_args(arguments)
    report.introduce()
    try:
        import rembg.bg  # noqa: F401 - the truth is PyMatting's, which comes with it
    except ImportError:
        parser.error("this needs rembg and PyMatting: `pip install 'rembolt[test]'`.")
    try:
        all_scenes = list(scenes(list(photos.read(asked.data, asked.limit))))
        measured = {scene.name: measure(scene) for scene in report.progress(all_scenes, "colours")}
        times = {} if asked.no_time else colour_times(all_scenes, asked.size, asked.rounds)
    except (RemboltError, SamplesError) as error:
        parser.error(str(error))
    means = {way: fmean(one[way] for one in measured.values()) for way in next(iter(measured.values()))}
    report.table(
        f"{asked.data.name}, {len(measured)} subjects: mean error of a colour channel where alpha is between "
        f"0 and 1, of 255, on a new background",
        ("colours", "error", "ratio to naive"),
        [
            (way, f"{error:.3f}", f"{error / means[NAIVE]:.3f}" if means[NAIVE] else "")
            for way, error in means.items()
        ],
    )
    if times:
        _print_times(times, asked.size, asked.rounds)
    results = {"means": means, "photos": measured, "seconds": times, "rounds": asked.rounds}
    report.write(asked.json, {"data": asked.data.name, "size": asked.size, **results})
    return 0


def scenes(all_photos: Sequence[Photo]) -> Iterator[Scene]:
    """Put each photo's subject on the next photo; the one after that is the new background.

    Photos whose alpha has no soft edge have nothing to measure and are left out, with a word about it.

    Raises:
        SamplesError: there are fewer than `FEWEST` photos, or none with a soft edge.
    """
    if len(all_photos) < FEWEST:
        raise SamplesError(f"colours take {FEWEST} photos, a subject and two backgrounds; give more.")
    any_soft = False
    for index, photo in enumerate(all_photos):
        if not _band(photo.truth).any():
            report.note(f"{photo.name}: its alpha has no soft edge, it is left out.")
            continue
        any_soft = True
        second, third = (
            ImageOps.fit(
                all_photos[(index + step) % len(all_photos)].image, photo.image.size, Image.Resampling.BICUBIC
            )
            for step in (1, 2)
        )
        own = multi_level(np.asarray(photo.image) / 255.0, photo.truth / 255.0)
        colours = np.rint(np.clip(own, 0, 1) * 255).astype(np.uint8)
        ground = np.asarray(third, np.float32)
        yield Scene(
            photo.name,
            Image.fromarray(composite(colours, photo.truth, np.asarray(second, np.float32))),
            Image.fromarray(photo.truth),
            ground,
            composite(colours, photo.truth, ground),
        )
    if not any_soft:
        raise SamplesError("no alpha here has a soft edge: there are no mixed colours to measure.")


def multi_level(pixels: npt.NDArray[np.float64], alpha: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """PyMatting's estimate of the subject's colours, as rembg calls it.

    Args:
        pixels: RGB `(H, W, 3)` in [0, 1].
        alpha: `(H, W)` in [0, 1].

    Returns:
        `(H, W, 3)`, about in [0, 1].
    """
    from pymatting.foreground.estimate_foreground_ml import estimate_foreground_ml

    colours: npt.NDArray[np.float32] = estimate_foreground_ml(pixels, alpha)
    return colours


def measure(scene: Scene) -> dict[str, float]:
    """Mean absolute error of a channel in the soft edge, in steps of 255, by how the colours were found."""
    band = _band(np.asarray(scene.alpha))
    truth = scene.truth.astype(np.int16)[band]
    errors = {}
    for name, cut in _cutouts().items():
        rgba = np.asarray(cut(scene.image, scene.alpha))
        placed = composite(rgba[..., :3], rgba[..., 3], scene.ground)
        errors[name] = float(np.abs(placed[band] - truth).mean())
    return errors


def _cutouts() -> dict[str, Callable[[Image.Image, Image.Image], Image.Image]]:
    """The ways to cut out with a known alpha, by name; each gives mode `RGBA`."""
    from rembg.bg import decontaminate_cutout, naive_cutout

    return {UNTOUCHED: _untouched, NAIVE: naive_cutout, DECONTAMINATE: decontaminate_cutout, REMBOLT: _ours}


def _untouched(image: Image.Image, alpha: Image.Image) -> Image.Image:
    cutout = image.convert("RGBA")
    cutout.putalpha(alpha)
    return cutout


def _ours(image: Image.Image, alpha: Image.Image) -> Image.Image:
    from rembolt.cutout.foreground import foreground

    return _untouched(foreground(image, alpha), alpha)


def colour_times(all_scenes: Sequence[Scene], size: tuple[int, int], rounds: int) -> dict[str, list[float]]:
    """Seconds of finding colours, each round on the next scene, enlarged; both ways take turns on it.

    PyMatting gets the floats it works on, made beforehand.
    """
    from rembolt.cutout.foreground import foreground

    enlarged = [scene.enlarged(size) for scene in islice(all_scenes, rounds)]
    floats = [tuple(np.asarray(one) / 255.0 for one in pair) for pair in enlarged]

    def ours(pairs: Iterator[tuple[Image.Image, Image.Image]]) -> float:
        return seconds(partial(foreground, *next(pairs)))

    def theirs(pairs: Iterator[tuple[npt.NDArray[np.float64], ...]]) -> float:
        return seconds(partial(multi_level, *next(pairs)))

    return alternate(
        {REMBOLT: partial(ours, cycle(enlarged)), PYMATTING: partial(theirs, cycle(floats))}, rounds
    )


def _band(alpha: Bytes) -> npt.NDArray[np.bool_]:
    return (alpha > 0) & (alpha < 255)


def _print_times(times: dict[str, list[float]], size: tuple[int, int], rounds: int) -> None:
    report.table(
        f"{size[0]}x{size[1]}, {rounds} rounds, a subject each: median (quartiles), speed beside {PYMATTING}",
        ("colours", "ms", "speed"),
        [
            (
                name,
                spread([value * 1000 for value in values], 1),
                spread(ratios(times[PYMATTING], values), 1),
            )
            for name, values in times.items()
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
