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
from rembolt.cutout.boxes import boxes
from rembolt.cutout.guided import OPEN, Guided, Lines, small_alpha
from rembolt.cutout.small import Copies
from rembolt.errors import BrokenWeightsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rembolt.cutout.small import Small
    from rembolt.cutout.subject import Box
    from rembolt.engine.session import Session
    from rembolt.settings import CutoutOptions

    Bytes = npt.NDArray[np.uint8]
    Levels = Callable[[tuple[int, int], float], Bytes]

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

MARGIN = 8
"""Positions of the grid that a network sees around what it is asked for; more change next to nothing."""

MOST_AT_ONCE = 80_000
"""Positions of the grid that a network sees at once, about: it bounds the memory."""

BICUBIC = Image.Resampling.BICUBIC


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

    def levels(size: tuple[int, int], step: float) -> Bytes:
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
    unknown = band == OPEN
    parts = boxes(unknown, MULTIPLE // GRID, MARGIN, MOST_AT_ONCE)
    if parts:
        large = mask if mask.size == small.image.size else mask.resize(small.image.size, BICUBIC)
        seen = np.dstack([np.asarray(small.image), np.asarray(large)])
        for box in parts:
            part = (slice(None), *box.slices)
            found = _answer(session, seen, box.grown(MARGIN, (across, down)), box)
            np.copyto(coefficients[part], found, where=unknown[box.slices])
    return Lines(coefficients, band, step)


def _answer(session: Session, seen: Bytes, looked_at: Box, box: Box) -> npt.NDArray[np.float32]:
    """Coefficients `(4, h, w)` of a box of the grid, from a larger one of the picture and its mask."""
    rows, columns = (slice(part.start * GRID, part.stop * GRID) for part in looked_at.slices)
    pixels = seen[rows, columns]
    margins = [(0, -side % MULTIPLE) for side in pixels.shape[:2]]
    pixels = np.pad(pixels, (*margins, (0, 0)), mode="edge")
    answer = session.outputs(pixels[np.newaxis])[0]
    wanted = (1, 4, pixels.shape[0] // GRID, pixels.shape[1] // GRID)
    if answer.shape != wanted:
        raise BrokenWeightsError(
            f"the network {session.spec.name!r} answered with shape {answer.shape} where {wanted} is needed; "
            "these are not the weights of a refiner of edges."
        )
    rows, columns = box.moved(-looked_at.left, -looked_at.top).slices
    found: npt.NDArray[np.float32] = answer[0, :, rows, columns]
    return found
