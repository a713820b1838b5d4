"""Command-line flags made from `rembolt.settings`."""

from __future__ import annotations

import logging
import reprlib
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

import click

from rembolt.settings import GROUPS, MOST_WORKERS, Options, check_names, setting_of, with_canonical_names

Command = TypeVar("Command", bound=Callable[..., Any])


def options_from(*groups: type[Options]) -> Callable[[Command], Command]:
    """A decorator that gives a command the flags of all options of `groups`.

    A flag that is not given is passed on as None, so that `given` can drop it; False is a "no" that was said.
    """

    def decorate(command: Command) -> Command:
        for group in reversed(groups):
            for option in reversed(fields(group)):
                command = _flag(option)(command)
        return command

    return decorate


def _flag(option: Any) -> Callable[[Command], Command]:
    setting = setting_of(option)
    annotation = str(option.type).removesuffix(" | None")
    names = (*setting.flags, f"--{option.name.replace('_', '-')}", option.name)
    text = setting.help
    if annotation == "bool":
        if option.default is None:  # neither yes nor no by itself: both can be said
            long = names[-2]
            names = (*setting.flags, f"{long}/{long.replace('--', '--no-', 1)}", option.name)
        return click.option(*names, is_flag=True, default=None, help=text)
    if option.default is not None:
        text = f"{text}  [default: {option.default}]"
    if option.name == "bgcolor":
        return click.option(*names, type=int, nargs=4, default=None, help=text, metavar="R G B A")
    if annotation.startswith("tuple"):
        return click.option(*names, type=JSON, default=None, help=text)
    kind: Any = click.Choice(setting.choices) if setting.choices else _KINDS[annotation]
    return click.option(*names, type=kind, default=None, help=text)


_KINDS = {"int": int, "float": float, "str": str}


class _Json(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic from click 8.5 on
    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        import json

        try:
            return json.loads(value)
        except (ValueError, RecursionError) as error:
            self.fail(f"this is not JSON ({error}): {reprlib.repr(value)}.", param, ctx)


JSON = _Json()


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
