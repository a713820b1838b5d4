"""Checks of options that are more than a number, a choice or a text."""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rembolt.colours import COLOUR_FORMS, RGBA, colour_of
from rembolt.errors import UsageError, brief
from rembolt.lengths import MARGIN_FORMS, POSITION_FORMS, SCALE_FORMS, margins_of, position_of, scale_of

BLUR = "blur"
"""The background that is the photo's own, blurred."""

ORIGINAL = "original"
"""The scale and position that the subject has in the photo."""


def check_colour(name: str, value: Any) -> RGBA:
    """A colour as numbers, or as text."""
    if isinstance(value, str):
        colour = colour_of(value)
        if colour is None:
            raise UsageError(f"{name} must be {COLOUR_FORMS}, not {brief(value)}.")
        return colour
    try:
        channels = tuple(operator.index(channel) for channel in value)
    except TypeError:
        channels = ()
    if len(channels) == 3:
        channels = (*channels, 255)
    if len(channels) != 4 or not all(0 <= channel <= 255 for channel in channels):
        raise UsageError(f"{name} must be 3 or 4 whole numbers from 0 to 255 (R G B A), not {brief(value)}.")
    return channels


def check_background(name: str, value: Any) -> Any:
    """What to put behind: text (a colour, `blur` or a file that is there), a Pillow image or an array."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
        if not isinstance(value, str) or not _is_file(value):
            raise UsageError(f"{name}: there is no file {brief(value)}; give the path of a photo.")
        # Said to be a path, so it is one also where a colour has the same name.
        return value if colour_of(value) is None and value != BLUR else str(Path.cwd() / value)
    if isinstance(value, str):
        if value == BLUR or colour_of(value) is not None or _is_file(value):
            return value
        raise UsageError(
            f"{name} {brief(value)} is neither a colour ({COLOUR_FORMS}), nor {BLUR}, "
            "nor a file that is there."
        )
    import numpy as np
    from PIL import Image

    if isinstance(value, (np.ndarray, Image.Image)):
        return value
    raise UsageError(
        f"{name} must be a colour, {BLUR} or a photo's path as text, a Pillow image or an array, "
        f"not {brief(value)}."
    )


def _is_file(path: str) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where a name is too long


def check_margins(name: str, value: Any) -> str:
    """Margins around the subject, as text."""
    if not isinstance(value, str) or margins_of(value) is None:
        raise UsageError(f"{name} must be {MARGIN_FORMS}, not {brief(value)}.")
    return value


def check_scale(name: str, value: Any) -> str:
    """The subject's size, as text."""
    if not isinstance(value, str) or (value != ORIGINAL and scale_of(value) is None):
        raise UsageError(f"{name} must be {SCALE_FORMS}, not {brief(value)}.")
    return value


def check_position(name: str, value: Any) -> str:
    """The subject's position, as text."""
    if not isinstance(value, str) or (value != ORIGINAL and position_of(value) is None):
        raise UsageError(f"{name} must be {POSITION_FORMS}, not {brief(value)}.")
    return value


Prompts = tuple[Mapping[str, Any], ...]
"""SAM's prompts: mappings with `type`, `data` and, for points, `label`."""


_PROMPT_PARTS = {"point": ("type", "data", "label"), "rectangle": ("type", "data")}


def check_prompts(name: str, value: Any) -> Prompts:
    """SAM's prompts: points `[x, y]` and rectangles `[left, top, right, bottom]` in pixels."""
    lengths = {"point": 2, "rectangle": 4}
    if not isinstance(value, (list, tuple)) or not value:
        raise UsageError(f'{name} must be a list such as [{{"type": "point", "data": [x, y], "label": 1}}].')
    for prompt in value:
        kind = prompt.get("type") if isinstance(prompt, Mapping) else None
        if not isinstance(kind, str) or kind not in lengths:
            raise UsageError(
                f'{name}: each prompt needs a "type", "point" or "rectangle"; got {brief(prompt)}.'
            )
        data = prompt.get("data")
        if not isinstance(data, (list, tuple)) or len(data) != lengths[kind] or not all(map(_is_pixel, data)):
            raise UsageError(
                f'{name}: "data" of a {kind} must be {lengths[kind]} numbers, not {brief(data)}.'
            )
        if kind == "point" and prompt.get("label") not in (0, 1):
            raise UsageError(f'{name}: "label" of a point must be 1 (subject) or 0 (background).')
    # Nothing else is kept: it could be of any size and depth.
    return tuple({name: prompt[name] for name in _PROMPT_PARTS[prompt["type"]]} for prompt in value)


def _is_pixel(value: Any) -> bool:
    # Not a NaN, which is not below anything, and nothing that a float cannot hold.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e6
