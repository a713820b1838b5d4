"""Connected components: those of scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rembolt.cutout.components import Components, components

measure = pytest.importorskip("skimage.measure")


@st.composite
def regions(draw) -> np.ndarray:
    """Noise of any density: a few specks, a maze, or almost all of it; lying, standing or as it is."""
    shape = draw(array_shapes(min_dims=2, max_dims=2, max_side=60))
    noise = np.random.default_rng(draw(st.integers(0, 2**32))).random(shape)
    region = noise < draw(st.floats(0, 1))
    return np.asfortranarray(region) if draw(st.booleans()) else region


any_region = st.one_of(regions(), arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=8)))


def drawn(parts: Components) -> np.ndarray:
    """The label of each pixel, from 1; 0 outside."""
    picture = np.zeros(parts.shape, np.uint8)
    labels = np.zeros(parts.shape, int)
    for label in range(parts.count):
        picture[:] = 0
        parts.paint(picture, np.arange(parts.count) == label, 7)
        assert not labels[picture == 7].any()
        labels[picture == 7] = label + 1
    return labels


def spiral(side: int) -> np.ndarray:
    """One thread wound up: as many rounds of joining as there can be."""
    picture = np.zeros((side, side), bool)
    row, column, down, right = 0, 0, 0, 1
    picture[0, 0] = True
    turns = 0
    while turns < 2:
        ahead = (row + down, column + right)
        beyond = (row + 2 * down, column + 2 * right)
        free = min(ahead) >= 0 and max(ahead) < side
        if free and not (min(beyond) >= 0 and max(beyond) < side and picture[beyond]):
            row, column = ahead
            picture[row, column] = True
            turns = 0
        else:
            down, right = right, -down
            turns += 1
    return picture


def test_a_spiral_is_one() -> None:
    region = spiral(61)
    assert region.sum() > 1500
    for neighbours in (4, 8):
        assert components(region, neighbours).count == measure.label(region, connectivity=1).max() == 1


@pytest.mark.parametrize("neighbours", [4, 8])
@settings(max_examples=150)
@given(region=any_region)
@example(region=np.zeros((3, 4), bool))
@example(region=np.ones((1, 1), bool))
@example(region=np.eye(5, dtype=bool))
@example(region=np.eye(5, dtype=bool)[::-1])
def test_they_are_those_of_scikit_image(region: np.ndarray, neighbours: int) -> None:
    expected, count = measure.label(region, connectivity=neighbours // 4, return_num=True)
    parts = components(region, neighbours)
    assert parts.count == count
    labels = drawn(parts)
    assert np.array_equal(labels > 0, region)
    pairs = set(zip(labels[region].tolist(), expected[region].tolist(), strict=True))
    assert len(pairs) == count  # one of ours for each of theirs


@settings(max_examples=100)
@given(region=any_region, seed=st.integers(0, 1000))
def test_sums_and_borders(region: np.ndarray, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 256, region.shape, dtype=np.uint8)
    parts = components(region, 8)
    labels = drawn(parts)
    inner = np.zeros_like(region)
    inner[1:-1, 1:-1] = True
    every = range(1, parts.count + 1)
    assert parts.sums(values).tolist() == [int(values[labels == label].sum()) for label in every]
    assert parts.sums(region).tolist() == [int((labels == label).sum()) for label in every]
    assert parts.touch_border().tolist() == [bool((~inner[labels == label]).any()) for label in every]


def test_rows_do_not_run_into_one_another() -> None:
    region = np.zeros((4, 5), bool)
    region[0, 4] = region[1, 0] = region[2, 4] = True
    assert components(region, 8).count == 3


def test_a_corner_joins_eight_neighbours_only() -> None:
    steps = np.eye(6, dtype=bool)
    assert components(steps, 8).count == 1
    assert components(steps, 4).count == 6
    assert components(~steps, 4).count == 2  # the line keeps its two sides apart
