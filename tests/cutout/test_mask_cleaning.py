"""Mask clean-up and trimaps: SciPy's and scikit-image's results without SciPy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rembolt.cutout.clean import BAND, post_process
from rembolt.cutout.trimap import BACKGROUND, FOREGROUND, UNKNOWN, erode, trimap_from_mask

ndimage = pytest.importorskip("scipy.ndimage")
morphology = pytest.importorskip("skimage.morphology")

masks = arrays(
    np.uint8,
    array_shapes(min_dims=2, max_dims=2, max_side=40),
    elements=st.one_of(st.sampled_from([0, 255, 126, 127, 128]), st.integers(0, 255)),
)


def reference(mask: np.ndarray) -> np.ndarray:
    opened = morphology.opening(mask, morphology.disk(1))
    smooth = ndimage.gaussian_filter(opened.astype(np.float64), sigma=2)
    return np.where(smooth < 127, 0, 255).astype(np.uint8)


@given(masks)
@settings(max_examples=150)
def test_post_processing_is_that_of_scipy(mask: np.ndarray) -> None:
    assert np.array_equal(post_process(mask), reference(mask))


def test_bands_and_empty_stretches_change_nothing() -> None:
    rng = np.random.default_rng(1)
    mask = np.zeros((3 * BAND + 50, 90), np.uint8)
    mask[BAND - 20 : BAND + 30] = rng.integers(0, 256, (50, 90))
    mask[2 * BAND + 3 :] = 255
    assert np.array_equal(post_process(mask), reference(mask))


def test_the_given_mask_is_not_changed() -> None:
    mask = np.random.default_rng(2).integers(0, 256, (30, 30)).astype(np.uint8)
    before = mask.copy()
    post_process(mask)
    assert np.array_equal(mask, before)


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=30)), st.integers(0, 35), st.booleans())
@settings(max_examples=150)
def test_erosion_is_that_of_scipy(region: np.ndarray, size: int, outside: bool) -> None:
    structure = np.ones((size, size)) if size else None
    expected = ndimage.binary_erosion(region, structure=structure, border_value=outside)
    assert np.array_equal(erode(region, size, outside=outside), expected)


def test_a_trimap_has_an_unknown_band_between_the_sure_regions() -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:40] = 255
    trimap = trimap_from_mask(mask, 240, 10, 5)
    assert trimap[20, 30] == FOREGROUND
    assert trimap[20, 20] == trimap[20, 19] == UNKNOWN
    assert trimap[20, 5] == trimap[0, 0] == BACKGROUND
    assert set(np.unique(trimap)) == {BACKGROUND, UNKNOWN, FOREGROUND}
