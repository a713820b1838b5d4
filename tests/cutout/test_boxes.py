"""Boxes around what is wanted, cut where that makes less to look at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rembolt.cutout.boxes import boxes
from rembolt.cutout.subject import Box

SIDES = st.integers(1, 60)


def blobs(height: int, width: int, seed: int) -> np.ndarray:
    """Some rectangles, perhaps none."""
    random = np.random.default_rng(seed)
    wanted = np.zeros((height, width), bool)
    for _ in range(random.integers(0, 6)):
        top, left = random.integers(0, height), random.integers(0, width)
        wanted[top : top + random.integers(1, 20), left : left + random.integers(1, 20)] = True
    return wanted


def looked_at(box: Box, margin: int) -> int:
    return (box.height + 2 * margin) * (box.width + 2 * margin)


@given(SIDES, SIDES, st.sampled_from([1, 2, 4]), st.integers(0, 3), st.integers(1, 4000), st.integers(0, 999))
def test_all_that_is_wanted_is_in_exactly_one_box(height, width, multiple, around, most, seed) -> None:
    wanted = blobs(height, width, seed)
    times = np.zeros((height, width), int)
    for box in boxes(wanted, multiple, around * multiple, most):
        assert wanted[box.slices].any()
        assert box.top % multiple == box.left % multiple == 0
        assert box.bottom % multiple == 0 or box.bottom == height
        assert box.right % multiple == 0 or box.right == width
        times[box.slices] += 1
    assert (times[wanted] == 1).all()
    assert times.max(initial=0) <= 1


@given(SIDES, SIDES, st.integers(0, 9), st.integers(0, 999))
def test_there_is_never_more_to_look_at_than_in_one_box(height, width, margin, seed) -> None:
    wanted = blobs(height, width, seed)
    found = boxes(wanted, 1, margin, wanted.size * 999)
    if wanted.any():
        rows, columns = (np.flatnonzero(wanted.any(axis=axis)) for axis in (1, 0))
        one = Box(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        assert sum(looked_at(box, margin) for box in found) <= looked_at(one, margin)
    else:
        assert found == []


def test_an_outline_is_taken_apart_and_a_solid_is_not() -> None:
    outline = np.ones((200, 300), bool)
    (one,) = boxes(outline, 4, 8, 10**9)
    assert one == Box(0, 0, 300, 200)
    outline[10:-10, 10:-10] = False
    assert sum(looked_at(box, 8) for box in boxes(outline, 4, 8, 10**9)) < 0.6 * looked_at(one, 8)


@pytest.mark.parametrize("shape", [(400, 600), (600, 400), (1, 50_000), (50_000, 1)])
def test_what_is_too_large_is_cut_even_where_that_saves_nothing(shape: tuple[int, int]) -> None:
    margin, most = 8, 60_000
    found = boxes(np.ones(shape, bool), 4, margin, most)
    assert len(found) > 1
    assert max(looked_at(box, margin) for box in found) <= most


def test_no_box_is_cut_for_ever() -> None:
    assert len(boxes(np.ones((3, 3), bool), 1, 50, 1)) <= 9
