from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

pytest.importorskip("cv2", reason="training has requirements of its own: training/requirements.txt")

from training.augment import example
from training.batches import batch, stream


def test_a_batch_is_a_function_of_seed_and_step(recipe, photos):
    for one, other in zip(batch(recipe, photos, 2), batch(recipe, photos, 2), strict=True):
        assert np.array_equal(one, other)
    assert not np.array_equal(batch(recipe, photos, 2)[0], batch(replace(recipe, seed=1), photos, 2)[0])


def test_shapes_and_types(recipe, photos):
    pictures, masks, boundaries = batch(recipe, photos, 5)
    assert pictures.shape == (3, 96, 96, 3)
    assert masks.shape == boundaries.shape == (3, 96, 96)
    assert {pictures.dtype, masks.dtype, boundaries.dtype} == {np.dtype(np.uint8)}


def test_the_stream_is_the_same_from_any_start_with_any_number_of_processes(recipe, photos):
    whole = list(stream(recipe, photos, 0, processes=1))
    assert len(whole) == recipe.steps
    rest = list(stream(recipe, photos, 2, processes=3))
    for one, other in zip(whole[2:], rest, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_every_photo_comes_once_an_epoch(recipe, photos, monkeypatch):
    seen = []

    def noting(random, photos, index, size, studio):
        seen.append(index)
        return example(random, photos, index, size, studio)

    monkeypatch.setattr("training.batches.example", noting)
    for step in range(3):
        batch(recipe, photos, step)
    assert sorted(seen) == list(range(12))


def test_the_boundary_is_near_the_edge_only(photos):
    random = np.random.default_rng(3)
    for index in range(len(photos)):
        made = example(random, photos, index, 96, studio=0.0)
        inside = made.mask > 127
        assert set(np.unique(made.mask)) >= {0, 255}
        assert made.boundary[~inside].max() > 60
        far = np.abs(np.argwhere(made.boundary == 0)[:, None] - np.argwhere(inside)[None]).max(-1).min(-1)
        assert (far[made.mask[made.boundary == 0] == 0] >= 6).all()


def test_a_studio_background_leaves_the_mask_or_nothing_at_all(photos):
    empty = 0
    for seed in range(100):
        plain = example(np.random.default_rng(seed), photos, 0, 96, studio=0.0)
        studio = example(np.random.default_rng(seed), photos, 0, 96, studio=1.0)
        assert not np.array_equal(plain.picture, studio.picture)
        if studio.mask.any():
            assert np.array_equal(plain.mask, studio.mask)
        else:
            empty += 1
            assert not studio.boundary.any()
    assert 0 < empty < 20


def test_batches_can_be_left_early(recipe, photos):
    assert len(list(islice(stream(recipe, photos, 0, processes=2), 2))) == 2
