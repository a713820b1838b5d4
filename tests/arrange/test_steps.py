"""Each step of an arrangement, on a small picture whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rembolt.arrange.blur import blurred
from rembolt.arrange.crop import crop, crop_mirrored, with_margins
from rembolt.arrange.fit import contain, cover
from rembolt.arrange.place import place
from rembolt.arrange.shadow import DOWN, RIGHT, with_shadow
from rembolt.cutout.subject import Box, box_of
from rembolt.lengths import margins_of

RED = (200, 30, 40)
BOX = Box(20, 10, 40, 30)


def square(size: tuple[int, int] = (100, 60), box: Box = BOX) -> np.ndarray:
    """A red, opaque rectangle with nothing around it."""
    rgba = np.zeros((size[1], size[0], 4), np.uint8)
    rgba[box.top : box.bottom, box.left : box.right] = (*RED, 255)
    return rgba


def alpha_box(rgba: np.ndarray, above: int = 127) -> Box | None:
    return box_of(rgba[:, :, 3], above)


class TestCrop:
    def test_margins_are_of_the_subject_and_go_beyond_the_edge(self) -> None:
        margins = margins_of("100% 5px 0 50%")
        window = with_margins(Box(20, 10, 40, 30), margins)
        assert window == (10, -10, 45, 30)
        cropped = crop(square(), window)
        assert cropped.shape == (40, 35, 4)
        expected = np.zeros_like(cropped)
        expected[20:, 10:30] = (*RED, 255)
        assert np.array_equal(cropped, expected)

    def test_the_picture_goes_on_as_in_a_mirror(self) -> None:
        pixels = np.arange(3, dtype=np.uint8).reshape(1, 3, 1)
        assert crop_mirrored(pixels, Box(-4, 0, 8, 1))[0, :, 0].tolist() == [
            2,
            2,
            1,
            0,
            0,
            1,
            2,
            2,
            1,
            0,
            0,
            1,
        ]
        assert crop_mirrored(pixels, Box(1, 0, 2, 1)).tolist() == [[[1]]]


class TestPlace:
    @pytest.mark.parametrize(
        ("scale", "position", "expected"),
        [
            (None, (0.5, 0.5), (40, 20, 60, 40)),
            (None, (0, 1), (0, 40, 20, 60)),
            (None, (1, 0), (80, 0, 100, 20)),
            (0.5, (0.5, 0.5), (35, 15, 65, 45)),  # 30 of 60 rows, which is less than 50 of 100 columns
            (1.0, (0, 0), (0, 0, 60, 60)),
            (0.5, None, (15, 5, 45, 35)),  # around where it was
            (1.0, None, (0, 0, 60, 60)),  # pushed back inside
            (0.1, (1, 1), (94, 54, 100, 60)),
        ],
    )
    def test_where_the_subject_comes_to_lie(self, scale, position, expected) -> None:
        placed = place(square(), BOX, scale, position)
        assert placed.shape == (60, 100, 4)
        assert alpha_box(placed) == expected

    def test_colours_stay_straight(self) -> None:
        placed = place(square(), BOX, 0.83, (0.3, 0.7))
        seen = placed[placed[:, :, 3] > 60]
        assert len(seen) > 2000
        assert np.abs(seen[:, :3].astype(int) - RED).max() <= 4

    def test_faint_pixels_around_the_box_come_along(self) -> None:
        rgba = square()
        rgba[9, 20:40] = (*RED, 6)
        placed = place(rgba, BOX, None, (0.5, 0.5))
        assert placed[19, 40:60, 3].tolist() == [6] * 20
        assert place(rgba, BOX, None, (0.5, 0))[:, :, 3].max() == 255

    @settings(max_examples=60)
    @given(st.data())
    def test_the_subject_is_always_inside_and_as_large_as_asked(self, data: st.DataObject) -> None:
        width, height = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
        left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
        box = Box(left, top, data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height)))
        scale = data.draw(st.none() | st.floats(0.1, 1))
        position = data.draw(st.none() | st.tuples(st.floats(0, 1), st.floats(0, 1)))
        placed = place(square((width, height), box), box, scale, position)
        found = alpha_box(placed, above=100)
        assert placed.shape == (height, width, 4)
        assert found is not None
        if scale is None:
            assert (found.width, found.height) == (box.width, box.height)
        else:
            filled = max(found.width / width, found.height / height)
            assert filled == pytest.approx(scale, abs=1.51 / min(width, height))


class TestShadow:
    def test_it_lies_below_and_to_the_right_and_the_subject_is_untouched(self) -> None:
        box = Box(100, 100, 300, 300)
        rgba = square((400, 400), box)
        shaded = with_shadow(rgba, box, 50)
        assert np.array_equal(shaded[100:300, 100:300], rgba[100:300, 100:300])
        assert shaded[301, 200, 3] > shaded[98, 200, 3]
        assert shaded[200, 301, 3] > shaded[200, 98, 3]
        outside = shaded[:, :, 3] < 255
        assert not shaded[outside][:, :3].any()
        assert shaded[outside][:, 3].max() <= 128
        assert not shaded[0, 0].any()
        # As much shadow as subject: blur and shift take nothing away.
        only = with_shadow(np.where(rgba[:, :, 3:] > 0, np.uint8([0, 0, 0, 255]), rgba), box, 100)
        weights = only[:, :, 3].astype(float)
        weights[100:300, 100:300] = 0
        rows, columns = np.indices(weights.shape)
        assert (weights * (rows - 199.5)).sum() > 0 < (weights * (columns - 199.5)).sum()
        assert RIGHT < DOWN

    def test_under_a_half_transparent_subject_it_is_porter_and_duffs_over(self) -> None:
        box = Box(0, 0, 300, 300)
        rgba = np.full((300, 300, 4), (*RED, 128), np.uint8)
        middle = with_shadow(rgba, box, 50)[150, 150].astype(float)
        shadow, subject = 0.5 * 128 / 255, 128 / 255
        alpha = subject + shadow * (1 - subject)
        assert middle[3] == pytest.approx(255 * alpha, abs=2)
        assert middle[:3] == pytest.approx(np.array(RED) * subject / alpha, abs=2)

    def test_opacity_0_changes_nothing(self) -> None:
        rgba = square()
        assert np.array_equal(with_shadow(rgba, Box(20, 10, 40, 30), 0), rgba)


def quarters(width: int, height: int) -> Image.Image:
    """Four colours, one in each quarter."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, width // 2 :, 0] = 255
    pixels[height // 2 :, : width // 2, 1] = 255
    pixels[height // 2 :, width // 2 :, 2] = 255
    return Image.fromarray(pixels)


class TestFit:
    def test_cover_takes_the_middle(self) -> None:
        photo = quarters(40, 20)
        fitted = cover(photo, (60, 60))
        assert fitted.size == (60, 60)
        # The middle 20 x 20 pixels, three times as large.
        wanted = photo.crop((10, 0, 30, 20)).resize((60, 60), Image.Resampling.BICUBIC)
        assert np.abs(np.asarray(fitted).astype(int) - np.asarray(wanted)).max() <= 12
        assert cover(photo, (40, 20)) is photo

    def test_contain_leaves_room(self) -> None:
        fitted = np.asarray(contain(quarters(40, 20), (60, 60)))
        assert fitted.shape == (60, 60, 4)
        assert not fitted[:15].any()
        assert not fitted[45:].any()
        assert (fitted[15:45, :, 3] == 255).all()
        assert fitted[20, 50].tolist() == [255, 0, 0, 255]

    @pytest.mark.parametrize("fit", [cover, contain])
    @pytest.mark.parametrize("photo", [(1, 3000), (3000, 1), (1, 1)])
    @pytest.mark.parametrize("size", [(1, 500), (500, 1), (7, 9)])
    def test_odd_shapes(self, fit, photo, size) -> None:
        assert fit(Image.new("RGB", photo, RED), size).size == size


class TestBlur:
    def photo(self) -> tuple[Image.Image, np.ndarray]:
        """A red disc on green, and its soft alpha."""
        rows, columns = np.indices((240, 320))
        alpha = np.clip((64 - np.hypot(rows - 120, columns - 160)) / 8, 0, 1)[:, :, None]
        pixels = alpha * (255, 0, 0) + (1 - alpha) * (0, 160, 0)
        return Image.fromarray(pixels.round().astype(np.uint8)), (alpha[:, :, 0] * 255).round().astype(
            np.uint8
        )

    @pytest.mark.parametrize(("percent", "most"), [(0.1, 6), (2.5, 4), (50, 1)])
    def test_the_subject_does_not_run_into_the_background(self, percent: float, most: int) -> None:
        photo, alpha = self.photo()
        result = np.asarray(blurred(photo, alpha, None, percent)).astype(int)
        assert np.abs(result - (0, 160, 0)).max() <= most  # where the subject was, too

    def test_detail_is_gone_and_the_mean_stays(self) -> None:
        pixels = np.random.default_rng(2).integers(0, 256, (200, 300, 3), np.uint8)
        result = np.asarray(blurred(Image.fromarray(pixels), np.zeros((200, 300), np.uint8), None, 3))
        assert result.shape == pixels.shape
        assert result.std() < 8 < pixels.std()
        assert result.mean() == pytest.approx(pixels.mean(), abs=1)

    def test_left_stays_left(self) -> None:
        pixels = np.zeros((101, 303, 3), np.uint8)
        pixels[:, 150:] = 250
        row = np.asarray(blurred(Image.fromarray(pixels), np.zeros((101, 303), np.uint8), None, 4))[50, :, 0]
        assert row[0] < 3
        assert row[-1] > 247
        assert np.abs(row.astype(int) - 125).argmin() == pytest.approx(150, abs=2)

    def test_transparent_parts_have_no_colour(self) -> None:
        pixels = np.full((60, 80, 3), 200, np.uint8)
        pixels[:, :40] = 0
        own = np.where(pixels[:, :, 0] > 0, np.uint8(255), np.uint8(0))
        result = blurred(Image.fromarray(pixels), np.zeros((60, 80), np.uint8), own, 5)
        assert np.asarray(result).min() >= 198

    def test_all_subject(self) -> None:
        photo = Image.new("RGB", (50, 40), RED)
        result = np.asarray(blurred(photo, np.full((40, 50), 255, np.uint8), None, 5)).astype(int)
        assert np.abs(result - RED).max() <= 1

    @pytest.mark.parametrize("size", [(1, 1), (1, 300), (301, 2)])
    def test_odd_shapes(self, size: tuple[int, int]) -> None:
        alpha = np.zeros((size[1], size[0]), np.uint8)
        assert blurred(Image.new("RGB", size, RED), alpha, None, 2.5).getpixel((0, 0)) == RED
