"""The errors of alphas and the coarse masks, beside numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("benchmarks.edges", reason="needs the repository, not only the package")
pytest.importorskip("scipy", reason="needs SciPy")
from benchmarks.edges.coarse import KINDS, SIDE, average, coarse
from benchmarks.edges.errors import Errors, errors, gradient, mean


def dot(size: int = 21) -> np.ndarray:
    """One white pixel in the middle."""
    alpha = np.zeros((size, size), np.uint8)
    alpha[size // 2, size // 2] = 255
    return alpha


def test_absolute_and_squared_error_by_hand():
    alpha = np.array([[0, 255], [51, 0]], np.uint8)
    truth = np.array([[0, 204], [0, 0]], np.uint8)
    found = errors(alpha, truth)  # twice 51 / 255 = 0.2 in four pixels
    assert found.absolute == pytest.approx(100)
    assert found.squared == pytest.approx(20)


def test_the_gradient_error_of_a_dot_is_the_norm_of_both_filters():
    alpha = dot()
    found = errors(alpha, np.zeros_like(alpha))
    assert found.gradient == pytest.approx(2 / alpha.size * 1000)
    assert found.absolute == found.squared == pytest.approx(1000 / alpha.size)


def test_the_gradient_is_that_of_a_gaussian_of_sigma_1_4_cut_at_4_pixels():
    row = gradient(dot() / 255.0)[10, 10:]
    assert row[1] / row[2] == pytest.approx(math.exp(3 / (2 * 1.4**2)) / 2)  # x exp(-x^2 / 2 sigma^2)
    assert row[4] > 0
    assert row[5] == 0


def test_a_flat_alpha_has_no_gradient_not_even_at_the_frame():
    white, grey = np.full((9, 7), 255, np.uint8), np.full((9, 7), 128, np.uint8)
    assert errors(white, grey).gradient == pytest.approx(0, abs=1e-20)
    assert errors(white, grey).absolute == pytest.approx(127 / 255 * 1000)


@settings(max_examples=30)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_errors_do_not_depend_on_the_way_the_photo_lies(height, width, seed):
    alpha, truth = np.random.default_rng(seed).integers(0, 256, (2, height, width), dtype=np.uint8)
    found = errors(alpha, truth)
    assert found == pytest.approx(errors(truth, alpha))
    assert found == pytest.approx(errors(alpha.T, truth.T))
    assert found == pytest.approx(errors(alpha[::-1], truth[::-1]))
    assert errors(alpha, alpha) == Errors(0, 0, 0)
    assert found.squared <= found.absolute <= 1000


def test_the_mean_is_over_photos():
    assert mean([Errors(1, 2, 3), Errors(3, 4, 8)]) == Errors(2, 3, 5.5)


def test_alphas_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3, 2\)"):
        errors(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8))


def test_pixels_between_two_cells_are_shared():
    alpha = np.zeros((480, 480), np.uint8)  # a cell is 1.5 pixels wide
    alpha[:, 1] = 255
    means = average(alpha)
    assert means.shape == (SIDE, SIDE)
    assert means[0, :3] == pytest.approx([85, 85, 0])  # half of a pixel in 1.5 on either side


@pytest.mark.parametrize(("height", "width"), [(640, 320), (318, 512), (100, 7)])
def test_averaging_keeps_the_mean(height, width):
    alpha = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    assert average(alpha).mean() == pytest.approx(alpha.mean())


def test_levels_are_stretched_from_a_quarter_and_three_quarters():
    by_level = {
        level: np.asarray(coarse(np.full((40, 50), level, np.uint8), "network"))[5, 5]
        for level in (0, 63, 64, 127, 191, 192, 255)
    }
    # 2 * level - 127.5, halves rounded to the even neighbour
    assert by_level == {0: 0, 63: 0, 64: 0, 127: 126, 191: 254, 192: 255, 255: 255}


def test_the_soft_kind_is_only_blurred():
    step = np.zeros((SIDE, SIDE), np.uint8)
    step[:, SIDE // 2 :] = 255
    soft = np.asarray(coarse(step, "soft"))[SIDE // 2].astype(int)
    # A step blurred by a sampled Gaussian of sigma 1.5, cut at 6 pixels: sums of its weights.
    weights = np.exp(-(np.arange(-6, 7) ** 2) / (2 * 1.5**2))
    expected = np.rint(255 * np.cumsum(weights) / weights.sum())
    assert soft[SIDE // 2 - 7] == 0
    assert soft[SIDE // 2 - 6 : SIDE // 2 + 7].tolist() == expected.tolist()


def test_a_network_is_sure_of_itself_inside():
    step = np.zeros((SIDE, SIDE), np.uint8)
    step[:, SIDE // 2 :] = 255
    unsure = {
        kind: np.count_nonzero((row > 0) & (row < 255))
        for kind in KINDS
        for row in [np.asarray(coarse(step, kind))[0]]
    }
    assert 0 < unsure["network"] < unsure["soft"]
