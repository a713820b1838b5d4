"""remove.bg's fields, read as our options."""

from __future__ import annotations

import math
import re
import reprlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rembolt.checks import ORIGINAL, check_margins, check_position, check_scale
from rembolt.colours import colour_of
from rembolt.errors import UsageError
from rembolt.lengths import region_of
from rembolt.server.dialects.removebg.refusals import FieldError
from rembolt.server.dialects.removebg.schema import FIELDS
from rembolt.setting import FALSE, TRUE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MEGAPIXELS = {
    **dict.fromkeys(("preview", "small", "regular"), 0.25),
    "medium": 1.5,
    "hd": 4.0,
    **dict.fromkeys(("full", "4k", "auto"), 25.0),
    "50mp": 50.0,
}
PNG_MEGAPIXELS = 10.0

SHADOW_OPACITY = 50.0

LONGEST_TEXT = 1000
"""Characters of a field that is no photo."""

_FORMATS = ("auto", "png", "jpg", "webp", "zip")
_CHANNELS = ("rgba", "alpha")
_SHADOWS = ("none", "auto", "drop", "car", "3d")
_TYPE_LEVELS = ("none", "1", "2", "latest")
_BACKGROUNDS = ("bg_color", "bg_image_url", "bg_image_file")
_WHOLE = "0% 0% 100% 100%"

_HEX = re.compile(r"[0-9a-f]{3}|[0-9a-f]{4}|[0-9a-f]{6}|[0-9a-f]{8}", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Asked:
    """What a request asks for, beside its photos.

    Attributes:
        options: ours, but for `format`.
        megapixels: the limit, but for PNG's.
        format: as given.
        transparent: whether something of the background stays transparent; a photo put behind is not counted.
        background: whether a photo given to be put behind is used.
        region: text for `region_of`, None for the whole photo.
        with_type: whether the answer has `X-Type`.
        ignored: names of the fields that change nothing.
    """

    options: Mapping[str, Any]
    megapixels: float
    format: str
    transparent: bool
    background: bool
    region: str | None
    with_type: bool
    ignored: tuple[str, ...]

    def settled(self, *, opaque_photo: bool) -> tuple[dict[str, Any], float]:
        """The options with the format, and the limit in megapixels.

        Args:
            opaque_photo: whether a photo without transparency is put behind.
        """
        chosen = self.format
        if chosen == "auto":
            chosen = "png" if self.transparent and not opaque_photo else "jpg"
        most = min(self.megapixels, PNG_MEGAPIXELS) if chosen == "png" else self.megapixels
        return {**self.options, "format": chosen}, most


def read(given: Mapping[str, Any], files: Mapping[str, bytes]) -> Asked:
    """Read the fields of a request; those that say where its photos are only by whether they are there.

    Args:
        given: by name; text as a form has it, or values as JSON has them.
        files: by name.

    Raises:
        FieldError: one is wrong.
    """
    return _Reader(given, files).asked()


def text_of(name: str, value: Any) -> str:
    """A field's value as text; empty where it is none.

    Raises:
        FieldError: it is no plain value.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, (str, int, float)):
        raise FieldError(f"invalid_{name}", f"{name} must be text, not {reprlib.repr(value)}.")
    return str(value).strip()


def _is_there(name: str, given: Mapping[str, Any], files: Mapping[str, bytes]) -> bool:
    return bool(files.get(name)) or given.get(name) not in (None, "")


class _Reader:
    """Reads the fields of one request, and notes which of them change nothing."""

    def __init__(self, given: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        self._given = given
        self._backgrounds = [name for name in _BACKGROUNDS if _is_there(name, given, files)]
        self._ignored = [name for name in (*given, *files) if name not in FIELDS]

    def asked(self) -> Asked:
        size = self._choice("size", tuple(MEGAPIXELS)) or "preview"
        chosen = self._choice("format", _FORMATS) or "auto"
        options = {"only_mask": self._only_mask(chosen)} | self._shadow() | self._place()
        colour = self._colour()
        if len(self._backgrounds) > 1:
            raise FieldError(
                "multiple_bg_sources",
                f"{' and '.join(self._backgrounds)} are more than one background; give one of them.",
            )
        if options["only_mask"]:
            self._ignored += self._backgrounds
            if options.pop("shadow", None) is not None:
                self._ignored.append("shadow_type" if self._text("shadow_type") else "add_shadow")
        elif colour is not None:
            options["background"] = "#{:02x}{:02x}{:02x}{:02x}".format(*colour)
        self._note_kind()
        return Asked(
            options=options,
            megapixels=MEGAPIXELS[size],
            format=chosen,
            transparent=options["only_mask"] or colour is None or colour[3] < 255,
            background=not options["only_mask"],
            region=self._region(),
            with_type=self._text("type_level").lower() != "none",
            ignored=tuple(dict.fromkeys(self._ignored)),
        )

    def _text(self, name: str) -> str:
        text = text_of(name, self._given.get(name))
        if len(text) > LONGEST_TEXT:
            raise FieldError(f"invalid_{name}", f"{name} has more than {LONGEST_TEXT} characters.")
        return text

    def _choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        text = self._text(name)
        if text and text.lower() not in choices:
            raise FieldError(f"invalid_{name}", f"{name} must be one of {', '.join(choices)}, not {text!r}.")
        return text.lower() or None

    def _yes(self, name: str) -> bool | None:
        word = self._text(name).lower()
        if word and word not in TRUE | FALSE:
            raise FieldError(f"invalid_{name}", f"{name} must be true or false, not {word!r}.")
        return word in TRUE if word else None

    def _checked(self, name: str, check: Callable[[str, Any], str]) -> str | None:
        text = self._text(name)
        if not text:
            return None
        try:
            return check(name, text)
        except UsageError as error:
            raise FieldError(f"invalid_{name}", str(error)) from error

    def _only_mask(self, chosen: str) -> bool:
        only_mask = self._choice("channels", _CHANNELS) == "alpha"
        if only_mask and chosen == "zip":  # which has the mask anyway, beside the colours
            self._ignored.append("channels")
            return False
        return only_mask

    def _shadow(self) -> dict[str, Any]:
        kind = self._choice("shadow_type", _SHADOWS)
        wanted = self._yes("add_shadow") if kind is None else kind != "none"
        text = self._text("shadow_opacity")
        try:
            opacity = float(text) if text else SHADOW_OPACITY
        except ValueError:
            opacity = math.nan
        if not 0 <= opacity <= 100:
            raise FieldError(
                "invalid_shadow_opacity", f"shadow_opacity must be a number from 0 to 100, not {text!r}."
            )
        if wanted:
            if kind in ("car", "3d"):
                self._ignored.append("shadow_type")
            return {"shadow": opacity}
        if text:
            self._ignored.append("shadow_opacity")
        return {}

    def _place(self) -> dict[str, Any]:
        crop = bool(self._yes("crop"))
        margin = self._checked("crop_margin", check_margins)
        moved = {"scale": self._checked("scale", check_scale)}
        moved["position"] = self._checked("position", check_position)
        moved = {name: text for name, text in moved.items() if text is not None}
        if crop:
            self._ignored += [name for name, text in moved.items() if text != ORIGINAL]
            return {"crop": True, "crop_margin": margin or "0"}
        if margin is not None:
            self._ignored.append("crop_margin")
        return moved

    def _colour(self) -> tuple[int, int, int, int] | None:
        text = self._text("bg_color")
        if not text:
            return None
        colour = colour_of(f"#{text}" if _HEX.fullmatch(text) else text)
        if colour is None:
            raise FieldError(
                "invalid_bg_color",
                f"bg_color must be a name or 3, 4, 6 or 8 hexadecimal digits, not {text!r}.",
            )
        return colour

    def _region(self) -> str | None:
        text = self._text("roi")
        if not text or text == _WHOLE:
            return None
        if region_of(text, (100, 100)) is None:
            raise FieldError(
                "invalid_roi", f"roi must be four lengths such as '0px 0px 100% 50%', not {text!r}."
            )
        return text

    def _note_kind(self) -> None:
        """Note what is said of the subject's kind and does not matter here."""
        if self._text("type").lower() not in ("", "auto"):
            self._ignored.append("type")
        if self._text("type_level").lower() not in ("", *_TYPE_LEVELS):
            self._ignored.append("type_level")
        if self._yes("semitransparency") is False:
            self._ignored.append("semitransparency")
