"""Photos with their true masks, read from tar shards or folders, always in the same order."""

from __future__ import annotations

import tarfile
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PHOTOS = (".jpg", ".jpeg")
"""What a photo's name ends in; beside its mask, `.png` is the mask's."""

MASK = ".png"
EIGHT_BITS = ("1", "L", "LA", "P", "RGB", "RGBA")
"""Pillow's modes of masks that can be read as 8-bit grey; of others, `convert` would cut the values off."""

FOLDERS = ("images", "masks")
"""The two folders of a data set that keeps photos and masks apart; there, photos may be PNG files too."""


class Sample(NamedTuple):
    """One photo and its true mask.

    Attributes:
        name: their common name without the ending, unique in its place.
        photo: the photo's file.
        mask: the mask's file, an 8-bit grey PNG of the photo's size.
    """

    name: str
    photo: bytes
    mask: bytes

    def picture(self) -> Image.Image:
        """The photo, upright, mode `RGB`.

        Raises:
            SamplesError: the photo cannot be read.
        """
        try:
            with Image.open(BytesIO(self.photo)) as image:
                return ImageOps.exif_transpose(image).convert("RGB")
        except (OSError, Image.DecompressionBombError) as error:
            raise SamplesError(f"the photo of {self.name} is not a whole image.") from error

    def truth(self) -> npt.NDArray[np.uint8]:
        """The mask's values, `uint8` `(H, W)`.

        Raises:
            SamplesError: the mask cannot be read or is not an 8-bit image.
        """
        try:
            with Image.open(BytesIO(self.mask)) as image:
                if image.mode not in EIGHT_BITS:
                    raise SamplesError(f"the mask of {self.name} is of mode {image.mode}, not 8-bit grey.")
                return np.asarray(image.convert("L"))
        except OSError as error:
            raise SamplesError(f"the mask of {self.name} is not a whole image.") from error


class SamplesError(ValueError):
    """There are no usable pairs of photo and mask in a place."""


def read(place: Path) -> Iterator[Sample]:
    """Read the pairs of a place, one after the other.

    Args:
        place: one of

            * a tar file of `<name>.jpg` and `<name>.png`, in the order of the file;
            * a folder of such tar files, in the order of their names;
            * a folder of `<name>.jpg` (or `.jpeg`) and `<name>.png`, in the order of their names;
            * a folder with the folders `images` (`.jpg`, `.jpeg` or `.png`) and `masks` (`.png`).

            Hidden files and files with other endings are no part of the data and are passed over.

    Raises:
        SamplesError: the place is none of these, or a photo or mask has no partner.
    """
    if place.is_file():
        return _from_shard(place)
    if not place.is_dir():
        raise SamplesError(f"{place} is neither a file nor a folder.")
    shards = sorted(place.glob("*.tar"))
    images, masks = (place / folder for folder in FOLDERS)
    if shards:
        return (sample for shard in shards for sample in _from_shard(shard))
    if images.is_dir() and masks.is_dir():
        return _from_folders(place, _by_name(images, (*PHOTOS, MASK)), _by_name(masks, (MASK,)))
    return _from_folders(place, _by_name(place, PHOTOS), _by_name(place, (MASK,)))


def _from_shard(shard: Path) -> Iterator[Sample]:
    photos: dict[str, bytes] = {}
    masks: dict[str, bytes] = {}
    empty = True
    try:
        with tarfile.open(shard) as archive:
            for member in archive:
                path = PurePosixPath(member.name)
                ending = path.suffix.lower()
                if not member.isfile() or path.name.startswith(".") or ending not in (*PHOTOS, MASK):
                    continue
                name = str(path.with_suffix(""))
                content = archive.extractfile(member)
                if content is None:
                    raise SamplesError(f"{shard}: {member.name} cannot be read.")
                (masks if ending == MASK else photos)[name] = content.read()
                if name in photos and name in masks:
                    yield Sample(name, photos.pop(name), masks.pop(name))
                    empty = False
    except (tarfile.TarError, EOFError, OSError) as error:
        reason = str(error).partition(":\n")[0]
        raise SamplesError(f"{shard} is not a whole tar file ({reason}).") from error
    _check_partners(shard, photos, masks)
    if empty:
        raise SamplesError(_nothing(shard))


def _from_folders(place: Path, photos: dict[str, Path], masks: dict[str, Path]) -> Iterator[Sample]:
    _check_partners(place, photos.keys() - masks.keys(), masks.keys() - photos.keys())
    if not photos:
        raise SamplesError(_nothing(place))
    return (Sample(name, photos[name].read_bytes(), masks[name].read_bytes()) for name in sorted(photos))


def _by_name(folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in endings or path.name.startswith(".") or not path.is_file():
            continue
        if path.stem in found:
            raise SamplesError(f"{folder} has both {found[path.stem].name} and {path.name}.")
        found[path.stem] = path
    return found


def _check_partners(place: Path, photos: Iterable[str], masks: Iterable[str]) -> None:
    """Refuse what is left alone: photos without a mask, masks without a photo."""
    for kind, partner, names in (("photo", "mask", sorted(photos)), ("mask", "photo", sorted(masks))):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise SamplesError(f"{place}: {kind} {names[0]}{more} has no {partner}.")


def _nothing(place: Path) -> str:
    return f"{place} holds no pairs of <name>.jpg and <name>.png."
