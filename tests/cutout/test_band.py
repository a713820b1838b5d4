"""The unknown band of a mask on a coarse grid."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from rembolt.cutout.band import REACH, UNSURE, levels_by_thresholds, levels_of
from rembolt.cutout.guided import OPEN
from rembolt.cutout.trimap import UNKNOWN, trimap_from_mask
from rembolt.settings import CutoutOptions


def disc(side: int, softness: float) -> np.ndarray:
    """A disc of 0.6 times the side, its edge `softness` pixels wide; 0 is hard."""
    rows, columns = np.mgrid[:side, :side] + 0.5 - side / 2
    distance = np.hypot(rows, columns) - 0.3 * side
    share = np.clip(0.5 - distance / softness, 0, 1) if softness else distance < 0
    return np.rint(share * 255).astype(np.uint8)


def distance_from(places: np.ndarray) -> np.ndarray:
    """How many positions, diagonally too, each position lies from the nearest of some."""
    rows, columns = np.nonzero(places)
    grid = np.indices(places.shape)[..., None]
    return np.maximum(np.abs(grid[0] - rows), np.abs(grid[1] - columns)).min(axis=2)


@pytest.mark.parametrize("level", [0, UNSURE, 255 - UNSURE, 255])
def test_a_mask_that_is_all_one_sure_level_has_no_band(level: int) -> None:
    levels = levels_of(Image.new("L", (40, 30), level), (20, 15))
    assert levels.shape == (15, 20)
    assert (levels == (255 if level > 128 else 0)).all()


def test_a_mask_that_is_unsure_everywhere_is_all_band() -> None:
    assert (levels_of(Image.new("L", (40, 30), 100), (20, 15)) == OPEN).all()


@pytest.mark.parametrize("softness", [0, 6, 16])
def test_the_band_lies_around_the_edge_and_is_sure_elsewhere(softness: int) -> None:
    mask = disc(80, softness)
    levels = levels_of(Image.fromarray(mask), (80, 80))
    assert set(np.unique(levels)) == {0, OPEN, 255}
    high = mask >= 128
    change = np.zeros_like(high)
    change[1:] |= high[1:] != high[:-1]
    change[:, 1:] |= high[:, 1:] != high[:, :-1]
    open_ = ((mask > UNSURE) & (mask < 255 - UNSURE)) | change
    assert np.array_equal(levels == OPEN, distance_from(open_) <= REACH)
    sure = levels != OPEN
    assert np.array_equal(levels[sure], np.where(high, 255, 0)[sure])


def test_an_edge_at_the_border_is_one_too() -> None:
    mask = np.zeros((30, 30), np.uint8)
    mask[:, -1] = 255
    levels = levels_of(Image.fromarray(mask), (30, 30))
    assert (levels[:, -1 - REACH :] == OPEN).all()
    assert (levels[:, : -1 - REACH - 1] == 0).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (3, 2)])
def test_grids_smaller_than_the_reach(size: tuple[int, int]) -> None:
    levels = levels_of(Image.fromarray(disc(60, 5)), size)
    assert levels.shape == size[::-1]
    assert (levels == OPEN).any()


def test_the_band_is_as_wide_in_a_large_photo_as_in_a_small_one() -> None:
    """It counts positions of the grid, which has as many for a photo of any size."""
    small, large = disc(160, 12), disc(640, 48)
    grids = [levels_of(Image.fromarray(mask), (80, 80)) for mask in (small, large)]
    assert np.mean(grids[0] != grids[1]) < 0.02


@pytest.mark.parametrize("erosion", [0, 1, 3, 10, 40])
@pytest.mark.parametrize("step", [1, 2, 4, 7])
def test_by_thresholds_it_is_rembgs_unknown_band_to_the_grid(erosion: int, step: int) -> None:
    grid = 70
    full = disc(grid * step, 5 * step)
    options = CutoutOptions(alpha_matting_erode_size=erosion)
    levels = levels_by_thresholds(Image.fromarray(full), (grid, grid), float(step), options)
    theirs = trimap_from_mask(full, 240, 10, erosion) == UNKNOWN
    on_grid = theirs.reshape(grid, step, grid, step).any(axis=(1, 3))
    # One position, since the window is a whole number of them; one more, since one of a position's pixels is
    # enough here.
    assert distance_from(levels == OPEN)[on_grid].max() <= 2
    assert distance_from(on_grid)[levels == OPEN].max() <= 2


def test_by_thresholds_it_follows_the_numbers() -> None:
    mask = Image.fromarray(disc(100, 30))

    def width(**numbers: int) -> int:
        levels = levels_by_thresholds(mask, (100, 100), 1.0, CutoutOptions(**numbers))
        return int(np.count_nonzero(levels == OPEN))

    plain = width()
    assert width(alpha_matting_foreground_threshold=128) < plain
    assert width(alpha_matting_background_threshold=120) < plain
    assert width(alpha_matting_erode_size=20) > plain
    levels = levels_by_thresholds(mask, (100, 100), 1.0, CutoutOptions())
    assert (levels[50, 50], levels[50, 0]) == (255, 0)


def test_by_thresholds_the_erosion_is_in_pixels_of_the_photo() -> None:
    mask = Image.fromarray(disc(100, 10))
    near, far = (
        levels_by_thresholds(mask, (100, 100), step, CutoutOptions(alpha_matting_erode_size=size))
        for step, size in ((1.0, 6), (3.0, 18))
    )
    assert np.array_equal(near, far)
