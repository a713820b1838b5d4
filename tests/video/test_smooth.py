"""Smoothing: steadier where nothing happens, untouched where something does."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rembolt.video.frame import Frame
from rembolt.video.smooth import OTHER, SAME, smoothed

Bytes = npt.NDArray[np.uint8]


def frame(time: int, colours: Bytes | int, alpha: Bytes | int) -> Frame:
    pixels = np.zeros((6, 8, 4), np.uint8)
    pixels[:, :, :3] = colours
    pixels[:, :, 3] = alpha
    return Frame(pixels, time)


def alphas(frames: list[Frame]) -> list[float]:
    return [float(each.pixels[:, :, 3].mean()) for each in frames]


@given(count=st.integers(0, 12), radius=st.integers(0, 5))
def test_as_many_frames_come_out_as_go_in_in_order(count: int, radius: int) -> None:
    given_frames = [frame(time, 100, 10 * time) for time in range(count)]
    made = list(smoothed(given_frames, radius))
    assert [each.time for each in made] == list(range(count))
    assert alphas(given_frames) == [10 * time for time in range(count)]  # not changed


def test_flicker_where_nothing_moves_becomes_the_mean() -> None:
    frames = [frame(time, 100, 200 + 20 * (time % 2)) for time in range(9)]
    assert alphas(list(smoothed(frames, 1)))[1:-1] == [207, 213] * 3 + [207]
    assert alphas(list(smoothed(frames, 0))) == alphas(frames)


def test_the_mean_is_over_the_frames_on_both_sides_and_no_others() -> None:
    frames = [frame(time, 100, 255 * (time == 5)) for time in range(11)]
    assert alphas(list(smoothed(frames, 2))) == [0, 0, 0, 51, 51, 51, 51, 51, 0, 0, 0]


def test_what_moves_drags_no_ghost() -> None:
    frames = []
    for time in range(8):
        colours, alpha = np.full((6, 8, 3), 60, np.uint8), np.zeros((6, 8), np.uint8)
        colours[:, time], alpha[:, time] = (60 + OTHER, 60, 60), 255
        frames.append(frame(time, colours, alpha))
    for before, after in zip(frames, smoothed(frames, 3), strict=True):
        np.testing.assert_array_equal(after.pixels, before.pixels)


def test_noise_does_not_stop_the_mean() -> None:
    random = np.random.default_rng(0)
    frames = [
        frame(time, random.integers(100, 100 + SAME, (6, 8, 3), dtype=np.uint8), 100 + 30 * (time % 3))
        for time in range(9)
    ]
    assert alphas(list(smoothed(frames, 1)))[1:-1] == [130] * 7


def test_nothing_bleeds_across_a_cut() -> None:
    """Two scenes that share their dark half: there the colours alone would not tell them apart."""
    first, second = np.zeros((6, 8, 3), np.uint8), np.zeros((6, 8, 3), np.uint8)
    second[:, 4:] = 255
    frames = [frame(time, first, 0) for time in range(4)] + [frame(time, second, 255) for time in range(4, 8)]
    for before, after in zip(frames, smoothed(frames, 3), strict=True):
        np.testing.assert_array_equal(after.pixels, before.pixels)


def test_colours_stay() -> None:
    random = np.random.default_rng(1)
    colours = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    frames = [frame(time, colours, random.integers(0, 256, (6, 8), dtype=np.uint8)) for time in range(5)]
    for after in smoothed(frames, 2):
        np.testing.assert_array_equal(after.pixels[:, :, :3], colours)


@pytest.mark.parametrize("radius", [1, 4])
def test_only_a_few_frames_are_held(radius: int) -> None:
    taken = itertools.count()
    frames = (frame(next(taken), 100, 0) for _ in range(50))
    made = smoothed(frames, radius)
    for number in range(10):
        assert next(made).time == number
    assert next(taken) == 10 + radius
