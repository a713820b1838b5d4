"""What is to be measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from rembolt.bench.candidates import line_up
from rembolt.bench.photos import jpeg, photo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rembolt.bench.candidates import Candidate
    from rembolt.bench.weights import Home

ROUNDS: Final = {"jobs": 7, "memory": 1, "start": 5, "batch": 3, "classic": 3, "limits": 7}
"""The parts, and how many rounds of each are measured unless the user says."""

PARTS: Final = tuple(ROUNDS)


class Photo(NamedTuple):
    """A photo to measure with.

    Attributes:
        label: for tables, `1920x1080`.
        path: its file, in the folder of the benchmark.
        width, height: in pixels.
    """

    label: str
    path: Path
    width: int
    height: int

    @property
    def rgb_bytes(self) -> int:
        """Its size as 8-bit RGB."""
        return self.width * self.height * 3


@dataclass(frozen=True)
class Plan:
    """What is to be measured.

    Attributes:
        folder: for everything that is written on the way; it is empty and goes away afterwards.
        home: the weights.
        photos: of each size.
        models: names of the networks.
        against: `rembg`, or None.
        asked_rounds: what the user said, or None.
        batch_photos: how many photos are cut out in a row.
    """

    folder: Path
    home: Home
    photos: Sequence[Photo]
    models: Sequence[str]
    against: str | None
    asked_rounds: int | None
    batch_photos: int

    @property
    def candidates(self) -> list[Candidate]:
        """Who is compared."""
        return line_up(self.models, self.against, self.home.ways)

    def rounds(self, part: str) -> int:
        """How many rounds of a part count."""
        return self.asked_rounds or ROUNDS[part]

    def rounds_in_words(self, part: str) -> str:
        """For the title of a table, with what its numbers are."""
        count = self.rounds(part)
        return "1 round" if count == 1 else f"{count} rounds: median (quartiles)"


def made(folder: Path, sizes: Sequence[tuple[int, int]]) -> list[Photo]:
    """Make a photo of each size, as JPEG."""
    photos = []
    for width, height in sizes:
        label = f"{width}x{height}"
        path = folder / f"{label}.jpg"
        path.write_bytes(jpeg(photo(width, height)))
        photos.append(Photo(label, path, width, height))
    return photos


def taken(folder: Path, source: Path) -> Photo:
    """Take the user's photo.

    Raises:
        InputError: it cannot be read.
    """
    from rembolt.images.source import read_picture
    from rembolt.settings import InputOptions

    width, height = read_picture(source, InputOptions()).image.size
    path = folder / f"photo{source.suffix.lower()}"
    path.write_bytes(source.read_bytes())
    return Photo(f"{width}x{height}", path, width, height)
