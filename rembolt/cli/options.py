"""Command-line flags made from `rembolt.settings`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import click

from rembolt.setting import Options, Setting, read_json, settings_of
from rembolt.settings import GROUPS, MOST_WORKERS, check_names, with_canonical_names

Command = TypeVar("Command", bound=Callable[..., Any])


def options_from(*groups: type[Options]) -> Callable[[Command], Command]:
    """A decorator that gives a command the flags of all options of `groups`.

    A flag that is not given is passed on as None, so that `given` can drop it; False is a "no" that was said.
    """

    def decorate(command: Command) -> Command:
        for setting in reversed([*settings_of(*groups).values()]):
            command = _flag(setting)(command)
        return command

    return decorate


def _flag(setting: Setting) -> Callable[[Command], Command]:
    names = (*setting.flags, "/".join(setting.long_flags), setting.name)
    text = setting.help
    if setting.kind == "bool":
        return click.option(*names, is_flag=True, default=None, help=text)
    if setting.default is not None:
        text = f"{text}  [default: {setting.default}]"
    if setting.name == "bgcolor":
        return click.option(*names, type=int, nargs=4, default=None, help=text, metavar="R G B A")
    kind: Any = (
        click.Choice(setting.choices)
        if setting.choices
        else _Text(_NAMES.get(setting.kind, "json"), lambda flags, said: setting.parse(said, flags))
    )
    return click.option(*names, type=kind, default=None, help=text)


class _Text(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic from click 8.5 on
    """Text that becomes a value.

    Args:
        name: of the kind of value, for the help.
        read: makes a value of text; given the flags, for its errors, and the text.
    """

    def __init__(self, name: str, read: Callable[[str, str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, _: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        return self._read(" / ".join(param.opts) if param else self.name, value)


_NAMES = {"int": "integer", "float": "float", "str": "text"}

JSON = _Text("json", read_json)


def given(values: dict[str, Any], extras: Any = None) -> dict[str, Any]:
    """The options that were really given, with those of `-x` added.

    Raises:
        click.UsageError: `-x` is not an object.
        UsageError: `-x` has a name that is no option.
    """
    if extras is not None and not isinstance(extras, dict):
        raise click.UsageError('-x takes a JSON object such as {"putalpha": true}.')
    named = with_canonical_names(extras or {})
    check_names(named, *GROUPS)
    flags = {name: value for name, value in values.items() if value is not None}
    return {**flags, **named}


def workers(what: str) -> Callable[[Command], Command]:
    """A decorator that gives a command `--workers`.

    Args:
        what: is worked on, in the plural.
    """
    text = f"{what} worked on at a time (default: one for each core)"
    return click.option("--workers", type=click.IntRange(1, MOST_WORKERS), help=text)


def verbosity(command: Command) -> Command:
    """A decorator that gives a command `-q` and `-v`."""
    command = click.option("-v", "--verbose", is_flag=True, help="say more")(command)
    return click.option("-q", "--quiet", is_flag=True, help="say only what went wrong")(command)


def set_up_messages(*, quiet: bool, verbose: bool) -> None:
    """Send rembolt's own messages to stderr, one sentence a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("rembolt: %(message)s"))
    logger = logging.getLogger("rembolt")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING)
