"""The subject's own colours on a soft edge."""

from __future__ import annotations

import numpy as np
from PIL import Image

from rembolt.cutout.foreground import LARGEST_SIDE, blur_fusion, decontaminate, recolour

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


def test_large_pictures_are_estimated_on_a_small_copy() -> None:
    before, after = decontaminate(Image.new("RGB", (5000, 200)), Image.new("L", (5000, 200), 100))
    assert before.size == after.size == (LARGEST_SIDE, round(200 * LARGEST_SIDE / 5000))


def test_recolouring_adds_the_change_and_keeps_the_detail() -> None:
    grain = np.random.default_rng(0).integers(-30, 31, (700, 500, 1))
    photo = np.clip(120 + grain, 0, 255).astype(np.uint8).repeat(3, axis=2)
    alpha = np.zeros((700, 500), np.uint8)
    alpha[100:650, 50:450] = 128
    small = Image.new("RGB", (50, 70), (100, 100, 100))
    result = np.asarray(
        recolour(
            Image.fromarray(photo), Image.fromarray(alpha), small, Image.new("RGB", (50, 70), (120, 90, 100))
        )
    )
    expected = np.where((alpha == 128)[..., None], photo.astype(int) + np.array([20, -10, 0]), photo)
    assert np.array_equal(result, expected)


def test_bands_leave_no_seams() -> None:
    columns = np.linspace(0, 255, 64).astype(np.uint8)
    slope = Image.fromarray(np.dstack([columns[:, None].repeat(8, axis=1)] * 3))
    photo, alpha = Image.new("RGB", (20, 1500)), Image.new("L", (20, 1500), 200)
    rows = np.asarray(recolour(photo, alpha, Image.new("RGB", slope.size), slope))[:, 10, 0].astype(int)
    whole = np.asarray(slope.resize((20, 1500), Image.Resampling.BICUBIC))[:, 10, 0]
    assert np.array_equal(rows, whole)
