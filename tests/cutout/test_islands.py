"""Small parts apart and small holes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rembolt.cutout.islands import FAINT, fill_holes, remove_islands

measure = pytest.importorskip("skimage.measure")


def disc(shape: tuple[int, int], centre: tuple[float, float], radius: float, softness: float) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    distance = np.hypot(rows - centre[0], columns - centre[1])
    return np.rint(np.clip((radius - distance) / softness + 0.5, 0, 1) * 255).astype(np.uint8)


@st.composite
def masks(draw) -> np.ndarray:
    """Soft and hard discs on a background that is often not quite 0, some with holes."""
    shape = (draw(st.integers(1, 60)), draw(st.integers(1, 60)))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    mask = random.integers(0, draw(st.integers(1, FAINT + 3)), shape).astype(np.uint8)
    for _ in range(draw(st.integers(0, 8))):
        centre = random.uniform(0, shape[0]), random.uniform(0, shape[1])
        blob = disc(shape, centre, random.uniform(0.5, 15), random.uniform(0.1, 8))
        mask = np.maximum(mask, blob) if random.random() < 0.6 else np.minimum(mask, 255 - blob)
    return mask


def parts_of(mask: np.ndarray, connectivity: int) -> list[np.ndarray]:
    labels, count = measure.label(mask > FAINT, connectivity=connectivity, return_num=True)
    return [labels == label for label in range(1, count + 1)]


percents = st.one_of(st.sampled_from([0.0, 100.0]), st.floats(0, 20))


@settings(max_examples=150)
@given(mask=masks(), percent=percents)
def test_large_islands_stay_bit_for_bit_and_small_ones_go(mask: np.ndarray, percent: float) -> None:
    before = mask.copy()
    result = remove_islands(mask, percent)
    assert np.array_equal(mask, before)
    assert ((result == mask) | (result == 0)).all()
    parts = parts_of(mask, connectivity=2)
    areas = [int(mask[part].sum()) for part in parts]
    for part, area in zip(parts, areas, strict=True):
        if area >= mask.size * 255 * percent / 100:
            assert np.array_equal(result[part], mask[part])
        elif area < max(areas):
            assert not result[part].any()
    kept = [part for part in parts if result[part].any()]
    assert len(kept) >= min(len(parts), 1)
    if parts:
        assert max(int(mask[part].sum()) for part in kept) == max(areas)
    # What hangs together with a part that stays, on no way over one that went, is its soft edge.
    removed = np.zeros_like(mask, bool)
    for part in parts:
        removed |= part & (result == 0)
    around = measure.label((mask > 0) & ~removed, connectivity=2)
    for label in {int(around[part].max()) for part in kept}:
        assert np.array_equal(result[around == label], mask[around == label])


@settings(max_examples=150)
@given(mask=masks(), percent=percents)
def test_large_holes_stay_bit_for_bit_and_small_ones_are_filled(mask: np.ndarray, percent: float) -> None:
    result = fill_holes(mask, percent)
    assert ((result == mask) | (result == 255)).all()
    clear = 255 - mask
    inner = np.zeros(mask.shape, bool)
    inner[1:-1, 1:-1] = True
    for part in parts_of(clear, connectivity=1):
        enclosed = inner[part].all()
        if enclosed and int(clear[part].sum()) < mask.size * 255 * percent / 100:
            assert (result[part] == 255).all()
        else:
            assert np.array_equal(result[part], mask[part])


def test_a_removed_island_leaves_no_rim() -> None:
    subject = disc((80, 120), (40, 40), 25, 6)
    island = disc((80, 120), (40, 100), 4, 7)
    assert ((island > 0) & (island <= FAINT)).any()
    assert np.array_equal(remove_islands(np.maximum(subject, island), 5), subject)


def test_a_filled_hole_leaves_no_rim() -> None:
    subject = disc((80, 120), (40, 60), 35, 6)
    hole = disc((80, 120), (40, 60), 4, 7)
    assert np.array_equal(fill_holes(np.minimum(subject, 255 - hole), 5), subject)


def test_the_area_counts_opacity() -> None:
    mask = np.zeros((50, 100), np.uint8)
    mask[5:45, 5:45] = 255
    mask[20:30, 70:80] = 128  # 100 pixels of 5000, half seen: 1 %
    assert remove_islands(mask, 0.9)[25, 75] == 128
    assert remove_islands(mask, 1.1)[25, 75] == 0


def test_the_largest_stays_even_if_it_is_too_small() -> None:
    mask = np.zeros((50, 100), np.uint8)
    mask[10:14, 10:14] = 200
    mask[30:32, 60:62] = 255
    mask[40, 90] = FAINT
    alone = np.zeros_like(mask)
    alone[10:14, 10:14] = 200
    assert np.array_equal(remove_islands(mask, 50), alone)
    faint = mask // 50  # nothing of it above FAINT
    assert np.array_equal(remove_islands(faint, 50), alone // 50)
    assert not remove_islands(np.zeros((3, 4), np.uint8), 50).any()


def test_a_faint_background_ties_nothing_together() -> None:
    mask = np.full((60, 60), 3, np.uint8)
    mask[5:40, 5:40] = 255
    mask[50:53, 50:53] = 255
    result = remove_islands(mask, 1)
    assert not result[50:53, 50:53].any()
    assert (result[:45, :45] == mask[:45, :45]).all()


def test_a_bay_is_no_hole() -> None:
    mask = np.full((40, 40), 255, np.uint8)
    mask[:10, 18:22] = 0
    mask[20:24, 20:24] = 0
    mask[30:34, 30:34] = 100
    filled = fill_holes(mask, 2)
    assert not filled[:10, 18:22].any()
    assert (np.delete(filled, range(10), axis=0) == 255).all()


def test_masks_in_any_memory_order() -> None:
    mask = np.full((40, 30), 255, np.uint8)
    mask[20, 20] = 0
    for odd in (np.asfortranarray(mask), mask[::-1, ::-1], mask.T):
        assert (fill_holes(odd, 1) == 255).all()
        assert np.array_equal(remove_islands(np.invert(odd), 1), np.invert(odd))
