"""Any Pillow image to upright 8-bit RGB, its alpha beside it, and a profile that fits."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.images import profiles
from rembolt.images.bombs import check_exif

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What the grey samples of a PNG are multiplied by on reading; its transparent value is not.
_PNG_SAMPLE_SCALE = {"L;2": 85, "L;4": 17}


class Layers(NamedTuple):
    """An image taken apart: `rgb` is a Pillow image of mode `RGB`, `alpha` is `uint8` `(H, W)` or None."""

    rgb: Image.Image
    alpha: npt.NDArray[np.uint8] | None
    icc_profile: bytes | None


def separate(image: Image.Image, *, to_srgb: bool = False) -> Layers:
    """Take an image apart into upright RGB, alpha and profile.

    16-bit samples are scaled by 255/65535 and rounded (16-bit samples of RGB images have been cut to their
    high byte by Pillow, which differs by less than one level). 32-bit integers count as 8-bit when none is
    over 255, as 16-bit when none is over 65535, and are scaled by the largest otherwise. Floats in [0, 1]
    are scaled by 255, others by the largest. Negative values are 0, as are those that are not a number.

    Args:
        image: Pillow image of any mode; read, never changed.
        to_srgb: convert the colours to sRGB instead of keeping an RGB profile.

    Returns:
        The layers. `rgb` is `image` itself when nothing had to be done. The profile always describes RGB:
        colours in CMYK, grey or Lab profiles are converted to sRGB. `alpha` is None when the image has no
        transparency or is opaque everywhere.

    Raises:
        ValueError: when Pillow cannot convert the mode. Whatever else Pillow raises while it reads the
            pixels comes through.
    """
    transparent = _transparent_value(image)
    image.load()
    orientation = _orientation(image)
    profile = image.info.get("icc_profile")
    colours, alpha = _split(image, transparent)
    rgb, profile = _to_rgb(colours, profile, to_srgb=to_srgb)
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
        alpha = alpha and alpha.transpose(_UPRIGHT[orientation])
    # getextrema is a single pass in C, and most alpha channels end it at once downstream.
    if alpha is None or alpha.getextrema() == (255, 255):
        return Layers(rgb, None, profile)
    return Layers(rgb, np.asarray(alpha), profile)


def _orientation(image: Image.Image) -> int:
    try:
        check_exif(image)
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # noqa: BLE001 - broken metadata is no reason to refuse the photo
        return 1


def _transparent_value(image: Image.Image) -> object:
    """The colour, level or palette entries that are transparent, in the units of the loaded samples."""
    value = image.info.get("transparency")
    tile = getattr(image, "tile", None)
    raw_mode = tile[0][3] if tile else None
    if isinstance(value, int) and raw_mode in _PNG_SAMPLE_SCALE:
        return value * _PNG_SAMPLE_SCALE[raw_mode]
    if isinstance(value, tuple) and raw_mode == "RGB;16B":
        return tuple(sample >> 8 for sample in value)
    return value


def _split(image: Image.Image, transparent: object) -> tuple[Image.Image, Image.Image | None]:
    mode = image.mode
    if mode in {"RGBA", "LA"}:
        return image.convert(mode[:-1]), image.getchannel("A")
    if mode in {"RGBa", "La", "PA"} or (mode == "P" and transparent is not None):
        return _split(image.convert("LA" if mode == "La" else "RGBA"), None)
    if mode == "P":
        return image.convert("RGB"), None
    alpha = None
    if transparent is not None and mode in {"1", "L", "RGB", "I", "I;16", "I;16B", "I;16L", "I;16N"}:
        alpha = _opaque_unless(np.asarray(image.convert("L") if mode == "1" else image), transparent)
    if mode == "1":
        image = image.convert("L")
    elif mode.startswith(("I", "F")):
        image = Image.fromarray(_to_8_bits(np.asarray(image)))
    return image, alpha


def _opaque_unless(samples: npt.NDArray[np.generic], transparent: object) -> Image.Image | None:
    value = np.asarray(transparent)
    if value.dtype.kind not in "iu" or value.shape != samples.shape[2:]:
        return None
    matches = samples == value
    if matches.ndim == 3:
        matches = matches.all(axis=2)
    return Image.fromarray(np.where(matches, np.uint8(0), np.uint8(255)))


def _to_8_bits(samples: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if samples.dtype.kind == "u":
        table = np.rint(np.arange(65536) * (255 / 65535)).astype(np.uint8)
        return np.take(table, samples)
    values = np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    largest = float(values.max())
    if samples.dtype.kind == "f":
        white = max(largest, 1.0)
    else:
        white = 255.0 if largest <= 255 else max(largest, 65535.0)
    levels: npt.NDArray[Any] = np.rint(np.clip(values, 0, None) * (255 / white))
    return levels.astype(np.uint8)


def _to_rgb(image: Image.Image, profile: object, *, to_srgb: bool) -> tuple[Image.Image, bytes | None]:
    space = profiles.colour_space(profile)
    fits = _PROFILE_OF_MODE.get(image.mode) == space
    convert = fits and (space != "RGB" or to_srgb)
    if isinstance(profile, bytes) and convert:
        converted = profiles.to_srgb(image, profile)
        if converted is not None:
            return converted, None
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    # Grey photos with an RGB profile are common: grey is R = G = B in it.
    keep = space == "RGB" and image.mode in {"RGB", "L", "YCbCr", "RGBX", "HSV"}
    return rgb, profile if isinstance(profile, bytes) and keep else None


_PROFILE_OF_MODE = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}
