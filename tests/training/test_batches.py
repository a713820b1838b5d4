import multiprocessing
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2", reason="training has requirements of its own: training/requirements.txt")

from training.augment import photographed, scene
from training.batches import batch, stream
from training.photos import Photo
from training.recipe import Views


def test_a_batch_is_a_function_of_seed_and_step(recipe, photos):
    for one, other in zip(batch(recipe, photos, 2), batch(recipe, photos, 2), strict=True):
        assert np.array_equal(one, other)  # None, the answers of no teacher, too
    assert not np.array_equal(batch(recipe, photos, 2)[0], batch(replace(recipe, seed=1), photos, 2)[0])


def test_shapes_and_types(recipe, photos):
    pictures, masks, boundaries, answers = batch(recipe, photos, 5)
    assert pictures.shape == (3, 96, 96, 3)
    assert masks.shape == boundaries.shape == (3, 96, 96)
    assert {pictures.dtype, masks.dtype, boundaries.dtype} == {np.dtype(np.uint8)}
    assert answers is None


def test_the_stream_is_the_same_from_any_start_with_any_number_of_processes(recipe, photos):
    whole = list(stream(recipe, photos, 0, processes=1))
    assert len(whole) == recipe.steps
    rest = list(stream(recipe, photos, 2, processes=3))
    for one, other in zip(whole[2:], rest, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one[:3], other[:3], strict=True))


def test_every_photo_comes_once_an_epoch(recipe, photos, monkeypatch):
    seen = []

    def noting(random, photos, index, size, views):
        seen.append(index)
        return scene(random, photos, index, size, views)

    monkeypatch.setattr("training.batches.scene", noting)
    for step in range(7):  # 4 steps of 4, then 3 of 3: the second epoch goes across the phases
        batch(recipe, photos, step)
    assert sorted(seen[:12]) == sorted(seen[12:24]) == list(range(12))
    assert seen[:12] != seen[12:24]


def test_the_boundary_is_near_the_edge_only(photos):
    random = np.random.default_rng(3)
    for index in range(len(photos)):
        made = photographed(random, *scene(random, photos, index, 96, Views(studio=0.0)))
        inside = made.mask > 127
        assert set(np.unique(made.mask)) >= {0, 255}
        assert made.boundary[~inside].max() > 60
        far = np.abs(np.argwhere(made.boundary == 0)[:, None] - np.argwhere(inside)[None]).max(-1).min(-1)
        assert (far[made.mask[made.boundary == 0] == 0] >= 6).all()


def test_a_studio_background_leaves_the_mask_or_nothing_at_all(photos):
    empty = 0
    for seed in range(100):
        picture, mask = scene(np.random.default_rng(seed), photos, 0, 96, Views(studio=0.0))
        paper, kept = scene(np.random.default_rng(seed), photos, 0, 96, Views(studio=1.0))
        assert not np.array_equal(picture, paper)
        if kept.any():
            assert np.array_equal(mask, kept)
        else:
            empty += 1
    assert 0 < empty < 20


def test_a_scene_is_the_same_at_any_size_but_for_grain(photos):
    smooth = [Photo(cv2.GaussianBlur(photo.picture, (0, 0), 4), photo.mask) for photo in photos]
    for seed in range(30):
        views = Views(studio=0.5, close_up=0.5)
        large, small = (scene(np.random.default_rng(seed), smooth, 1, side, views) for side in (192, 96))
        for one, other in zip(large, small, strict=True):
            shrunk = cv2.resize(one, (96, 96), interpolation=cv2.INTER_AREA)
            assert np.abs(shrunk.astype(float) - other).mean() < 5


def test_parts_are_no_smaller_than_asked_for(photos):
    """Of a picture that says where it is: red by column, green by row."""
    across, down = np.meshgrid(np.linspace(0, 255, 300), np.linspace(0, 255, 200))
    where = np.stack([across, down, 0 * down], -1).round().astype(np.uint8)
    known = [Photo(where, np.full(where.shape[:2], 255, np.uint8))]

    def sides(views):
        for seed in range(60):
            picture, _ = scene(np.random.default_rng(seed), known, 0, 96, views)
            yield from np.ptp(picture[..., :2].astype(int), axis=(0, 1)) / 255

    assert min(sides(Views(0.0, whole=0.0, smallest=0.9))) > 0.9 * 0.85 - 0.02
    assert min(sides(Views(0.0, whole=0.0))) < 0.7
    assert min(sides(Views(0.0, whole=1.0))) > 0.98
    assert np.median(list(sides(Views(0.0, whole=0.0, smallest=0.9)))) < 0.95


def test_a_close_up_is_filled_by_the_subject(photos):
    for seed in range(30):
        _, mask = scene(np.random.default_rng(seed), photos, 0, 96, Views(studio=0.0, close_up=1.0))
        assert (mask > 127).mean() > 0.35
        assert (mask > 127).any(0).mean() > 0.7
        assert (mask > 127).any(1).mean() > 0.7


def test_a_close_up_of_nothing_is_the_whole_photo(photos):
    nothing = [Photo(photos[0].picture, np.zeros_like(photos[0].mask))]
    picture, mask = scene(np.random.default_rng(0), nothing, 0, 96, Views(studio=0.0, close_up=1.0))
    whole = cv2.resize(photos[0].picture, (96, 96), interpolation=cv2.INTER_AREA)
    assert np.array_equal(picture, whole) or np.array_equal(picture, whole[:, ::-1])
    assert not mask.any()


def test_a_close_up_of_a_speck_is_not_too_near(photos):
    mask = np.zeros_like(photos[0].mask)
    mask[40, 40] = 255
    for seed in range(30):
        _, seen = scene(np.random.default_rng(seed), [Photo(photos[0].picture, mask)], 0, 96, Views(0.0, 1.0))
        assert 0 < (seen > 127).mean() < 0.02


def test_leaving_early_leaves_no_process(recipe, photos):
    batches = stream(recipe, photos, 0, processes=2)
    assert len(list(islice(batches, 2))) == 2
    assert len(multiprocessing.active_children()) == 2
    batches.close()
    assert not multiprocessing.active_children()


def test_a_process_that_fails_ends_the_stream(recipe, photos, monkeypatch):
    monkeypatch.setattr("training.batches.PATIENCE", 0.1)
    broken = [Photo(photo.picture[:0], photo.mask[:0]) for photo in photos]
    with pytest.raises(RuntimeError, match="its error is above"):
        list(stream(recipe, broken, 0, processes=2))
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("shape", [(1, 200), (200, 1), (1, 1)])
def test_photos_of_a_single_row_can_be_learnt_from(recipe, shape):
    thin = [Photo(np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8))] * 12
    for step in range(recipe.steps):
        assert batch(recipe, thin, step)[0].any(axis=-1).shape[1:] == (recipe.at(step)[0].size,) * 2
