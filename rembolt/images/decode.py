"""Bytes, files and Pillow images to a `Picture`."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from PIL import Image

from rembolt.errors import ImageTooLargeError, RemboltError, UnreadableImageError, UnsupportedImageError
from rembolt.images.colour import separate
from rembolt.images.formats import HEADER_BYTES, SourceFormat, identify
from rembolt.images.limits import MAX_PIXELS, check_size
from rembolt.images.picture import Picture
from rembolt.images.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.ImageFile import ImageFile

Result = TypeVar("Result")


def decode(
    source: bytes | bytearray | memoryview | Path | str,
    *,
    max_pixels: int = MAX_PIXELS,
    to_srgb: bool = False,
) -> Picture:
    """Decode a photo: upright, 8-bit RGB, with its own alpha and profile beside it.

    The format is told by the bytes, see `formats.SOURCE_FORMATS`; how other sample types become 8-bit RGB is
    told in `colour.separate`. The size is checked from the header, before any pixel is decoded.

    Args:
        source: the bytes of an image file, or the path of one.
        max_pixels: largest width times height accepted.
        to_srgb: convert the colours to sRGB; otherwise an RGB profile is kept in the picture.

    Returns:
        The picture, with `format` set to the name of the source format.

    Raises:
        UnreadableImageError: the file is missing, not readable, empty, not an image, broken or cut short.
        UnsupportedImageError: it is of a kind that is not read here.
        ImageTooLargeError: it has more than `max_pixels` pixels.
    """

    def read(file: IO[bytes], name: str) -> Picture:
        image, source_format = _open(file, name, max_pixels)
        picture = _picture(image, source_format.name, name, to_srgb=to_srgb)
        # Metadata of the source (orientation, thumbnails) no longer describes these pixels.
        picture.image.info = {}
        return picture

    return _with_file(source, read)


def open_image(
    source: bytes | bytearray | memoryview | Path | str, *, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Decode a photo to the mode, orientation and metadata that Pillow gives it, under the rules of `decode`.

    Args:
        source: the bytes of an image file, or the path of one.
        max_pixels: largest width times height accepted.

    Returns:
        The image, loaded and not bound to any file.

    Raises:
        InputError: as `decode`.
    """

    def read(file: IO[bytes], name: str) -> Image.Image:
        image, source_format = _open(file, name, max_pixels)
        try:
            with quiet():
                image.load()
        except Exception as error:
            raise _translated(error, name, source_format.name) from error
        return image

    return _with_file(source, read)


def picture_from_image(image: Image.Image, *, max_pixels: int = MAX_PIXELS, to_srgb: bool = False) -> Picture:
    """Make a picture of a Pillow image: upright by its EXIF orientation, 8-bit RGB, alpha and profile beside.

    Args:
        image: Pillow image of any mode; neither changed nor shared with the picture.
        max_pixels: largest width times height accepted.
        to_srgb: convert the colours to sRGB; otherwise an RGB profile is kept in the picture.

    Returns:
        The picture, with the `format` the image has.

    Raises:
        UnreadableImageError: it has no pixels, or they cannot be read from its file.
        UnsupportedImageError: its mode has no way to RGB.
        ImageTooLargeError: it has more than `max_pixels` pixels.
    """
    name = "the image"
    if 0 in image.size:
        raise UnreadableImageError(f"{name} is {image.width} x {image.height}: it has no pixels.")
    check_size(image.width, image.height, max_pixels, name)
    picture = _picture(image, image.format, name, to_srgb=to_srgb)
    if picture.image is not image:
        return picture
    return Picture(image.copy(), picture.alpha, picture.icc_profile, picture.format)


def _with_file(
    source: bytes | bytearray | memoryview | Path | str, read: Callable[[IO[bytes], str], Result]
) -> Result:
    """Open the source, call `read(file, what to call it)`, and say plainly why a file cannot be opened."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return read(BytesIO(source), "the image")
    name = f"'{source}'"
    try:
        with Path(source).open("rb") as file:
            return read(file if file.seekable() else BytesIO(file.read()), name)
    except RemboltError:
        raise
    except FileNotFoundError as error:
        raise UnreadableImageError(f"{name} does not exist; check the path.") from error
    except (IsADirectoryError, PermissionError) as error:
        # Windows reports a folder as a file that may not be read.
        if Path(source).is_dir():
            raise UnreadableImageError(f"{name} is a folder; give the path of one photo.") from error
        raise UnreadableImageError(f"{name} may not be read; change its permissions.") from error
    except (OSError, ValueError) as error:
        raise UnreadableImageError(f"{name} cannot be read ({_reason(error)}); check the path.") from error


def _open(file: IO[bytes], name: str, max_pixels: int) -> tuple[ImageFile, SourceFormat]:
    """Read the header with the one class that reads this format.

    `Image.open` would try others as well, import more, and compare the size with a limit that belongs to
    the whole process.
    """
    source_format = identify(file.read(HEADER_BYTES), name)
    file.seek(0)
    reader = _reader(source_format, name)
    try:
        with quiet():
            image = reader(file)
    except Exception as error:
        raise _translated(error, name, source_format.name) from error
    check_size(image.width, image.height, max_pixels, name)
    return image, source_format


def _reader(source_format: SourceFormat, name: str) -> Callable[[IO[bytes]], ImageFile]:
    try:
        module = import_module(source_format.module)
    except ImportError as error:
        raise UnsupportedImageError(
            f"{name} is a {source_format.name} image; to read it: "
            f'pip install "rembolt[{source_format.extra}]".'
        ) from error
    if not getattr(module, "SUPPORTED", True):
        raise UnsupportedImageError(
            f"{name} is a {source_format.name} image, which this build of Pillow cannot read; "
            "install Pillow from its wheels or save the photo as JPEG or PNG."
        )
    reader: Callable[[IO[bytes]], ImageFile] = getattr(module, source_format.reader)
    return reader


def _picture(image: Image.Image, format_name: str | None, name: str, *, to_srgb: bool) -> Picture:
    try:
        with quiet():
            layers = separate(image, to_srgb=to_srgb)
    except Exception as error:
        raise _translated(error, name, format_name) from error
    return Picture(layers.rgb, layers.alpha, layers.icc_profile, format_name)


def _translated(error: Exception, name: str, format_name: str | None) -> RemboltError:
    """Say in one of our errors what Pillow said in one of many."""
    kind = f"{format_name} image" if format_name else "image"
    if isinstance(error, MemoryError):
        return ImageTooLargeError(f"{name} does not fit into memory; make it smaller or free some memory.")
    if isinstance(error, Image.DecompressionBombError):
        return ImageTooLargeError(f"{name} would take too much memory to decode ({_reason(error)}).")
    return UnreadableImageError(
        f"{name} is a broken or incomplete {kind} ({_reason(error)}); get it again or save it anew."
    )


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split()).rstrip(".")
