"""Softening an edge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rembolt.cutout.feather import feather

ndimage = pytest.importorskip("scipy.ndimage")


def box(height: int, width: int, part: tuple[slice, slice]) -> np.ndarray:
    alpha = np.zeros((height, width), np.uint8)
    alpha[part] = 255
    return alpha


@pytest.mark.parametrize("sigma", [1, 2.5, 8, 20])
def test_it_is_a_gaussian(sigma: float) -> None:
    alpha = box(180, 200, np.s_[60:120, 50:150])
    expected = ndimage.gaussian_filter(alpha.astype(float), sigma, mode="nearest")
    # Three boxes are near a Gaussian, within three percent; below a pixel SciPy's samples are far from one.
    assert np.abs(feather(alpha, sigma) - expected).max() < 8


@pytest.mark.parametrize("sigma", [0.1, 0.4, 1, 3.3, 12, 50, 200])
def test_an_edge_becomes_so_soft_and_stays_where_it_is(sigma: float) -> None:
    width = round(sigma * 8) + 40
    row = feather(box(3, 2 * width, np.s_[:, width:]), sigma)[1].astype(float)
    assert (np.diff(row) >= 0).all()
    assert row.sum() / 255 == pytest.approx(width, abs=0.02 * sigma + 0.02)
    weights = np.diff(row) / 255
    middle = np.arange(1, 2 * width)
    assert np.sqrt((weights * (middle - width) ** 2).sum()) == pytest.approx(sigma, rel=0.05, abs=0.12)


@settings(max_examples=80)
@given(
    sigma=st.floats(0, 200),
    size=st.tuples(st.integers(1, 120), st.integers(1, 120)),
    seed=st.integers(0, 2**32),
)
def test_beyond_its_reach_all_is_as_it_was(sigma: float, size: tuple[int, int], seed: int) -> None:
    random = np.random.default_rng(seed)
    alpha = np.full(size, random.choice([0, 255]), np.uint8)
    top, left = random.integers(0, size[0]), random.integers(0, size[1])
    alpha[top : top + 9, left : left + 9] = random.integers(0, 256)
    before = alpha.copy()
    result = feather(alpha, sigma)
    assert result.shape == alpha.shape
    assert np.array_equal(alpha, before)
    reach = 2 * (int(np.ceil(3 * sigma)) + 3) + 1
    low = ndimage.minimum_filter(alpha, reach, mode="nearest")
    high = ndimage.maximum_filter(alpha, reach, mode="nearest")
    flat = (low == high) & ((alpha == 0) | (alpha == 255))
    assert np.array_equal(result[flat], alpha[flat])


@pytest.mark.parametrize("sigma", [0.5, 4, 200])
def test_flat_pictures_stay(sigma: float) -> None:
    for level in (0, 255):
        for size in ((1, 1), (3, 2), (50, 70)):
            flat = np.full(size, level, np.uint8)
            assert np.array_equal(feather(flat, sigma), flat)


def test_nothing_fades_at_the_pictures_border() -> None:
    alpha = box(60, 60, np.s_[30:, :])
    result = feather(alpha, 4)
    assert (result[-1] == 255).all()
    assert (result == result[:, :1]).all()


def test_only_the_rectangle_that_matters_is_blurred_and_it_shows_nowhere() -> None:
    small = box(60, 60, np.s_[25:35, 28:33])
    large = box(300, 260, np.s_[125:135, 108:113])
    assert np.array_equal(feather(large, 5)[100:160, 80:140], feather(small, 5))


def test_zero_is_a_copy() -> None:
    alpha = np.random.default_rng(0).integers(0, 256, (9, 8), np.uint8)
    result = feather(alpha, 0.0)
    assert np.array_equal(result, alpha)
    assert not np.shares_memory(result, alpha)
