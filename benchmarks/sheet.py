"""A contact sheet: many results beside one another, to be looked at."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from benchmarks import report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ENDINGS = (".png", ".webp", ".jpg", ".jpeg")
GREEN = (0, 177, 64, 255)
"""What cut-outs are put on: a veil, a hole or a fringe shows, and few subjects have this colour."""

EACH = 16
"""Photos of each group: the best, the median and the worst."""

CELL = (150, 120)
CAPTION = 14
GAP = 6
PAPER, INK = "white", "black"


class Cell(NamedTuple):
    """One picture of a row, no larger than `CELL`, and what is written below it."""

    image: Image.Image
    caption: str

    @classmethod
    def of(cls, image: Image.Image, caption: str) -> Cell:
        """Shrink a picture of any size, so that many of them can be kept."""
        small = image.convert("RGB")
        small.thumbnail(CELL, Image.Resampling.LANCZOS)
        return cls(small, caption)


Row = tuple[Cell, ...]


def path(text: str) -> Path:
    """Read the name of the file to write, for argparse."""
    target = report.target(text)
    if target.suffix.lower() not in ENDINGS:
        raise argparse.ArgumentTypeError(f"{text!r} does not end in {', '.join(ENDINGS)}.")
    return target


def choose(errors: Sequence[float]) -> dict[str, list[int]]:
    """The photos to look at: those with the smallest, the middle and the largest errors.

    Args:
        errors: of each photo, at least one.

    Returns:
        Indices by group, 16 each, the smallest error first; of few photos a third each.
    """
    ranked = sorted(range(len(errors)), key=lambda index: (errors[index], index))
    each = max(1, min(EACH, len(ranked) // 3))
    middle = (len(ranked) - each) // 2
    return {
        "best": ranked[:each],
        "median": ranked[middle : middle + each],
        "worst": ranked[-each:],
    }


def draw(groups: Mapping[str, Sequence[Row]]) -> Image.Image:
    """Draw the sheet: a column for each group, under its name, with its rows from top to bottom."""
    width, height = CELL[0] + GAP, CELL[1] + CAPTION + GAP
    heading = CAPTION + 2 * GAP
    widths = [max(len(row) for row in rows) * width + 2 * GAP for rows in groups.values()]
    longest = max(len(rows) for rows in groups.values())
    paper = Image.new("RGB", (sum(widths), heading + longest * height + GAP), PAPER)
    pen = ImageDraw.Draw(paper)
    font = ImageFont.load_default(CAPTION - 3)
    left = GAP
    for (group, rows), group_width in zip(groups.items(), widths, strict=True):
        pen.text((left, GAP), group, INK, font=ImageFont.load_default(CAPTION))
        for index, row in enumerate(rows):
            for column, cell in enumerate(row):
                place = (left + column * width, heading + index * height)
                paper.paste(cell.image, place)
                pen.text((place[0], place[1] + CELL[1]), _fitting(cell.caption, font), INK, font=font)
        left += group_width
    return paper


def _fitting(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The text, cut off where it would run into the next cell."""
    while text and font.getlength(text) > CELL[0]:
        text = text[:-1]
    return text
