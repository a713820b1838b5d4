"""Opening image files: which class reads them, how large they are, and what their failures mean."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from PIL import Image

from rembolt.errors import ImageTooLargeError, RemboltError, UnreadableImageError, UnsupportedImageError
from rembolt.images.bombs import check_file
from rembolt.images.formats import HEADER_BYTES, SourceFormat, identify
from rembolt.images.limits import check_size
from rembolt.images.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.ImageFile import ImageFile

    Source = bytes | bytearray | memoryview | Path | str

Result = TypeVar("Result")


@contextmanager
def pillow_at_work(name: str, format_name: str | None) -> Iterator[None]:
    """Silence Pillow inside the block and turn whatever it raises into one of our errors.

    On hostile bytes it raises nearly anything: SyntaxError, OSError, ValueError, struct.error, TypeError,
    OverflowError, MemoryError, zlib.error and more.

    Args:
        name: what to call the input in messages.
        format_name: its format, None when unknown.

    Raises:
        UnreadableImageError: Pillow could not read it.
        ImageTooLargeError: it does not fit into memory.
    """
    try:
        with quiet():
            yield
    except RemboltError:
        raise
    except Exception as error:
        raise _translated(error, name, format_name) from error


def read_source(source: Source, read: Callable[[IO[bytes], str], Result]) -> Result:
    """Open a source and read it.

    Args:
        source: the bytes of an image file, or the path of one.
        read: called with a seekable binary file, closed afterwards, and what to call it in messages.

    Returns:
        What `read` returns.

    Raises:
        UnreadableImageError: the file is missing or cannot be opened.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return read(BytesIO(source), "the input")
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


def open_header(file: IO[bytes], name: str, max_pixels: int) -> tuple[ImageFile, SourceFormat]:
    """Read the header with the one class that reads this format, and check the size.

    `Image.open` would try others as well, import more, and compare the size with a limit that belongs to
    the whole process.

    Args:
        file: the image file.
        name: what to call it in messages.
        max_pixels: largest width times height accepted.

    Returns:
        The image, not yet decoded, and its format.

    Raises:
        InputError: it is empty, broken, not an image, not supported or too large.
    """
    source_format = identify(file.read(HEADER_BYTES), name)
    file.seek(0)
    reader = _reader(source_format, name)
    with pillow_at_work(name, source_format.name):
        check_file(file, source_format)
        image = reader(file)
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
