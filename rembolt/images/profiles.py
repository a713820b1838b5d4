"""ICC colour profiles: what they describe, and converting pixels to sRGB and back through them."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

_HEADER_BYTES = 128
_TAG_BYTES = 12


def colour_space(profile: object) -> str | None:
    """Tell the kind of colours a profile describes, from its header and table of tags alone.

    Args:
        profile: what a file had in the place of its profile.

    Returns:
        `"RGB"`, `"CMYK"`, `"GRAY"`, `"Lab"` or another ICC colour space signature without its padding;
        None when these bytes are not a profile.
    """
    if not isinstance(profile, bytes) or len(profile) < _HEADER_BYTES + 4 or profile[36:40] != b"acsp":
        return None
    count = int.from_bytes(profile[_HEADER_BYTES : _HEADER_BYTES + 4], "big")
    table = _HEADER_BYTES + 4
    if count == 0 or table + count * _TAG_BYTES > len(profile):
        return None
    for entry in range(table, table + count * _TAG_BYTES, _TAG_BYTES):
        offset = int.from_bytes(profile[entry + 4 : entry + 8], "big")
        size = int.from_bytes(profile[entry + 8 : entry + 12], "big")
        if offset + size > len(profile):
            return None
    return profile[16:20].decode("latin-1").strip()


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Convert an image to sRGB.

    Args:
        image: Pillow image of mode `RGB`, `L`, `CMYK` or `LAB`; not changed.
        profile: the ICC profile its colours are in.

    Returns:
        A new image of mode `RGB`, `image` itself when the profile already is sRGB, or None when the
        profile is broken or does not fit the image.
    """
    return _converted(image, profile, back=False)


def from_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert an image from sRGB to other colours.

    Args:
        image: Pillow image of mode `RGB` in sRGB; not changed.
        profile: the RGB profile its colours shall be in; None is sRGB.

    Returns:
        A new image of mode `RGB`, or `image` itself where the profile is sRGB or broken.
    """
    return image if profile is None else _converted(image, profile, back=True) or image


def _converted(image: Image.Image, profile: bytes, *, back: bool) -> Image.Image | None:
    """The image in sRGB, or `back` from it in a profile's colours; None where that cannot be done."""
    from PIL import ImageCms

    try:
        own = ImageCms.getOpenProfile(BytesIO(profile))
        if image.mode == "RGB" and _is_srgb(own):
            return image
        srgb = ImageCms.createProfile("sRGB")
        source, target = (srgb, own) if back else (own, srgb)
        return ImageCms.profileToProfile(
            image,
            source,
            target,
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _is_srgb(profile: Any) -> bool:
    description = str(profile.profile.profile_description or "")
    return description.startswith("sRGB")
