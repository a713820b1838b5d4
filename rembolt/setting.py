"""What an option is: its definition, its checks, and how it is read from text.

`rembolt.settings` lists the options themselves. Flags, typed keywords, form fields and tables come from
`settings_of`, which gives all that is known of each option of a group.
"""

from __future__ import annotations

import math
import os
import reprlib
from dataclasses import dataclass, field, fields
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from rembolt.errors import UsageError, brief

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
FALSE = frozenset({"0", "false", "f", "no", "n", "off"})
"""What text may say for yes and no, in upper or lower case: the words that rembg's server takes."""


_LARGEST = 1e300
"""Whole numbers beyond it may not fit a float."""


class Setting(NamedTuple):
    """All that is known of one option.

    Attributes:
        name: the Python keyword.
        kind: `bool`, `int`, `float`, `str`, or the annotation of a special type such as `tuple[int, int]`.
        optional: whether None is a value too.
        default: the value where nothing is said.
        help: one line for people.
        flags: short command-line flags, rembg's where it has them; see also `long_flags`.
        choices: the values allowed, empty when any will do.
        minimum, maximum: inclusive limits of a number.
        check: turns a value of a special type into its checked form, or raises `UsageError`; given the name.
        read: turns text into a value, where that takes more than `kind` says, or raises `UsageError`; given
            the name.
    """

    name: str
    kind: str
    optional: bool
    default: Any
    help: str
    flags: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    check: Callable[[str, Any], Any] | None = None
    read: Callable[[str, str], Any] | None = None

    @property
    def long_flags(self) -> tuple[str, ...]:
        """The long command-line flag; two where yes and no can both be said, since neither is the default."""
        long = self.name.replace("_", "-")
        return (f"--{long}", f"--no-{long}") if self.kind == "bool" and self.optional else (f"--{long}",)

    def parse(self, text: str, name: str | None = None) -> Any:
        """Read a value from text, as a command line or a form field gives it.

        Only its type is settled here: limits and choices are checked by `validate`, as for any other value.

        Args:
            text: is never taken for None; leave an option out that was not given.
            name: what an error calls the option, such as its flag; by default its own name.

        Raises:
            UsageError: the text is no value of this type.
        """
        name = name or self.name
        if self.read is not None:
            return self.read(name, text)
        if self.kind not in _KINDS:
            return text
        kind = _KINDS[self.kind]
        try:
            return kind.read(text)
        except ValueError:
            raise UsageError(f"{name} must be {kind.words}, not {reprlib.repr(text)}.") from None

    def validate(self, value: Any) -> Any:
        """Return `value` in its checked form.

        Raises:
            UsageError: the value has the wrong type or lies outside the limits.
        """
        if value is None and self.optional:
            return None
        if self.check is not None:
            return self.check(self.name, value)
        value = _plain(value)
        kind = _KINDS[self.kind]
        if kind.type is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value) if abs(value) < _LARGEST else math.copysign(math.inf, value)
        is_kind = isinstance(value, kind.type) and not (kind.type is int and isinstance(value, bool))
        if not is_kind or value != value:
            raise UsageError(f"{self.name} must be {kind.words}, not {brief(value)}.")
        if self.choices and value not in self.choices:
            raise UsageError(f"{self.name} must be one of {', '.join(self.choices)}, not {brief(value)}.")
        if self.minimum is not None and value < self.minimum:
            raise UsageError(f"{self.name} must be at least {self.minimum}, not {brief(value)}.")
        if self.maximum is not None and value > self.maximum:
            raise UsageError(f"{self.name} must be at most {self.maximum}, not {brief(value)}.")
        return value


def _yes(text: str) -> bool:
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError(text)
    return word in TRUE


class _Kind(NamedTuple):
    """A plain type, the words for it, and how text becomes one (a `ValueError` where it is none)."""

    type: type
    words: str
    read: Callable[[str], Any]


_KINDS = {
    "bool": _Kind(bool, "True or False", _yes),
    "int": _Kind(int, "a whole number", int),
    "float": _Kind(float, "a number", float),
    "str": _Kind(str, "text", str),
}


def _plain(value: Any) -> Any:
    """A NumPy number as Python's own, a path as text; other values as they are."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value


def read_json(name: str, text: str) -> Any:
    """Read JSON, for `Setting.read`.

    Raises:
        UsageError: it is none; the error calls it `name`.
    """
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: this is not JSON ({error}): {reprlib.repr(text)}.") from error


def setting(default: Any, help: str, *flags: str, **more: Any) -> Any:  # noqa: A002 - the field's own word
    """A dataclass field that says the rest of its `Setting` beside name and type.

    Args:
        default: as in `Setting`, as are the others.
        help: one line for people.
        flags: short ones.
        more: `choices`, `minimum`, `maximum`, `check` and `read`.
    """
    return field(default=default, metadata={"help": help, "flags": flags, **more})


@dataclass(frozen=True, kw_only=True, eq=False)
class Options:
    """Base of the option groups: checks every field, each made by `setting`, when it is made."""

    def __post_init__(self) -> None:
        for name, known in settings_of(type(self)).items():
            object.__setattr__(self, name, known.validate(getattr(self, name)))


def settings_of(*groups: type[Options]) -> Mapping[str, Setting]:
    """The settings of all options of `groups` by name, in the order of their definition."""
    return _settings_of(groups)


@cache
def _settings_of(groups: tuple[type[Options], ...]) -> Mapping[str, Setting]:
    return MappingProxyType(
        {
            option.name: Setting(
                name=option.name,
                kind=str(option.type).removesuffix(" | None"),
                optional=str(option.type).endswith(" | None"),
                default=option.default,
                **option.metadata,
            )
            for group in groups
            for option in fields(group)
        }
    )
