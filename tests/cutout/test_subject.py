"""Where in an alpha the subject is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rembolt.cutout.subject import Box, box_of, surroundings


def test_traces_do_not_count() -> None:
    alpha = np.zeros((60, 100), np.uint8)
    alpha[10:30, 20:40] = 255
    alpha[55, 90] = 3
    assert box_of(alpha) == Box(20, 10, 40, 30)
    assert box_of(alpha, above=0) == Box(20, 10, 91, 56)


def test_a_box_has_a_width_and_a_height() -> None:
    assert (Box(20, 10, 45, 30).width, Box(20, 10, 45, 30).height) == (25, 20)


@pytest.mark.parametrize("shape", [(5, 5), (1, 1), (0, 4), (4, 0)])
def test_nothing_has_no_box(shape: tuple[int, int]) -> None:
    alpha = np.zeros(shape, np.uint8)
    assert box_of(alpha) is None
    assert surroundings(alpha, 3) is None


@settings(max_examples=60)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    above=st.integers(0, 254),
    seed=st.integers(0, 1000),
    turned=st.booleans(),
)
def test_it_is_the_smallest_that_holds_all_that_is_seen(size, above, seed, turned) -> None:
    random = np.random.default_rng(seed)
    rgba = random.integers(0, 256, (*size, 4), np.uint8)
    rgba[random.random(size) < 0.9] = 0
    alpha = rgba[:, :, 3].T if turned else rgba[:, :, 3]  # views, as callers have them
    rows, columns = np.nonzero(alpha > above)
    box = box_of(alpha, above)
    if not rows.size:
        assert box is None
    else:
        assert box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_surroundings_end_where_the_picture_does() -> None:
    alpha = np.zeros((20, 30), np.uint8)
    alpha[2:5, 25:29] = 1
    assert alpha[surroundings(alpha, 0)].shape == (3, 4)
    assert surroundings(alpha, 1) == (slice(1, 6), slice(24, 30))
    assert alpha[surroundings(alpha, 4)].shape == (9, 9)


@pytest.mark.parametrize(
    ("box", "grown"),
    [
        (Box(20, 30, 40, 50), Box(12, 22, 48, 58)),
        (Box(1, 2, 30, 50), Box(0, 0, 38, 58)),
        (Box(20, 40, 99, 121), Box(12, 32, 101, 122)),
    ],
)
def test_a_box_grows_as_far_as_the_picture(box: Box, grown: Box) -> None:
    assert box.grown(8, (101, 122)) == grown


def test_a_box_moves_and_takes_its_part_of_an_array() -> None:
    numbers = np.arange(12).reshape(3, 4)
    box = Box(0, 0, 2, 1).moved(1, 2)
    assert box == Box(1, 2, 3, 3)
    assert numbers[box.slices].tolist() == [[9, 10]]
