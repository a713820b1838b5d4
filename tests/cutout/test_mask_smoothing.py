"""The gentle clean-up: a calmer outline, as soft as before and where it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rembolt.cutout.smooth import smooth

ndimage = pytest.importorskip("scipy.ndimage")

masks = arrays(
    np.uint8,
    array_shapes(min_dims=2, max_dims=2, max_side=30),
    elements=st.one_of(st.sampled_from([0, 255]), st.integers(0, 255)),
)


def below(line: np.ndarray, height: int = 120) -> np.ndarray:
    """A hard mask of what lies below a line, given by its height in each column."""
    return np.where(np.arange(height)[:, None] >= line, 255, 0).astype(np.uint8)


def height_of_line(mask: np.ndarray) -> np.ndarray:
    """Where each column passes 50 %, in pixels and fractions."""
    first = (mask > 127).argmax(axis=0)
    columns = np.arange(mask.shape[1])
    upper, lower = mask[first - 1, columns].astype(float), mask[first, columns].astype(float)
    return first - (lower - 127.5) / (lower - upper)


@pytest.mark.parametrize("slope", [1 / 8, 1 / 5, 2 / 7, 0.5])
@pytest.mark.parametrize("size", [1, 2])
def test_stairs_become_smaller(slope: float, size: int) -> None:
    line = 20 + slope * np.arange(100)
    mask = below(line).repeat(size, axis=0).repeat(size, axis=1)
    true = (20 + slope * (np.arange(100 * size) + 0.5) / size) * size
    inner = slice(10 * size, -10 * size)

    def stairs(mask: np.ndarray) -> float:
        return float((height_of_line(mask) - true)[inner].std())

    before, after = stairs(mask), stairs(smooth(mask))
    assert before > 0.2 * size
    # Steps up to about eight pixels long are levelled; those of sixteen less so.
    assert after < before * (0.5 if size / slope < 16 else 0.6)


def test_a_disc_becomes_rounder_and_keeps_its_area() -> None:
    rows, columns = np.mgrid[:60, :60] - 29.5
    disc = np.where(np.hypot(rows, columns) < 20, 255, 0).astype(np.uint8).repeat(2, 0).repeat(2, 1)
    measure = pytest.importorskip("skimage.measure")

    def unevenness(mask: np.ndarray) -> float:
        (contour,) = measure.find_contours(mask.astype(float), 127.5)
        return float(np.hypot(*(contour - 59.5).T).std())

    assert unevenness(smooth(disc)) < unevenness(disc) / 2
    assert smooth(disc).sum() == pytest.approx(disc.sum(), rel=0.005)


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("level", [0, 1, 64, 128, 200])
def test_a_straight_edge_stays_where_it_is(turn: int, level: int) -> None:
    mask = np.zeros((40, 50), np.uint8)
    mask[:, 20:] = 255
    mask[:, 19] = level
    result = smooth(np.rot90(mask, turn))
    upright = np.rot90(result, -turn).astype(float)
    assert np.abs(upright.sum(axis=1) - mask.sum(axis=1)).max() < 0.15 * 255
    assert not upright[:, :17].any()
    assert (upright[:, 23:] == 255).all()


def test_over_all_the_line_does_not_move() -> None:
    random = np.random.default_rng(1)
    line = 60 + ndimage.gaussian_filter1d(random.normal(0, 12, 2000), 6, mode="wrap")
    mask = below(line)
    moved = height_of_line(smooth(mask)) - height_of_line(mask)
    assert abs(moved.mean()) < 0.03
    assert np.abs(moved).max() < 2


@pytest.mark.parametrize("length", [8, 20, 60])
def test_a_soft_slope_stays_soft(length: int) -> None:
    slope = np.rint(np.clip((np.arange(100) - 20) / length, 0, 1) * 255).astype(np.uint8)
    mask = slope[None].repeat(40, axis=0)
    change = np.abs(smooth(mask).astype(int) - mask)
    # Only where it begins and ends it is a little rounder.
    assert change.max() <= 255 / length
    assert change[:, 20 + 7 : 20 + length - 6].max(initial=0) <= 1


@pytest.mark.parametrize("levels", [(), (128,), (85, 170), (30, 128, 220)])
def test_an_edge_becomes_softer_by_two_pixels_at_most(levels: tuple[int, ...]) -> None:
    mask = below(np.full(30, 60))
    mask[60 - len(levels) : 60] = np.array(levels, np.uint8).reshape(-1, 1)
    row = smooth(mask)[:, 15].astype(int)
    assert np.count_nonzero((row > 0) & (row < 255)) <= len(levels) + 2
    assert (np.diff(row) >= 0).all()


def test_specks_go() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[:, 40:] = 255
    clean = smooth(mask)
    mask[10, 10] = mask[30, 20] = mask[30, 21] = 255
    mask[45:47, 10:12] = 255
    mask[20, 50] = mask[40:42, 50] = 0
    assert np.array_equal(smooth(mask), clean)


@pytest.mark.parametrize("width", [3, 4, 6])
@pytest.mark.parametrize("angle", [0, 20, 45, 70, 90])
def test_thin_lines_survive(width: int, angle: float) -> None:
    rows, columns = np.mgrid[:80, :80] - 39.5
    across = columns * np.cos(np.radians(angle)) + rows * np.sin(np.radians(angle))
    along = -columns * np.sin(np.radians(angle)) + rows * np.cos(np.radians(angle))
    distance = np.abs(across + 0.5)  # the middle of three pixels, not between two
    mask = np.rint(np.clip(width / 2 + 0.5 - distance, 0, 1) * 255).astype(np.uint8)
    result = smooth(mask)
    middle = (np.abs(along) < 30) & (distance < 0.5)
    assert result[middle].min() > 127
    inside = np.abs(along) < 30
    assert result[inside].sum() > 0.85 * mask[inside].sum()


@settings(max_examples=100)
@given(masks)
def test_any_mask(mask: np.ndarray) -> None:
    before = mask.copy()
    result = smooth(mask)
    assert result.dtype == np.uint8
    assert result.shape == mask.shape
    assert np.array_equal(mask, before)
    # What is flat as far as the median and the four neighbours reach is what it was.
    low, high = ndimage.minimum_filter(mask, 5), ndimage.maximum_filter(mask, 5)
    assert np.array_equal(result[low == high], mask[low == high])
    # Nothing brighter or darker than what was near it.
    assert ((result >= low) & (result <= high)).all()


@settings(max_examples=60)
@given(masks)
def test_subject_and_background_are_treated_alike(mask: np.ndarray) -> None:
    difference = smooth(np.invert(mask)).astype(int) - np.invert(smooth(mask))
    assert np.abs(difference).max() <= 3  # Pillow's blur rounds a few times
