"""Flags made from the settings: what is said arrives, what is not said does not."""

from __future__ import annotations

import io
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from cli.rembolt_command import assert_refused
from PIL import Image

import rembolt
from rembolt.cli.options import JSON, given, options_from
from rembolt.settings import GROUPS, CutoutOptions, pick


@click.command()
@options_from(*GROUPS)
@click.option("-x", "--extras", type=JSON)
def command(extras: Any, **values: Any) -> dict[str, Any]:
    return given(values, extras)


def said(*flags: str) -> dict[str, Any]:
    """The options that a command line gives."""
    result: dict[str, Any] = command.main(list(flags), standalone_mode=False)
    return result


def test_nothing_said_is_nothing_given() -> None:
    assert said() == {}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["-dc"], True),
        (["--decontaminate"], True),
        (["--no-decontaminate"], False),
        (["-dc", "--no-decontaminate"], False),
        (["--no-decontaminate", "-dc"], True),
        (["-x", '{"decontaminate": false}'], False),
        (["-dc", "-x", '{"decontaminate": false}'], False),
        (["-dc", "-x", '{"decontaminate": null}'], None),
    ],
)
def test_yes_and_no_and_neither(flags: list[str], expected: bool | None) -> None:
    options = said(*flags)
    assert options == {"decontaminate": expected}
    assert pick(CutoutOptions, options).decontaminate is expected


def test_every_option_that_knows_neither_has_a_no() -> None:
    flags = {parameter.name: parameter for parameter in command.params}
    for group in GROUPS:
        for option in fields(group):
            long = option.name.replace("_", "-")
            no = [f"--no-{long}"] if option.type == "bool | None" else []
            assert flags[option.name].secondary_opts == no
            assert f"--{long}" in flags[option.name].opts


def test_flags_are_true_when_they_are_given() -> None:
    assert said("--smooth-mask", "-ppm", "--offline") == {
        "smooth_mask": True,
        "post_process_mask": True,
        "offline": True,
    }


@pytest.mark.parametrize("text", ["0", "2", "2.5", "1e1", "-2.5"])
def test_numbers_with_a_fraction(text: str) -> None:
    assert said("--shift-edge", text) == {"shift_edge": float(text)}
    assert said(f"--shift-edge={text}") == {"shift_edge": float(text)}


@pytest.mark.parametrize(
    ("flag", "text", "words"),
    [
        ("--max-size", "1e3", "must be a whole number, not '1e3'"),
        ("-ae", "", "must be a whole number, not ''"),
        ("--feather", "soft", "must be a number, not 'soft'"),
        ("--feather", "nan", "must be a number"),
        ("--feather", "inf", "at most 200"),
        ("--feather", "-1", "at least 0"),
        ("--shift-edge", "-100.5", "at least -100"),
        ("--remove-islands", "101", "at most 100"),
        ("--fill-holes", "1,5", "must be a number, not '1,5'"),
    ],
)
def test_wrong_numbers_are_told(run, photo, flag: str, text: str, words: str) -> None:
    assert_refused(run("remove", photo, "out.png", flag, text), 2, flag.lstrip("-").split("-")[0], words)
    assert not Path("out.png").exists()


def test_a_no_reaches_the_colours(run, photo) -> None:
    def cut(*flags: str) -> np.ndarray:
        assert run("remove", photo, "out.png", *flags).code == 0
        return np.asarray(Image.open("out.png"))

    without = rembolt.remove(photo.read_bytes(), decontaminate=False)
    assert np.array_equal(cut("--no-decontaminate"), np.asarray(Image.open(io.BytesIO(without))))
    assert not np.array_equal(cut("--no-decontaminate"), cut("-dc"))
