"""What the option `background` says, as a picture to put behind."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from rembolt.arrange.fit import contain, cover
from rembolt.checks import BLUR
from rembolt.colours import colour_of
from rembolt.errors import InputError, UnreadableImageError
from rembolt.images.profiles import from_srgb
from rembolt.images.source import read_picture
from rembolt.settings import InputOptions

if TYPE_CHECKING:
    from rembolt.images.picture import Picture
    from rembolt.settings import OutputOptions


def backdrop(
    options: OutputOptions, size: tuple[int, int], profile: bytes | None, source: InputOptions
) -> Image.Image | None:
    """Make what to put behind a cut-out.

    Args:
        options: `background`, `background_fit` and `bgcolor` are used.
        size: of the result, width and height.
        profile: the ICC profile of the cut-out's colours. Background photos and the colours of `background`
            are converted to it; the numbers of `bgcolor` are taken as they are, which is rembg's way.
        source: `max_pixels` is also the limit of a background photo.

    Returns:
        An image of mode `RGBA`, or None where there is nothing to put behind, and for `blur`.

    Raises:
        InputError: the background photo cannot be read or is too large.
    """
    if options.bgcolor is not None:
        return Image.new("RGBA", size, options.bgcolor)
    value = options.background
    if value is None or is_blur(options):
        return None
    colour = colour_of(value) if isinstance(value, str) else None
    if colour is not None:
        red, green, blue = from_srgb(Image.new("RGB", (1, 1), colour[:3]), profile).tobytes()
        return Image.new("RGBA", size, (red, green, blue, colour[3]))
    image = read_background(value, source.max_pixels).with_alpha()
    fitted = (cover if options.background_fit == "cover" else contain)(image, size).convert("RGBA")
    if profile is not None:
        alpha = fitted.getchannel("A")
        fitted = from_srgb(fitted.convert("RGB"), profile).convert("RGBA")
        fitted.putalpha(alpha)
    return fitted


def is_blur(options: OutputOptions) -> bool:
    """Whether the background is the photo's own, blurred."""
    return isinstance(options.background, str) and options.background == BLUR


def check_background_photo(options: OutputOptions, source: InputOptions) -> None:
    """Read a background photo that is a file, so that what is wrong with it is told before any work.

    Raises:
        InputError: it cannot be read or is too large.
    """
    value = options.background
    if isinstance(value, str) and value != BLUR and colour_of(value) is None:
        read_background(value, source.max_pixels)


def read_background(value: Any, max_pixels: int) -> Picture:
    """Read a background photo, in sRGB; the last file is kept, for the many photos it may be put behind.

    Args:
        value: a path, a Pillow image or an array.
        max_pixels: the largest accepted, in pixels.

    Raises:
        InputError: it cannot be read or is too large.
    """
    try:
        if not isinstance(value, str):
            return read_picture(value, InputOptions(max_pixels=max_pixels, to_srgb=True))
        try:
            state = Path(value).stat()
        except (OSError, ValueError) as error:
            raise UnreadableImageError(
                f"'{value}' cannot be opened ({error}); check its name and permissions."
            ) from error
        return _read_file(value, max_pixels, (state.st_dev, state.st_ino, state.st_mtime_ns, state.st_size))
    except InputError as error:
        raise type(error)(f"the background: {error}") from error


@lru_cache(maxsize=1)
def _read_file(path: str, max_pixels: int, _state: tuple[int, ...]) -> Picture:
    return read_picture(path, InputOptions(max_pixels=max_pixels, to_srgb=True))
