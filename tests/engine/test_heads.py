"""How a network's raw output becomes a mask."""

from __future__ import annotations

import numpy as np
import pytest

from rembolt.engine.heads import spread, to_masks


def outputs(*photos: list[float]) -> np.ndarray:
    return np.array(photos, np.float32).reshape(len(photos), 1, 1, -1)


def test_minmax_stretches_each_photo_of_a_batch_by_its_own_range() -> None:
    masks = to_masks(outputs([0, 1, 2], [10, 20, 30]), "minmax")
    assert masks.dtype == np.float32
    assert masks.tolist() == [[[0, 0.5, 1]], [[0, 0.5, 1]]]


def test_a_flat_answer_is_an_empty_mask_not_a_nan() -> None:
    assert to_masks(outputs([7, 7, 7]), "minmax").tolist() == [[[0, 0, 0]]]
    assert to_masks(outputs([7, 7, 7]), "sigmoid-minmax").tolist() == [[[0, 0, 0]]]


def test_sigmoid_keeps_the_networks_own_certainty() -> None:
    masks = to_masks(outputs([-1e30, 0, np.log(3), 1e30]), "sigmoid")
    assert masks.ravel() == pytest.approx([0, 0.5, 0.75, 1])


def test_sigmoid_minmax_stretches_after_squashing() -> None:
    masks = to_masks(outputs([-np.log(3), 0, np.log(3)]), "sigmoid-minmax")
    assert masks.ravel() == pytest.approx([0, 0.5, 1])


def test_only_the_first_channel_is_read() -> None:
    output = np.stack([np.eye(4, dtype=np.float32), np.full((4, 4), 99, np.float32)])[np.newaxis]
    assert np.array_equal(to_masks(output, "minmax")[0], np.eye(4))


def test_levels_take_the_veil_off() -> None:
    mask = np.array([0, 0.1, 0.3, 0.5, 0.9, 1], np.float32)
    assert spread(mask, (0.1, 0.9)) == pytest.approx([0, 0, 0.25, 0.5, 1, 1])
    assert spread(mask, (0.0, 1.0)) is mask
