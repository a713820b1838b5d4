"""The photos that a network is calibrated on, and those that it is judged by: never the same ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from rembolt.batch.sources import Tree, Trouble
from rembolt.errors import InputError, UsageError
from rembolt.images.source import read_picture
from rembolt.settings import InputOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

FEWEST = 8

LARGEST = 2048
"""Pixels of a photo's longer side: they are all kept in memory, and no network sees more of them."""

EVERY = 3
"""One photo in so many is held out of the calibration."""


class Photo(NamedTuple):
    """A photo and, where there is one, its true mask.

    Attributes:
        name: relative to its folder.
        image: mode `RGB`.
        truth: `uint8` `(H, W)`, 255 for the subject; None where there is none.
    """

    name: str
    image: Image.Image
    truth: npt.NDArray[np.uint8] | None


def find(folder: Path, masks: Path | None, most: int, tell: Callable[[str], None]) -> list[Photo]:
    """Read photos of a folder and its sub-folders, evenly spread over their names.

    Args:
        folder: where the photos are.
        masks: where masks are, as PNG files with the photos' names.
        most: photos in all.
        tell: takes a sentence about each that is left out.

    Raises:
        UsageError: a folder is missing, or there are too few photos that can be read, or no mask fits.
    """
    for place in (folder, *([masks] if masks else [])):
        if not place.is_dir():
            raise UsageError(f"{place} is not a folder.")
    paths = []
    for found in Tree(folder, ("**",), masks or folder).walk():
        if isinstance(found, Trouble):
            tell(f"{found.path} is left out: {found.sentence}")
        else:
            paths.append(Path(found.path))
    if masks and masks.resolve() == folder.resolve():  # pairs in one folder: the masks are no photos
        paths = [path for path in paths if path.suffix.lower() != ".png"]
    photos: list[Photo] = []
    for path in _spread(sorted(paths), most):
        try:
            image = read_picture(path, InputOptions()).image
        except InputError as error:
            tell(_left_out(path, error))
            continue
        name = path.relative_to(folder)
        truth = _truth(masks, name, image.size, tell)
        for picture in (image, *([truth] if truth else [])):
            picture.thumbnail((LARGEST, LARGEST))
        photos.append(Photo(str(name), image, np.asarray(truth) if truth else None))
    if len(photos) < FEWEST:
        raise UsageError(
            f"{folder} holds {len(photos)} photos that can be read, and {FEWEST} are needed (48 or more are "
            "better): some to calibrate on, the others to judge by."
        )
    if masks and all(photo.truth is None for photo in photos):
        raise UsageError(f"{masks} holds no mask of these photos: a mask is <name of the photo>.png.")
    return photos


def split(photos: list[Photo]) -> tuple[list[Photo], list[Photo]]:
    """Photos to calibrate on, and photos to judge by."""
    learned = photos.copy()
    del learned[EVERY - 1 :: EVERY]
    return learned, photos[EVERY - 1 :: EVERY]


def _spread(paths: list[Path], most: int) -> list[Path]:
    if len(paths) <= most:
        return paths
    return [paths[round(place)] for place in np.linspace(0, len(paths) - 1, most)]


def _truth(
    masks: Path | None, name: Path, size: tuple[int, int], tell: Callable[[str], None]
) -> Image.Image | None:
    if masks is None:
        return None
    path = masks / name.with_suffix(".png")
    try:
        mask = read_picture(path, InputOptions()).image.convert("L")
    except InputError as error:
        tell(_left_out(path, error))
        return None
    if mask.size == size:
        return mask
    tell(f"{path} is left out: its size is {mask.width}x{mask.height}, its photo's {size[0]}x{size[1]}.")
    return None


def _left_out(path: Path, error: InputError) -> str:
    return f"left out: {error}" if str(path) in str(error) else f"{path} is left out: {error}"
