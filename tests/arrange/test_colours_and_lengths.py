"""Colours, margins, scales and positions as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rembolt.colours import colour_of
from rembolt.lengths import margins_of, position_of, scale_of


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("red", (255, 0, 0, 255)),
        ("RebeccaPurple", (102, 51, 153, 255)),
        ("#1e90ff", (30, 144, 255, 255)),
        ("#1E90FF80", (30, 144, 255, 128)),
        ("#0f8", (0, 255, 136, 255)),
        ("1,2,3", (1, 2, 3, 255)),
        (" 1, 2, 3, 4 ", (1, 2, 3, 4)),
        ("1,2,256", None),
        ("1,2", None),
        ("reddish", None),
        ("#12345", None),
        ("rgba(255,0,0,1)", None),
        ("", None),
    ],
)
def test_colours(text: str, colour: tuple[int, ...] | None) -> None:
    assert colour_of(text) == colour


@given(st.tuples(*[st.integers(0, 255)] * 4))
def test_every_colour_can_be_written_in_two_ways(colour: tuple[int, ...]) -> None:
    assert colour_of(",".join(map(str, colour))) == colour
    assert colour_of("#" + bytes(colour).hex()) == colour


@pytest.mark.parametrize(
    ("text", "pixels"),
    [
        ("0", [0, 0, 0, 0]),
        ("10px", [10, 10, 10, 10]),
        ("10% 5px", [20, 5, 20, 5]),
        ("1px 2px 3px 50%", [1, 2, 3, 50]),
        ("2.5%", [5, 2, 5, 2]),
        ("10", None),
        ("1px 2px 3px", None),
        ("-1px", None),
        ("101%", None),
        ("5001px", None),
        ("", None),
    ],
)
def test_margins_around_100_x_200_pixels(text: str, pixels: list[int] | None) -> None:
    margins = margins_of(text)
    sizes = (200, 100, 200, 100)
    assert (margins and [side.pixels(whole) for side, whole in zip(margins, sizes, strict=True)]) == pixels


@pytest.mark.parametrize(
    ("text", "scale"), [("10%", 0.1), ("100%", 1), ("9%", None), ("101%", None), ("50px", None), ("50", None)]
)
def test_scales(text: str, scale: float | None) -> None:
    assert scale_of(text) == scale


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("center", (0.5, 0.5)),
        ("25%", (0.25, 0.25)),
        ("0% 100%", (0, 1)),
        ("0%  100% 1%", None),
        ("101%", None),
        ("10px", None),
        ("", None),
    ],
)
def test_positions(text: str, position: tuple[float, float] | None) -> None:
    assert position_of(text) == position


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (colour_of, margins_of, scale_of, position_of):
        read(text)
