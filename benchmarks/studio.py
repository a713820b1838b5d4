"""Subjects on plain studio backgrounds, as shops photograph them: are they found?

    python -m benchmarks.studio --data alphamatting.tar --models bolt

The data set's masks must be true alphas. Each subject is composited on each background; its own colours,
without the background it was photographed on, are estimated by rembolt's `foreground`
(`rembolt.cutout.foreground`). Every photo counts, also those whose subject is cut off by the frame. A subject
is found when the intersection over union of alpha and truth, both cut at a half, reaches .95.
"""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks import candidates, report, samples, sheet
from benchmarks.metrics import iou
from benchmarks.samples import Sample, SamplesError
from rembolt.cutout.foreground import foreground as straight
from rembolt.errors import RemboltError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.candidates import Candidate

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Colour = tuple[int, int, int]

FOUND = 0.95
"""Intersection over union from which a subject counts as found."""


class Background(NamedTuple):
    """A sweep from one colour to another; a plain background has only one.

    Attributes:
        start: colour at the top, or in the middle of a round sweep.
        end: colour at the bottom, or in the corners.
        round: whether the sweep runs from the middle outwards.
    """

    start: Colour
    end: Colour
    round: bool = False

    def paint(self, height: int, width: int) -> Floats:
        """The background, `float32` RGB `(H, W, 3)` in [0, 255]."""
        y = np.linspace(0, 1, height, dtype=np.float32)[:, np.newaxis]
        x = np.linspace(0, 1, width, dtype=np.float32)[np.newaxis]
        if self.round:
            way = np.hypot(2 * x - 1, 2 * y - 1) / np.sqrt(np.float32(2))
        else:
            way = np.broadcast_to(y, (height, width))
        start, end = np.array(self.start, np.float32), np.array(self.end, np.float32)
        colours: Floats = start + way[..., np.newaxis] * (end - start)
        return colours


def _plain(*colour: int) -> Background:
    red, green, blue = colour
    return Background((red, green, blue), (red, green, blue))


BACKGROUNDS = {
    "white": _plain(255, 255, 255),
    "light grey": _plain(211, 211, 211),
    "grey": _plain(128, 128, 128),
    "dark grey": _plain(48, 48, 48),
    "blue": _plain(120, 170, 215),
    "green": _plain(90, 170, 100),
    "red": _plain(190, 60, 60),
    "yellow": _plain(240, 205, 80),
    "white to grey": Background((255, 255, 255), (165, 165, 165)),
    "grey to black": Background((150, 150, 150), (20, 20, 20), round=True),
    "white to blue": Background((235, 245, 255), (90, 130, 190), round=True),
}
"""Backgrounds by name."""


class Found(NamedTuple):
    """How well each model found one subject on one background: intersection over union by model."""

    sample: str
    background: str
    ious: dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = report.flags(__doc__, rounds=None)
    parser.add_argument("--data", type=Path, required=True, help="shard or folder with true alphas")
    parser.add_argument("--limit", type=report.positive, metavar="N", help="only the first N photos")
    parser.add_argument(
        "--sheet", type=sheet.path, metavar="FILE", help="draw every result: .png, .webp or .jpg"
    )
    candidates.add_flags(parser)
    candidates.add_refine_flag(parser)
    asked = parser.parse_args(arguments)
    report.introduce()
    try:
        models = candidates.open_all(asked)
        photos = list(islice(samples.read(asked.data), asked.limit))
        found = measure(photos, models)
    except (RemboltError, SamplesError, FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    _print(found, [model.name for model in models], len(photos))
    settings = {"threads": asked.threads, "exact": asked.exact, "data": asked.data.name}
    report.write(asked.json, {**settings, "found": [one._asdict() for one in found]})
    if asked.sheet:
        contact_sheet(photos, found, models).save(asked.sheet, quality=90)
    return 0


def measure(photos: Sequence[Sample], models: Sequence[Candidate]) -> list[Found]:
    """Measure every model on every photo's subject on every background, photo by photo.

    Raises:
        SamplesError: a photo or mask cannot be read, or they differ in size.
    """
    found = []
    for sample in report.progress(photos, "composites"):
        truth = sample.truth()
        for background, scene in scenes(sample).items():
            ious = {model.name: iou(model.alpha(scene), truth) for model in models}
            found.append(Found(sample.name, background, ious))
    return found


def scenes(sample: Sample) -> dict[str, Bytes]:
    """A photo's subject on each background, `uint8` RGB `(H, W, 3)`, by the background's name."""
    photo, alpha = np.asarray(sample.picture()), sample.truth()
    if photo.shape[:2] != alpha.shape:
        raise SamplesError(f"the photo of {sample.name} is {photo.shape[:2]} and its mask {alpha.shape}.")
    foreground = np.asarray(straight(Image.fromarray(photo), Image.fromarray(alpha)))
    return {
        name: composite(foreground, alpha, background.paint(*alpha.shape))
        for name, background in BACKGROUNDS.items()
    }


def composite(foreground: Bytes, alpha: Bytes, background: Floats) -> Bytes:
    """Put a subject on a background.

    Args:
        foreground: its own colours, `uint8` RGB `(H, W, 3)`.
        alpha: the true one, `uint8` `(H, W)`.
        background: `float32` RGB `(H, W, 3)` in [0, 255].
    """
    opacity = alpha[..., np.newaxis].astype(np.float32) / np.float32(255)
    mixed = opacity * foreground + (1 - opacity) * background
    composited: Bytes = np.rint(mixed).astype(np.uint8)
    return composited


def contact_sheet(
    photos: Sequence[Sample], found: Sequence[Found], models: Sequence[Candidate]
) -> Image.Image:
    """Every composite and every model's cut-out on green, a column for each background."""
    ious = {(one.sample, one.background): one.ious for one in found}
    groups: dict[str, list[sheet.Row]] = {name: [] for name in BACKGROUNDS}
    for sample in photos:
        for background, scene in scenes(sample).items():
            cells = [sheet.Cell.of(Image.fromarray(scene), sample.name)]
            for model in models:
                cutout = model.remover.cutout(scene).to_pil(bgcolor=sheet.GREEN)
                cells.append(
                    sheet.Cell.of(cutout, f"{model.name} {ious[sample.name, background][model.name]:.3f}")
                )
            groups[background].append(tuple(cells))
    return sheet.draw(groups)


def _print(found: Sequence[Found], models: Sequence[str], photos: int) -> None:
    def row(name: str, some: Sequence[Found]) -> tuple[str, ...]:
        cells = [name]
        for model in models:
            ious = [one.ious[model] for one in some]
            cells += [f"{fmean(ious):.3f}", f"{sum(value >= FOUND for value in ious)} of {len(ious)}"]
        return tuple(cells)

    report.table(
        f"{photos} subjects on studio backgrounds: mean intersection over union, and how many reach {FOUND}",
        ("background", *(heading for model in models for heading in (model, f"{FOUND}"))),
        [
            *(row(name, [one for one in found if one.background == name]) for name in BACKGROUNDS),
            row("all", found),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
