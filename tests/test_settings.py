"""Every option once: types, limits and suggestions."""

from __future__ import annotations

from dataclasses import fields

import pytest

from rembolt.errors import UsageError
from rembolt.images.encode import OUTPUT_FORMATS, QUALITY_RANGE
from rembolt.keywords import Keywords, PhotoKeywords
from rembolt.setting import Setting, settings_of
from rembolt.settings import (
    ALIASES,
    GROUPS,
    CutoutOptions,
    InputOptions,
    OutputOptions,
    SessionOptions,
    check_names,
    check_together,
    names_of,
    pick,
)

SETTINGS = settings_of(*GROUPS)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda one: one.name)
def test_every_option_has_help_and_a_valid_default(setting: Setting) -> None:
    assert len(setting.help) > 10
    assert setting.validate(setting.default) == setting.default


def test_no_two_options_share_a_name_or_flag() -> None:
    flags = [flag for one in SETTINGS.values() for flag in (*one.flags, *one.long_flags)]
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


@pytest.mark.parametrize(
    "options",
    [
        {"refine": "fast"},
        {"refine": "best"},
        {"smooth_mask": True},
        {"remove_islands": 1},
        {"fill_holes": 1},
        {"shift_edge": -1},
        {"feather": 1},
    ],
)
def test_exact_takes_no_way_of_our_own(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=f"exact gives rembg's pixels, which has no {next(iter(options))}; "):
        check_together(CutoutOptions(exact=True, **options), OutputOptions())
    check_together(CutoutOptions(**options), OutputOptions())
    check_together(CutoutOptions(exact=True, refine="none", alpha_matting=True), OutputOptions())


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("max_size", "320", 320),
        ("max_size", " 320 ", 320),
        ("max_size", "-3", -3),  # limits are another matter
        ("shift_edge", "-2.5", -2.5),
        ("shift_edge", "1e1", 10.0),
        ("exact", "true", True),
        ("exact", "ON", True),
        ("exact", "1", True),
        ("exact", "no", False),
        ("exact", "0", False),
        ("decontaminate", "off", False),
        ("refine", "fast", "fast"),
        ("refine", "slow", "slow"),  # choices too
        ("model", "", ""),
        ("model", "None", "None"),
        ("bgcolor", "1,2,3", "1,2,3"),
        ("background", "#fff", "#fff"),
        ("sam_prompt", '[{"type": "point"}]', [{"type": "point"}]),
        ("sam_prompt", "null", None),
    ],
)
def test_text_becomes_the_options_type(name: str, text: str, value: object) -> None:
    parsed = SETTINGS[name].parse(text)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("max_size", "large", "max_size must be a whole number, not 'large'."),
        ("max_size", "1.5", "max_size must be a whole number, not '1.5'."),
        ("max_size", "", "max_size must be a whole number, not ''."),
        ("feather", "1,5", "feather must be a number, not '1,5'."),
        ("exact", "maybe", "exact must be True or False, not 'maybe'."),
        ("sam_prompt", "[", "sam_prompt: this is not JSON (Expecting value: line 1 column 2 (char 1)): '['."),
    ],
)
def test_text_of_another_type_is_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        SETTINGS[name].parse(text)
    assert str(caught.value) == message
    with pytest.raises(UsageError) as caught:
        SETTINGS[name].parse(text, "--flag")
    assert str(caught.value) == message.replace(name, "--flag", 1)


@pytest.mark.parametrize("text", ["9" * 100_000, "[" * 100_000], ids=["digits", "brackets"])
@pytest.mark.parametrize("name", ["max_size", "sam_prompt"])
def test_endless_text_is_not_said_back(name: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        SETTINGS[name].parse(text)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda one: one.name)
def test_text_and_keywords_say_the_same(setting: Setting) -> None:
    for value in (*setting.choices, setting.minimum, setting.maximum, setting.default):
        if value is not None:
            assert setting.validate(setting.parse(str(value))) == setting.validate(value)


def test_a_setting_says_what_its_field_says() -> None:
    assert SETTINGS["max_size"][:4] == ("max_size", "int", True, None)
    assert SETTINGS["refine"][:4] == ("refine", "str", False, "none")
    assert SETTINGS["sam_prompt"].kind == "tuple[Mapping[str, Any], ...]"
    assert SETTINGS["max_size"].long_flags == ("--max-size",)
    assert SETTINGS["exact"].long_flags == ("--exact",)
    assert SETTINGS["decontaminate"].long_flags == ("--decontaminate", "--no-decontaminate")
    assert tuple(SETTINGS) == names_of(*GROUPS)


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
    assert SETTINGS["format"].choices == tuple(OUTPUT_FORMATS)
    assert (SETTINGS["quality"].minimum, SETTINGS["quality"].maximum) == QUALITY_RANGE
