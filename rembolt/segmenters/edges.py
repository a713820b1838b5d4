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
from rembolt.cutout.guided import OPEN, Guided, Lines
from rembolt.cutout.small import Copies
from rembolt.errors import BrokenWeightsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rembolt.cutout.subject import Box
    from rembolt.engine.session import Session
    from rembolt.settings import CutoutOptions

    Bytes = npt.NDArray[np.uint8]

log = logging.getLogger(__name__)

SIDES = {"fast": 640, "best": 1024}
"""Longest side in pixels of the copy that is looked at, of a mask that has not more than `DETAIL`."""

DETAIL = 320
"""Longest side of a mask in pixels: more needs a larger copy, or the lines could not follow the mask."""

MULTIPLE = 8
"""The networks halve their input up to three times."""

ENLARGED, LARGEST = 2, 2048
"""Times the photo's size that a copy may have, and its longest side: they bound time and memory."""

PATIENCE = 10.0
"""Seconds after which a faster network does the rest."""

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
    side: int,
    options: CutoutOptions | None = None,
    faster: Callable[[], Session] | None = None,
) -> Lines:
    """Find the lines of a picture.

    Args:
        session: of a network made for this.
        copies: of the picture.
        mask: of its subject, mode `L`, any size.
        side: see `SIDES`.
        options: with `alpha_matting`, its numbers say where the alpha is open; otherwise the mask does.
        faster: gives the session of a faster network, which does what is left when `PATIENCE` is at its end.

    Raises:
        BrokenWeightsError: the network is not one of these.
    """
    wanted = side * max(max(mask.size), DETAIL) // DETAIL
    small = copies.sized(min(wanted, LARGEST, ENLARGED * max(copies.image.size)))
    width, height = (-(-length // GRID) for length in small.image.size)
    step = small.step[0] * GRID, small.step[1] * GRID
    if options is not None and options.alpha_matting:
        levels = levels_by_thresholds(mask, (width, height), step[0], options)
    else:
        levels = levels_of(mask, (width, height))
    coefficients = np.zeros((4, height, width), np.float32)
    coefficients[3] = levels
    unknown = levels == OPEN
    if parts := boxes(unknown, MULTIPLE // GRID, MARGIN, MOST_AT_ONCE):
        large = mask if mask.size == small.image.size else mask.resize(small.image.size, BICUBIC)
        seen = np.dstack([np.asarray(small.image), np.asarray(large)])
        started = time.monotonic()
        for box in parts:
            if faster is not None and time.monotonic() - started > PATIENCE:
                log.warning(
                    "refining the edge takes longer here than the %g seconds there are for it; "
                    "the faster network does the rest.",
                    PATIENCE,
                )
                session, faster = faster(), None
            found = _answer(session, seen, box.grown(MARGIN, (width, height)), box)
            np.copyto(coefficients[:, *box.slices], found, where=unknown[box.slices])
    return Lines(coefficients, levels, step)


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
