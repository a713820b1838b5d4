"""Moving an edge outwards and inwards."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rembolt.cutout import shift as module
from rembolt.cutout.shift import grow, shift
from rembolt.images import bands

ndimage = pytest.importorskip("scipy.ndimage")


@pytest.fixture(params=[1, 3], autouse=True)
def _cores(request, monkeypatch) -> None:
    monkeypatch.setattr(bands, "own_cores", lambda: request.param)


def foot(radius: int) -> np.ndarray:
    """The disc that an edge is moved by."""
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.hypot(rows, columns) <= radius + (0.25 if radius else 0)


def reference(alpha: np.ndarray, pixels: int) -> np.ndarray:
    if pixels < 0:
        return ndimage.grey_erosion(alpha, footprint=foot(-pixels), mode="constant", cval=255)
    return ndimage.grey_dilation(alpha, footprint=foot(pixels), mode="constant", cval=0)


@st.composite
def alphas(draw) -> np.ndarray:
    """Noise in a part of an empty or full picture."""
    shape = (draw(st.integers(1, 40)), draw(st.integers(1, 40)))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    alpha = np.full(shape, draw(st.sampled_from([0, 0, 255])), np.uint8)
    top, left = random.integers(0, shape[0]), random.integers(0, shape[1])
    part = alpha[top : top + random.integers(1, 20), left : left + random.integers(1, 20)]
    part[...] = random.choice([0, 255, *random.integers(0, 256, 3)], part.shape)
    return alpha


@settings(max_examples=100)
@given(alpha=alphas(), pixels=st.integers(-12, 12))
def test_whole_pixels_are_scipys_dilation_and_erosion(alpha: np.ndarray, pixels: int) -> None:
    assert np.array_equal(shift(alpha, pixels), reference(alpha, pixels))


@settings(max_examples=60)
@given(alpha=alphas(), pixels=st.floats(-6, 6))
def test_a_fraction_is_a_blend_of_two_whole_shifts(alpha: np.ndarray, pixels: float) -> None:
    before = alpha.copy()
    result = shift(alpha, pixels)
    assert np.array_equal(alpha, before)
    whole, share = int(pixels), abs(pixels - int(pixels))
    near = reference(alpha, whole).astype(float)
    far = reference(alpha, whole + (1 if pixels > 0 else -1)).astype(float)
    assert np.abs(result - (near * (1 - share) + far * share)).max() < 1.1
    assert (result[(near == far)] == near[near == far]).all()


@pytest.mark.parametrize("pixels", [-40, -2.5, 3, 30, 100])
def test_bands_leave_no_seams(pixels: float, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(2)
    alpha = np.zeros((900, 70), np.uint8)
    alpha[150:700, 8:60] = 255
    alpha[100:800:7, 30] = random.integers(0, 256, 100)
    result = shift(alpha, pixels)
    monkeypatch.setattr(module, "BAND", 10_000)
    assert np.array_equal(result, shift(alpha, pixels))
    assert not np.array_equal(result, alpha)


@pytest.mark.parametrize("radius", [1, 2, 3, 4, 7, 10, 23, 50, 100])
def test_it_is_round(radius: int) -> None:
    dot = np.zeros((2 * radius + 3, 2 * radius + 3), np.uint8)
    dot[radius + 1, radius + 1] = 255
    rows, columns = np.nonzero(grow(dot, radius))
    for angle in np.radians(np.arange(0, 360, 5)):
        moved = ((rows - radius - 1) * np.sin(angle) + (columns - radius - 1) * np.cos(angle)).max()
        assert moved == pytest.approx(radius, abs=0.5)


@pytest.mark.parametrize("pixels", [-7, -1.5, -0.25, 0.5, 1, 2.75, 9])
@pytest.mark.parametrize("softness", [0, 6, 15])
def test_an_edge_moves_so_far_and_stays_as_soft(pixels: float, softness: int) -> None:
    columns = np.arange(100)
    ramp = np.clip((columns - 40) / max(softness, 1), 0, 1) if softness else columns >= 40
    alpha = np.rint(ramp * 255).astype(np.uint8)[None].repeat(30, axis=0)
    result = shift(alpha, pixels)
    assert (result == result[0]).all()
    row, before = result[0].astype(float), alpha[0].astype(float)
    assert (row.sum() - before.sum()) / 255 == pytest.approx(pixels, abs=0.05)
    # At most the one pixel more that a fraction needs.
    soft = np.count_nonzero((row > 0) & (row < 255)) - np.count_nonzero((before > 0) & (before < 255))
    assert soft <= (pixels % 1 != 0)
    if softness:
        assert np.diff(row).max() <= np.diff(before).max() + 1


def test_there_and_back() -> None:
    rows, columns = np.mgrid[:90, :90] - 44.5
    disc = np.rint(np.clip(30.5 - np.hypot(rows, columns), 0, 1) * 255).astype(np.uint8)
    assert np.abs(shift(shift(disc, 5), -5).astype(int) - disc).mean() < 1
    assert shift(disc, 5).sum() / 255 == pytest.approx(np.pi * 35**2, rel=0.01)
    assert shift(disc, -5).sum() / 255 == pytest.approx(np.pi * 25**2, rel=0.01)


def test_a_subject_that_the_picture_cuts_off_stays_at_its_border() -> None:
    alpha = np.zeros((30, 30), np.uint8)
    alpha[10:, 5:25] = 255
    smaller = shift(alpha, -3)
    assert (smaller[-1, 8:22] == 255).all()
    assert not smaller[12].any()
    assert not smaller[:, 7].any()


def test_nothing_and_everything_stay() -> None:
    for level in (0, 255):
        flat = np.full((5, 7), level, np.uint8)
        for pixels in (-100, -0.5, 0, 0.5, 100):
            assert np.array_equal(shift(flat, pixels), flat)


def test_no_shift_is_a_copy() -> None:
    alpha = np.random.default_rng(0).integers(0, 256, (9, 8), np.uint8)
    result = shift(alpha, 0.0)
    assert np.array_equal(result, alpha)
    assert not np.shares_memory(result, alpha)
