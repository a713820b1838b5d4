"""Pixels between the positions of a coarser grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rembolt.cutout.grid import axis

STEPS = st.one_of(st.integers(1, 9).map(float), st.floats(0.3, 40))


def between_by_hand(values: np.ndarray, pixels: int, step: float) -> np.ndarray:
    """Linear interpolation, position 0 at half a step, the ends repeated outwards."""
    return np.interp((np.arange(pixels) + 0.5) / step - 0.5, np.arange(len(values)), values)


@settings(max_examples=100)
@given(length=st.integers(1, 40), pixels=st.integers(1, 300), step=STEPS, data=st.data())
def test_any_pixels_are_numpys_linear_interpolation(length, pixels, step, data) -> None:
    first = data.draw(st.integers(0, pixels - 1))
    last = data.draw(st.integers(first + 1, pixels))
    values = np.random.default_rng(length).normal(size=length)
    matrix, low, high = axis(length, pixels, step).between(first, last)
    assert matrix.shape == (last - first, high - low)
    assert 0 <= low < high <= length
    assert np.allclose(
        matrix @ values[low:high], between_by_hand(values, pixels, step)[first:last], atol=1e-4
    )


@settings(max_examples=60)
@given(length=st.integers(1, 40), pixels=st.integers(1, 300), step=STEPS)
def test_weights_add_up_to_one_and_none_is_negative(length, pixels, step) -> None:
    matrix = axis(length, pixels, step).between(0, pixels)[0]
    assert matrix.dtype == np.float32
    assert matrix.min() >= 0
    assert np.allclose(matrix.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("step", [1.0, 2.0, 7.5])
def test_a_single_position_is_what_every_pixel_is_made_of(step: float) -> None:
    matrix, low, high = axis(1, 9, step).between(2, 7)
    assert (low, high) == (0, 1)
    assert matrix.tolist() == [[1.0]] * 5


def test_few_pixels_need_few_positions() -> None:
    matrix, low, high = axis(1000, 4000, 4.0).between(2000, 2004)
    assert high - low <= 3
    assert np.count_nonzero(matrix) <= 2 * len(matrix)


def test_a_grid_as_fine_as_the_picture_is_the_picture() -> None:
    assert np.array_equal(axis(12, 12, 1.0).between(0, 12)[0], np.eye(12, dtype=np.float32))
