"""Every option once: types, limits and suggestions."""

from __future__ import annotations

from dataclasses import fields

import pytest

from rembolt.errors import UsageError
from rembolt.images.encode import OUTPUT_FORMATS, QUALITY_RANGE
from rembolt.keywords import Keywords, PhotoKeywords
from rembolt.settings import (
    ALIASES,
    GROUPS,
    CutoutOptions,
    InputOptions,
    OutputOptions,
    SessionOptions,
    check_names,
    names_of,
    pick,
    setting_of,
)


@pytest.mark.parametrize(
    "option", [option for group in GROUPS for option in fields(group)], ids=lambda o: o.name
)
def test_every_option_has_help_and_a_valid_default(option: object) -> None:
    setting = setting_of(option)
    assert len(setting.help) > 10
    assert setting.validate(option.name, str(option.type), option.default) == option.default


def test_no_two_options_share_a_name_or_flag() -> None:
    flags = [flag for group in GROUPS for option in fields(group) for flag in setting_of(option).flags]
    assert len(flags) == len(set(flags))
    assert len(names_of(*GROUPS)) == len(set(names_of(*GROUPS)))


@pytest.mark.parametrize(
    ("group", "values", "message"),
    [
        (CutoutOptions, {"alpha_matting": 1}, "alpha_matting must be True or False, not 1"),
        (CutoutOptions, {"alpha_matting_erode_size": True}, "a whole number, not True"),
        (CutoutOptions, {"alpha_matting_erode_size": 2.5}, "a whole number, not 2.5"),
        (CutoutOptions, {"alpha_matting_foreground_threshold": 256}, "at most 255, not 256"),
        (CutoutOptions, {"max_size": 3}, "at least 16, not 3"),
        (CutoutOptions, {"cloth_category": "hat"}, "one of upper, lower, full, attire, not 'hat'"),
        (CutoutOptions, {"sam_prompt": "here"}, "must be a list such as"),
        (CutoutOptions, {"sam_prompt": []}, "must be a list such as"),
        (CutoutOptions, {"sam_prompt": [{"type": "circle"}]}, '"point" or "rectangle"'),
        (CutoutOptions, {"sam_prompt": [{"type": "point", "data": [1], "label": 1}]}, "must be 2 numbers"),
        (CutoutOptions, {"sam_prompt": [{"type": "rectangle", "data": [1, 2, 3, "4"]}]}, "must be 4 numbers"),
        (CutoutOptions, {"sam_prompt": [{"type": "point", "data": [1, 2]}]}, '"label" of a point'),
        (CutoutOptions, {"sam_prompt": [{"type": ["point"]}]}, '"point" or "rectangle"'),
        (
            CutoutOptions,
            {"sam_prompt": [{"type": "point", "data": [1, float("nan")], "label": 1}]},
            "2 numbers",
        ),
        (CutoutOptions, {"sam_prompt": [{"type": "point", "data": [1, 10**400], "label": 1}]}, "2 numbers"),
        (
            CutoutOptions,
            {"sam_prompt": [{"type": "point", "data": [1, 2], "label": 7}]},
            '"label" of a point',
        ),
        (OutputOptions, {"bgcolor": (1, 2)}, "3 or 4 whole numbers from 0 to 255"),
        (OutputOptions, {"bgcolor": (1, 2, 3, 256)}, "3 or 4 whole numbers from 0 to 255"),
        (OutputOptions, {"bgcolor": "reddish"}, "a name such as red, #RGB, #RRGGBB"),
        (OutputOptions, {"format": "gif"}, "one of png, webp, jpg, avif, zip"),
        (SessionOptions, {"device": "gpu"}, "one of auto, cpu, cuda"),
        (SessionOptions, {"threads": 0}, "at least 1"),
        (SessionOptions, {"model": 5}, "model must be text, not 5"),
        (InputOptions, {"max_pixels": None}, "max_pixels must be a whole number"),
    ],
)
def test_wrong_values_are_named(group: type, values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        group(**values)
    assert message in str(caught.value)


def test_colours_may_leave_the_alpha_out() -> None:
    assert OutputOptions(bgcolor=[1, 2, 3]).bgcolor == (1, 2, 3, 255)


def test_colours_may_be_text() -> None:
    assert OutputOptions(bgcolor="#01020304").bgcolor == (1, 2, 3, 4)
    assert OutputOptions(bgcolor="navy").bgcolor == (0, 0, 128, 255)


def test_unknown_names_come_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'post_process_mask'"):
        check_names(["post_proces_mask"], *GROUPS)
    with pytest.raises(UsageError, match="the options are max_pixels, to_srgb"):
        check_names(["zzz"], InputOptions)


def test_picking_leaves_the_rest_alone() -> None:
    picked = pick(InputOptions, {"max_pixels": 7, "model": "bolt"})
    assert (picked.max_pixels, picked.to_srgb) == (7, False)


def test_the_typed_keywords_are_the_options() -> None:
    assert set(Keywords.__annotations__) - set(ALIASES) == set(names_of(*GROUPS))
    session = set(names_of(SessionOptions))
    assert set(PhotoKeywords.__annotations__) - set(ALIASES) == set(names_of(*GROUPS)) - session
    for group in GROUPS:
        for option in fields(group):
            typed, said = str(Keywords.__annotations__[option.name]), str(option.type)
            assert ("None" in typed) == ("None" in said), option.name
            if said.removesuffix(" | None") in ("bool", "int", "float", "str"):
                assert said in typed, option.name


def test_the_settings_and_the_tables_they_stand_for_agree() -> None:
    options = {option.name: setting_of(option) for group in GROUPS for option in fields(group)}
    assert options["format"].choices == tuple(OUTPUT_FORMATS)
    assert (options["quality"].minimum, options["quality"].maximum) == QUALITY_RANGE
