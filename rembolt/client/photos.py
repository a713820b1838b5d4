"""What a call is given, as a request carries it: a photo's bytes, options as text."""

from __future__ import annotations

import json
import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rembolt.checks import BLUR, check_background
from rembolt.colours import colour_of
from rembolt.errors import UnreadableImageError, UnsupportedImageError
from rembolt.images.reader import read_source
from rembolt.settings import with_canonical_names

if TYPE_CHECKING:
    from collections.abc import Mapping


class Fields(NamedTuple):
    """Options as a request carries them.

    Attributes:
        texts: by name.
        background: the photo to put behind, as a file's bytes, where there is one.
    """

    texts: dict[str, str]
    background: bytes | None


def read_photo(photo: Any) -> bytes:
    """The bytes of a photo's file, given as such or as its path.

    Raises:
        InputError: it cannot be read, is empty, or is given as something else.
    """
    if isinstance(photo, (bytes, bytearray, memoryview)):
        data = bytes(photo)
    elif isinstance(photo, (str, os.PathLike)):
        data = read_source(Path(photo), lambda file, _: file.read())
    else:
        raise UnsupportedImageError(f"a photo is given as bytes or a path, not as {type(photo).__name__}.")
    if not data:
        raise UnreadableImageError("the photo is empty: it has no bytes; check where it comes from.")
    return data


def read_options(options: Mapping[str, Any]) -> Fields:
    """Options as text; those that are None are left out, as a request has no other way to say that.

    Raises:
        UsageError: the background is nothing that can be one, or is a path where no file is.
        UnreadableImageError: the background cannot be read.
    """
    values = {name: value for name, value in with_canonical_names(options).items() if value is not None}
    background = None
    if "background" in values:
        found = check_background("background", values.pop("background"))
        if isinstance(found, str) and (found == BLUR or colour_of(found) is not None):
            values["background"] = found
        else:
            background = read_photo(found) if isinstance(found, str) else _png(found)
    return Fields({name: _text(name, value) for name, value in values.items()}, background)


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if name == "sam_prompt" and not isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _png(image: Any) -> bytes:
    """A Pillow image or an array as a file."""
    from PIL import Image

    file = BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, "PNG")
    return file.getvalue()
