"""The subject's own colours on a soft edge."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from rembolt.cutout.foreground import LEAST, SIDE, Recolour, estimate, foreground, soft_pixels
from rembolt.cutout.small import Copies
from rembolt.images import bands

RED, GREEN = (200, 30, 40), (20, 180, 60)


@pytest.fixture(params=[1, 3], autouse=True)
def _cores(request, monkeypatch) -> None:
    monkeypatch.setattr(bands, "own_cores", lambda: request.param)


def soft_disc(width: int, height: int, softness: float = 0.15) -> np.ndarray:
    """Alpha of a disc over most of the picture, its edge so many times the shorter side wide."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    side = min(width, height)
    distance = np.hypot(rows - height / 2, columns - width / 2) / side - 0.3
    return np.rint(np.clip(0.5 - distance / softness, 0, 1) * 255).astype(np.uint8)


def mixed(front: np.ndarray, back: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """A foreground over a background, as a camera sees it."""
    share = alpha[..., None] / 255
    return np.rint(share * front + (1 - share) * back).astype(np.uint8)


def plain(colour: tuple[int, int, int], width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def smooth_noise(width: int, height: int, seed: int) -> np.ndarray:
    """Colours that change slowly, as most surfaces' do."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def cleaned(photo: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.asarray(foreground(Image.fromarray(photo), Image.fromarray(alpha)))


def error(colours: np.ndarray, front: np.ndarray, alpha: np.ndarray) -> float:
    """How wrong a cut-out looks on a new background, on average over the soft edge, in levels."""
    soft = (alpha > LEAST) & (alpha < 255 - LEAST)
    wrong = np.abs(colours.astype(float) - front) * (alpha[..., None] / 255)
    return float(wrong[soft].mean())


@pytest.mark.parametrize("size", [(120, 120), (301, 199), (700, 523)])
def test_the_background_is_taken_out_of_the_edge(size: tuple[int, int]) -> None:
    alpha, front = soft_disc(*size), plain(RED, *size)
    photo = mixed(front, plain(GREEN, *size), alpha)
    before, after = error(photo, front, alpha), error(cleaned(photo, alpha), front, alpha)
    assert before > 15
    assert after < before / 20


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_changing_colours_are_parted_too(seed: int) -> None:
    size = (420, 330)
    alpha = soft_disc(*size, softness=0.04)
    front, back = smooth_noise(*size, seed), smooth_noise(*size, seed + 10)
    photo = mixed(front, back, alpha)
    assert error(cleaned(photo, alpha), front, alpha) < error(photo, front, alpha) / 3


def test_a_real_picture_over_another(cat: Image.Image, astronaut: Image.Image) -> None:
    back, front = (np.asarray(image.resize((451, 300))) for image in (cat, astronaut))
    alpha = soft_disc(451, 300, 0.1)
    photo = mixed(front, back, alpha)
    assert error(cleaned(photo, alpha), front, alpha) < 0.8 * error(photo, front, alpha)


def test_the_photos_detail_stays() -> None:
    grain = np.random.default_rng(0).integers(-25, 26, (400, 600, 1))
    alpha = np.full((400, 600), 160, np.uint8)
    alpha[:, :50], alpha[:, -50:] = 0, 255
    photo = mixed(plain(RED, 600, 400), plain(GREEN, 600, 400), alpha).astype(int) + grain
    photo = np.clip(photo, 0, 255).astype(np.uint8)
    middle = np.s_[:, 200:400, 1]
    assert cleaned(photo, alpha)[middle].std() > 0.8 * photo[middle].std()


def test_clear_and_opaque_pixels_keep_their_colours() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (140, 300, 3), np.uint8)
    alpha = soft_disc(300, 140)
    alpha[:30] = np.random.default_rng(1).choice([0, LEAST - 1, 256 - LEAST, 255], (30, 300))
    sure = (alpha < LEAST) | (alpha > 255 - LEAST)
    result = cleaned(photo, alpha)
    assert np.array_equal(result[sure], photo[sure])
    assert (result[~sure] != photo[~sure]).any()


def test_a_hard_mask_gives_the_photo() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (520, 300, 3), np.uint8)
    alpha = np.zeros((520, 300), np.uint8)
    alpha[50:100, 7:] = 255
    assert np.array_equal(cleaned(photo, alpha), photo)


@pytest.mark.parametrize("level", [0, 1, 128, 254, 255])
def test_an_alpha_that_is_the_same_everywhere_changes_no_plain_colour(level: int) -> None:
    photo = plain((90, 120, 30), 300, 280)
    result = cleaned(photo, np.full((280, 300), level, np.uint8))
    assert np.abs(result.astype(int) - photo).max() <= 1


@pytest.mark.parametrize(
    "size", [(1, 1), (2, 1), (1, 2), (1, 700), (700, 1), (3, 2000), (257, 1025), (17, 33)]
)
def test_pictures_of_any_shape(size: tuple[int, int]) -> None:
    width, height = size
    ramp = np.linspace(0, 255, width * height).reshape(height, width).astype(np.uint8)
    front = plain(RED, width, height)
    photo = mixed(front, plain(GREEN, width, height), ramp)
    result = cleaned(photo, ramp)
    assert result.shape == (height, width, 3)
    sure = (ramp < LEAST) | (ramp > 255 - LEAST)
    assert np.array_equal(result[sure], photo[sure])
    if width * height > 500:
        assert error(result, front, ramp) < error(photo, front, ramp) / 20


def test_the_given_pictures_stay_as_they_are() -> None:
    alpha = soft_disc(300, 200)
    photo = mixed(plain(RED, 300, 200), plain(GREEN, 300, 200), alpha)
    image, mask = Image.fromarray(photo), Image.fromarray(alpha)
    before = image.tobytes(), mask.tobytes()
    foreground(image, mask)
    assert (image.tobytes(), mask.tobytes()) == before


class TestEstimates:
    def test_both_colours_are_found(self) -> None:
        alpha = soft_disc(150, 110)
        photo = mixed(plain(RED, 150, 110), plain(GREEN, 150, 110), alpha)
        found = estimate(photo, alpha)
        assert found.shape == (6, 110, 150)
        assert found.dtype == np.float32
        soft = (alpha > 0) & (alpha < 255)
        assert np.abs(found[:, soft].T - (*RED, *GREEN)).mean() < 8

    def test_what_is_sure_is_the_photos(self) -> None:
        photo, alpha = smooth_noise(90, 70, 0), soft_disc(90, 70)
        found = estimate(photo, alpha)
        shown = photo.transpose(2, 0, 1)
        soft = Image.fromarray(((alpha > 0) & (alpha < 255)).astype(np.uint8))
        beside = np.asarray(soft.filter(ImageFilter.MaxFilter(3))) > 0
        for part, level in ((found[:3], 255), (found[3:], 0)):
            sure = alpha == level
            assert np.array_equal(part[:, sure & ~beside], shown[:, sure & ~beside])
            assert np.abs(part - shown)[:, sure & beside].mean() < 10

    @pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (16, 16), (17, 255)])
    def test_they_are_colours_whatever_the_picture(self, shape: tuple[int, int]) -> None:
        random = np.random.default_rng(sum(shape))
        found = estimate(
            random.integers(0, 256, (*shape, 3), np.uint8), random.integers(0, 256, shape, np.uint8)
        )
        assert found.shape == (6, *shape)
        assert np.isfinite(found).all()
        assert found.min() >= 0
        assert found.max() <= 255


class TestRows:
    @pytest.mark.parametrize("size", [(600, 420), (301, 777), (5, 900), (900, 1)])
    @pytest.mark.parametrize("height", [1, 37, 128])
    def test_rows_are_those_of_the_whole(self, size: tuple[int, int], height: int) -> None:
        alpha = soft_disc(*size, softness=1.5)
        photo = mixed(smooth_noise(*size, 1), smooth_noise(*size, 2), alpha)
        small = Copies(Image.fromarray(photo)).at(SIDE)
        shown = np.asarray(Image.fromarray(alpha).resize(small.image.size, Image.Resampling.BOX))
        change = Recolour.estimated(small, shown, size)
        result = photo.copy()
        for top in range(0, size[1], height):
            part = np.s_[top : min(top + height, size[1])]
            rows, columns = soft_pixels(alpha[part])
            colours = change.rows(part.start, part.stop)
            straight = colours.straight(photo[part][rows, columns], alpha[part][rows, columns], rows, columns)
            result[part][rows, columns] = straight
        assert np.array_equal(result, cleaned(photo, alpha))
        assert (result != photo).any()

    def test_soft_are_those_between_nearly_clear_and_nearly_opaque(self) -> None:
        alpha = np.arange(256, dtype=np.uint8).reshape(2, 128)
        rows, columns = soft_pixels(alpha)
        assert alpha[rows, columns].tolist() == list(range(LEAST, 256 - LEAST))


def test_a_rim_is_gone_after_blurring_a_mask(cat: Image.Image) -> None:
    """A hard subject whose mask is softer than it is: nothing is made up, colours stay plausible."""
    photo = np.asarray(cat)
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[80:220, 120:330] = 255
    alpha = np.asarray(Image.fromarray(mask).filter(ImageFilter.GaussianBlur(4)))
    result = cleaned(photo, alpha).astype(int)
    near = np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(6))).astype(int)
    soft = (alpha > 128) & (alpha < 250)
    assert np.abs(result - photo)[soft].mean() < 2 * np.abs(near - photo)[soft].mean() + 5
