"""Colours as people write them."""

from __future__ import annotations

import re

RGBA = tuple[int, int, int, int]
"""Red, green, blue and opacity, 0 to 255 each."""

COLOUR_FORMS = "a name such as red, #RGB, #RRGGBB, #RRGGBBAA or R,G,B[,A]"

_NUMBERS = re.compile(r"\s*\d{1,3}\s*(,\s*\d{1,3}\s*){2,3}", re.ASCII)


def colour_of(text: str) -> RGBA | None:
    """Read a colour, or give None for text that is none.

    Args:
        text: a CSS name, `#RGB`, `#RGBA`, `#RRGGBB`, `#RRGGBBAA` in any case, or `R,G,B[,A]` from 0 to 255.
    """
    if _NUMBERS.fullmatch(text):
        channels = tuple(int(number) for number in text.split(","))
    elif "(" in text:
        return None  # Pillow's rgba() counts opacity to 255, where CSS counts it to 1
    else:
        from PIL import ImageColor

        try:
            channels = ImageColor.getrgb(text.strip())
        except ValueError:
            return None
    if max(channels) > 255:
        return None
    red, green, blue, *opacity = channels
    return red, green, blue, opacity[0] if opacity else 255
