"""Pixels to the bytes of an image file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.errors import UnsupportedImageError, UsageError
from rembolt.images.png import encode_png
from rembolt.images.rows import Rows, whole


class OutputFormat(NamedTuple):
    """A format that can be written.

    Attributes:
        name: what `encode` calls it.
        pillow: Pillow's name, None for those not written by Pillow.
        extensions: file extensions, with the dot; the first is the usual one.
        media_type: for HTTP.
        alpha: whether it keeps transparency.
        quality: default quality, None when the format has none (it is lossless).
        options: further options for Pillow.
        largest: largest width or height it can hold.
    """

    name: str
    pillow: str | None
    extensions: tuple[str, ...]
    media_type: str
    alpha: bool
    quality: int | None = None
    options: tuple[tuple[str, Any], ...] = ()
    largest: int = 2**31 - 1


OUTPUT_FORMATS: dict[str, OutputFormat] = {
    known.name: known
    for known in (
        OutputFormat("png", None, (".png",), "image/png", alpha=True),
        OutputFormat(
            "webp",
            "WEBP",
            (".webp",),
            "image/webp",
            alpha=True,
            quality=85,
            # A third of the default method's time; alpha is off by one level at most.
            options=(("method", 1), ("alpha_quality", 90)),
            largest=16383,
        ),
        OutputFormat("jpg", "JPEG", (".jpg", ".jpeg"), "image/jpeg", alpha=False, quality=90, largest=65500),
        OutputFormat(
            "avif",
            "AVIF",
            (".avif",),
            "image/avif",
            alpha=True,
            quality=75,
            options=(("speed", 9),),
            largest=65536,
        ),
        OutputFormat("zip", None, (".zip",), "application/zip", alpha=True, quality=90, largest=65500),
    )
}
QUALITY_RANGE = (1, 100)

_ALIASES = {"jpeg": "jpg"}


def output_format(name: str) -> OutputFormat:
    """Look up an output format by its name or alias, in any case.

    Raises:
        UsageError: when there is none of this name.
    """
    key = name.lower()
    try:
        return OUTPUT_FORMATS[_ALIASES.get(key, key)]
    except KeyError:
        raise UsageError(
            f"'{name}' is not an output format; choose one of {', '.join(OUTPUT_FORMATS)}."
        ) from None


def format_of(path: Path | str) -> str:
    """Choose the output format by a file's extension.

    Raises:
        UsageError: when no format has this extension.
    """
    extension = Path(path).suffix.lower()
    for known in OUTPUT_FORMATS.values():
        if extension in known.extensions:
            return known.name
    every = ", ".join(extension for known in OUTPUT_FORMATS.values() for extension in known.extensions)
    raise UsageError(f"'{path}' has no extension of an output format; name the file with one of {every}.")


def encode(
    pixels: npt.NDArray[np.uint8] | Rows,
    format: str = "png",  # noqa: A002 - the name users type
    *,
    quality: int | None = None,
    icc_profile: bytes | None = None,
    background: tuple[int, int, int] = (255, 255, 255),
) -> bytes:
    """Encode pixels as an image file.

    A zip holds the colours as `color.jpg` and the alpha as `alpha.png` (255 everywhere when there is none).

    Args:
        pixels: `uint8` grey `(H, W)`, RGB `(H, W, 3)` or RGBA `(H, W, 4)` with straight colours, or
            such rows: a PNG is written while they are made.
        format: one of `OUTPUT_FORMATS`, or `jpeg`.
        quality: 1 to 100; None takes the format's default. PNG has none and ignores it.
        icc_profile: the RGB profile the colours are in.
        background: what shows through where a format has no alpha, RGB in [0, 255].

    Returns:
        The bytes of the file.

    Raises:
        UsageError: an unknown format or a quality out of range.
        UnsupportedImageError: pixels of another shape or dtype, or too many in a row for the format.
    """
    chosen = output_format(format)
    lowest, highest = QUALITY_RANGE
    if quality is None:
        quality = chosen.quality
    elif not lowest <= quality <= highest:
        raise UsageError(f"quality must be {lowest} to {highest}, not {quality}.")
    if not isinstance(pixels, np.ndarray):
        if chosen.name == "png":
            return encode_png(pixels, icc_profile=icc_profile)
        pixels = whole(pixels)
    _check(pixels, chosen)
    if chosen.name == "png":
        return encode_png(pixels, icc_profile=icc_profile)
    if chosen.name == "zip":
        return _encode_zip(pixels, quality, icc_profile)
    if not chosen.alpha and pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = _on_background(pixels, background)
    return _encode_with_pillow(pixels, chosen, quality, icc_profile)


def _check(pixels: npt.NDArray[np.uint8], chosen: OutputFormat) -> None:
    shape = pixels.shape
    if pixels.dtype != np.uint8 or not (len(shape) == 2 or (len(shape) == 3 and shape[2] in {3, 4})):
        raise UnsupportedImageError(
            f"encode takes uint8 pixels (H, W), (H, W, 3) or (H, W, 4), not {pixels.dtype} {shape}."
        )
    if 0 in shape:
        raise UnsupportedImageError(f"pixels of shape {shape} are empty; there is nothing to encode.")
    if max(shape[:2]) > chosen.largest:
        raise UnsupportedImageError(
            f"{shape[1]} x {shape[0]} pixels do not fit into {chosen.name}, which holds {chosen.largest} "
            "a side; make the photo smaller or choose png."
        )


def _encode_with_pillow(
    pixels: npt.NDArray[np.uint8], chosen: OutputFormat, quality: int | None, icc_profile: bytes | None
) -> bytes:
    options: dict[str, Any] = dict(chosen.options)
    if quality is not None:
        options["quality"] = quality
    if icc_profile:
        options["icc_profile"] = icc_profile
    buffer = BytesIO()
    try:
        Image.fromarray(pixels).save(buffer, chosen.pillow, **options)
    except (KeyError, OSError, ValueError, RuntimeError) as error:  # KeyError: Pillow lacks the format
        raise UnsupportedImageError(
            f"this photo cannot be written as {chosen.name} ({str(error).rstrip('.')}); choose png."
        ) from error
    return buffer.getvalue()


def _on_background(pixels: npt.NDArray[np.uint8], background: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    image = Image.fromarray(pixels)
    canvas = Image.new("RGB", image.size, background)
    canvas.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return np.asarray(canvas)


def _encode_zip(pixels: npt.NDArray[np.uint8], quality: int | None, icc_profile: bytes | None) -> bytes:
    from zipfile import ZIP_STORED, ZipFile, ZipInfo

    has_alpha = pixels.ndim == 3 and pixels.shape[2] == 4
    alpha = pixels[:, :, 3] if has_alpha else np.full(pixels.shape[:2], 255, np.uint8)
    colour = pixels[:, :, :3] if has_alpha else pixels
    jpeg = _encode_with_pillow(np.ascontiguousarray(colour), OUTPUT_FORMATS["jpg"], quality, icc_profile)
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as archive:
        # A fixed date: the same cutout gives the same bytes.
        archive.writestr(ZipInfo("color.jpg"), jpeg)
        archive.writestr(ZipInfo("alpha.png"), encode_png(alpha))
    return buffer.getvalue()
