"""The subject's own colours on a soft edge."""

from __future__ import annotations

import numpy as np

from rembolt.cutout.foreground import blur_fusion

RED, GREEN = np.array([200, 30, 40]), np.array([20, 180, 60])


def soft_disc(side: int = 120, radius: float = 30, softness: float = 12) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side] - side / 2
    distance = np.hypot(rows, columns)
    return np.rint(np.clip((radius - distance) / softness + 0.5, 0, 1) * 255).astype(np.uint8)


def test_the_background_is_taken_out_of_the_edge() -> None:
    alpha = soft_disc()
    share = alpha[..., np.newaxis] / 255
    photo = np.rint(share * RED + (1 - share) * GREEN).astype(np.uint8)
    edge = (alpha > 30) & (alpha < 225)
    before = np.abs(photo[edge] - RED).mean()
    after = np.abs(blur_fusion(photo, alpha)[edge].astype(int) - RED).mean()
    assert before > 40
    assert after < before / 8


def test_outside_the_edge_nothing_changes() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (120, 120, 3)).astype(np.uint8)
    alpha = soft_disc()
    sure = (alpha == 0) | (alpha == 255)
    assert np.array_equal(blur_fusion(photo, alpha)[sure], photo[sure])


def test_a_hard_mask_gives_the_photo() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    alpha = np.zeros((20, 30), np.uint8)
    alpha[5:10] = 255
    assert np.array_equal(blur_fusion(photo, alpha), photo)


def test_a_picture_smaller_than_the_blur_works() -> None:
    result = blur_fusion(np.full((3, 2, 3), 90, np.uint8), np.full((3, 2), 100, np.uint8))
    assert result.shape == (3, 2, 3)
    assert np.abs(result.astype(int) - 90).max() <= 1
