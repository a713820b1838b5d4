"""Small networks of our own that find, in a photo, the edge that a coarse mask hints at.

They see a small copy of the photo and the mask, and answer lines through the photo's colours, which
`rembolt.cutout.guided` applies at full size. How they are made: `training/edges`.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.cutout.band import levels_by_thresholds, levels_of
from rembolt.cutout.guided import OPEN, Guided, Lines, small_alpha
from rembolt.cutout.small import Copies
from rembolt.errors import BrokenWeightsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rembolt.cutout.small import Small
    from rembolt.engine.session import Session
    from rembolt.settings import CutoutOptions

    Levels = Callable[[tuple[int, int], float], npt.NDArray[np.uint8]]

log = logging.getLogger(__name__)

SIDES = {"fast": (512,), "best": (512, 1024)}
"""Longest side in pixels of the copies that are looked at, one after the other."""

MULTIPLE = 8
"""The networks halve their input up to three times."""

MOST_DETAIL = 1024
"""Longest side that a mask's own detail may ask for: it bounds time and memory, whatever the photo's size."""

PATIENCE = 10.0
"""Seconds that a finer look may take."""

GRID = 2
"""Pixels of the copy that share one line."""


def find_lines(
    session: Session,
    copies: Copies,
    mask: Image.Image,
    sides: tuple[int, ...],
    options: CutoutOptions | None = None,
) -> Lines:
    """Find the lines of a picture.

    Args:
        session: of a network made for this.
        copies: of the picture.
        mask: of its subject, mode `L`, any size.
        sides: longest sides of the copies to look at, the coarsest first. A mask with more detail than the
            first of them is looked at with all its own, up to the last's.
        options: with `alpha_matting`, its numbers say where the alpha is open; otherwise the mask does.

    Raises:
        BrokenWeightsError: the network is not one of these.
    """

    def levels(size: tuple[int, int], step: float) -> npt.NDArray[np.uint8]:
        if options is not None and options.alpha_matting:
            return levels_by_thresholds(mask, size, step, options)
        return levels_of(mask, size)

    detail = min(max(mask.size), MOST_DETAIL)
    seen, lines, started = mask, None, time.monotonic()
    for side in sorted({max(side, detail) for side in sides}):
        small = copies.at(side)
        if lines is not None:
            if small.step[0] * GRID >= lines.step[0]:
                break  # there is no more to see
            spent, growth = time.monotonic() - started, (lines.step[0] / (small.step[0] * GRID)) ** 2
            if spent * growth > PATIENCE:
                log.warning(
                    "refining the edge further would take %.0f seconds here, over the %.0f there are for it; "
                    "the coarser result is used.",
                    spent * growth,
                    PATIENCE,
                )
                break
            # What was found is the mask that the finer look begins with.
            seen = Image.fromarray(small_alpha(small, lines))
        lines = _lines(session, small, seen, levels)
    assert lines is not None
    return lines


def refine(image: Image.Image, mask: Image.Image, quality: str = "fast") -> Image.Image:
    """Make an alpha of a picture and a coarse mask.

    Args:
        image: mode `RGB`.
        mask: mode `L`, any size.
        quality: `fast` or `best`.

    Returns:
        Mode `L`, the picture's size.
    """
    from rembolt.segmenters.opening import open_edges

    lines = find_lines(open_edges(quality), Copies(image), mask, SIDES[quality])
    return Image.fromarray(Guided(image, lines).whole())


def _lines(session: Session, small: Small, mask: Image.Image, levels: Levels) -> Lines:
    width, height = small.image.size
    across, down = -(-width // GRID), -(-height // GRID)
    step = small.step[0] * GRID, small.step[1] * GRID
    band = levels((across, down), step[0])
    coefficients = np.zeros((4, down, across), np.float32)
    coefficients[3] = band
    rows, columns = (np.flatnonzero((band == OPEN).any(axis=axis)) for axis in (1, 0))
    if rows.size:
        box = _box(columns, across), _box(rows, down)
        found = _answers(session, small.image, mask, box)
        (left, right), (top, bottom) = box
        part = np.s_[:, top:bottom, left:right]
        np.copyto(coefficients[part], found, where=band[top:bottom, left:right] == OPEN)
    return Lines(coefficients, band, step)


def _box(places: npt.NDArray[np.intp], length: int) -> tuple[int, int]:
    """From the first to one after the last place, and what the network sees around it."""
    margin = 16
    return max(0, int(places[0]) - margin), min(length, int(places[-1]) + 1 + margin)


def _answers(
    session: Session, image: Image.Image, mask: Image.Image, box: tuple[tuple[int, int], tuple[int, int]]
) -> npt.NDArray[np.float32]:
    """Coefficients `(4, h, w)` of a box of the grid."""
    (left, right), (top, bottom) = box
    large = mask if mask.size == image.size else mask.resize(image.size, Image.Resampling.BICUBIC)
    area = (left * GRID, top * GRID, min(right * GRID, image.width), min(bottom * GRID, image.height))
    seen = np.dstack([np.asarray(image.crop(area)), np.asarray(large.crop(area))])
    margins = [(0, -side % MULTIPLE) for side in seen.shape[:2]]
    seen = np.pad(seen, (*margins, (0, 0)), mode="edge")
    answer = session.outputs(seen[np.newaxis])[0]
    wanted = (1, 4, seen.shape[0] // GRID, seen.shape[1] // GRID)
    if answer.shape != wanted:
        raise BrokenWeightsError(
            f"the network {session.spec.name!r} answered with shape {answer.shape} where {wanted} is needed; "
            "these are not the weights of a refiner of edges."
        )
    found: npt.NDArray[np.float32] = answer[0, :, : bottom - top, : right - left]
    return found
