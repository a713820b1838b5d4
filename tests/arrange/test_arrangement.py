"""The option group as a whole: what a background may be, the order of the steps, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from rembolt.arrange.arrangement import arrange
from rembolt.arrange.background import backdrop, read_background
from rembolt.errors import ImageTooLargeError, InputError, UnreadableImageError, UsageError
from rembolt.images.picture import Picture
from rembolt.images.profiles import to_srgb
from rembolt.settings import CutoutOptions, InputOptions, OutputOptions, check_together

RED, GREEN = (220, 20, 20), (30, 160, 60)


@pytest.fixture
def picture() -> Picture:
    image = Image.new("RGB", (120, 80), GREEN)
    image.paste(RED, (30, 20, 60, 60))
    return Picture(image)


@pytest.fixture
def rgba(picture: Picture) -> np.ndarray:
    rgba = np.zeros((80, 120, 4), np.uint8)
    rgba[20:60, 30:60] = (*RED, 255)
    return rgba


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "beach.png"
    Image.new("RGB", (60, 60), (10, 20, 200)).save(path)
    return path


def picture_of(background: object, **options: object) -> np.ndarray:
    chosen = OutputOptions(background=background, **options)
    return np.asarray(backdrop(chosen, (40, 30), None, InputOptions()))


class TestBackground:
    @pytest.mark.parametrize("text", ["#0a14c8", "10,20,200", "10,20,200,255"])
    def test_colours(self, text: str) -> None:
        assert (picture_of(text) == (10, 20, 200, 255)).all()

    def test_a_photo_in_every_form(self, photo: Path) -> None:
        with Image.open(photo) as image:
            forms = [str(photo), photo, image, np.asarray(image)]
            for form in forms:
                assert (picture_of(form) == (10, 20, 200, 255)).all()
        contained = picture_of(photo, background_fit="contain")
        assert (contained[:, 5:35] == (10, 20, 200, 255)).all()
        assert not contained[:, :5].any()

    def test_a_photos_own_transparency(self) -> None:
        rgba = np.full((30, 40, 4), (10, 20, 200, 77), np.uint8)
        assert (picture_of(rgba) == rgba).all()

    def test_a_colour_wins_over_a_file_of_its_name_but_not_over_a_path(
        self, photo: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(photo.parent)
        photo.rename("tan")
        assert (picture_of("tan") == (210, 180, 140, 255)).all()
        for path in ("./tan", Path("tan")):
            assert (picture_of(path) == (10, 20, 200, 255)).all()

    def test_a_changed_file_is_read_anew(self, photo: Path) -> None:
        assert read_background(str(photo), 10**6).width == 60
        Image.new("RGB", (50, 20)).save(photo)
        assert read_background(str(photo), 10**6).width == 50

    def test_it_takes_on_the_photos_profile(self, photo: Path) -> None:
        # Colours that look alike have other numbers under another profile; back in sRGB they are the same.
        profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
        red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
        profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
        swapped = bytes(profile).replace("sRGB".encode("utf-16-be"), "odd!".encode("utf-16-be"))
        for background in (photo, "#0a14c8"):
            made = backdrop(OutputOptions(background=background), (4, 4), swapped, InputOptions())
            assert made.getpixel((0, 0)) == pytest.approx((200, 20, 10, 255), abs=3)
            back = to_srgb(made.convert("RGB"), swapped)
            assert back.getpixel((0, 0)) == pytest.approx((10, 20, 200), abs=3)

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            ("redd", ["neither a colour", "#RRGGBB", "blur", "nor a file"]),
            ("", ["neither a colour"]),
            (Path("nowhere.jpg"), ["there is no file 'nowhere.jpg'"]),
            (3, ["Pillow image or an array, not 3"]),
            (b"red", ["not b'red'"]),
        ],
    )
    def test_what_is_none_is_told(self, value: object, words: list[str]) -> None:
        with pytest.raises(UsageError) as caught:
            OutputOptions(background=value)
        assert all(word in str(caught.value) for word in words)

    def test_a_broken_or_large_photo_is_told(self, photo: Path) -> None:
        with pytest.raises(ImageTooLargeError, match=r"the background: .* 60 x 60"):
            read_background(str(photo), 100)
        photo.write_bytes(b"no photo")
        with pytest.raises(InputError, match=r"the background: .*beach.png"):
            read_background(str(photo), 10**6)
        photo.unlink()
        with pytest.raises(UnreadableImageError, match=r"the background: .*beach.png.*cannot be opened"):
            read_background(str(photo), 10**6)


class TestOrder:
    def test_nothing_asked_for_changes_nothing(self, rgba: np.ndarray, picture: Picture) -> None:
        assert np.array_equal(arrange(rgba, picture, OutputOptions()).pixels, rgba)

    def test_crop_then_shadow_then_background(self, rgba: np.ndarray, picture: Picture) -> None:
        options = OutputOptions(crop=True, crop_margin="10px", shadow=60, background="white")
        result = arrange(rgba, picture, options).pixels
        assert result.shape == (60, 50, 4)
        assert (result[10:50, 10:40] == (*RED, 255)).all()
        assert (result[:, :, 3] == 255).all()
        assert result[51, 25, 0] < 250 <= result[0, 0, 0]  # the shadow reaches into the margin

    def test_bgcolor_goes_behind_what_is_moved(self, rgba: np.ndarray, picture: Picture) -> None:
        result = arrange(rgba, picture, OutputOptions(position="0%", bgcolor="blue")).pixels
        assert (result[:40, :30] == (*RED, 255)).all()
        assert (result[40:] == (0, 0, 255, 255)).all()

    def test_the_blurred_background_stays_where_it_was(self, rgba: np.ndarray, picture: Picture) -> None:
        image = picture.image.copy()
        image.paste((0, 0, 0), (0, 0, 30, 80))
        options = OutputOptions(crop=True, crop_margin="20px 30px", background="blur", background_blur=0.5)
        result = arrange(rgba, Picture(image), options).pixels
        assert result.shape == (80, 90, 4)
        assert (result[20:60, 30:60] == (*RED, 255)).all()
        assert (result[:, :25, :3] <= 2).all()
        assert np.abs(result[:, 66:, :3].astype(int) - GREEN).max() <= 2

    def test_scaling_centres_unless_told_otherwise(self, rgba: np.ndarray, picture: Picture) -> None:
        for options, left in (({}, 45), ({"position": "original"}, 30), ({"position": "100% 0%"}, 90)):
            result = arrange(rgba, picture, OutputOptions(scale="50%", **options)).pixels
            assert np.flatnonzero(result[:, :, 3].max(axis=0) > 127)[0] == left

    def test_the_mask_moves_without_shadow_and_background(self, rgba: np.ndarray, picture: Picture) -> None:
        options = OutputOptions(only_mask=True, position="100%", shadow=80, background="blur")
        mask = arrange(rgba, picture, options).pixels[:, :, 3]
        assert (mask[40:, 90:] == 255).all()
        assert not mask[:40].any()
        assert not mask[:, :90].any()

    def test_a_strip_is_arranged_one_by_one(self, rgba: np.ndarray, picture: Picture) -> None:
        strip = np.concatenate([rgba, np.roll(rgba, 40, axis=1)])
        result = arrange(strip, picture, OutputOptions(position="0%")).pixels
        assert np.array_equal(result[:80], result[80:])
        with pytest.raises(UsageError, match="cloth_category"):
            arrange(strip, picture, OutputOptions(crop=True))

    def test_no_subject_is_told(
        self, picture: Picture, rgba: np.ndarray, caplog: pytest.LogCaptureFixture
    ) -> None:
        empty = np.zeros_like(rgba)
        result = arrange(empty, picture, OutputOptions(crop=True, shadow=50, background="red")).pixels
        assert (result == (255, 0, 0, 255)).all()
        assert "no subject in this photo, so nothing is done for shadow and crop" in caplog.text

    def test_a_margin_past_the_limit_is_refused(self, rgba: np.ndarray, picture: Picture) -> None:
        options = OutputOptions(crop=True, crop_margin="5000px")
        with pytest.raises(ImageTooLargeError, match="crop_margin"):
            arrange(rgba, picture, options, InputOptions(max_pixels=10**6))

    def test_the_cut_out_is_not_written_to(self, rgba: np.ndarray, picture: Picture) -> None:
        before = rgba.copy()
        for options in ({"crop": True}, {"scale": "100%"}, {"shadow": 50, "background": "blur"}):
            arrange(rgba, picture, OutputOptions(**options))
        assert np.array_equal(rgba, before)


class TestTogether:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"background": "red", "bgcolor": "blue"}, "give one of them"),
            ({"crop": True, "scale": "50%"}, "no room for scale"),
            ({"crop": True, "scale": "50%", "position": "center"}, "scale and position"),
            ({"crop_margin": "5px"}, "give crop too"),
            ({"crop_margin": "5"}, "lengths such as 10px or 5%"),
            ({"scale": "5%"}, "10% to 100%"),
            ({"position": "left"}, "center, or 0% to 100%"),
            ({"background_fit": "stretch"}, "cover, contain"),
            ({"background_blur": 0}, "at least 0.1"),
            ({"shadow": float("nan")}, "a number"),
            ({"shadow": 101}, "at most 100"),
            ({"bgcolor": "reddish"}, "a name such as red"),
        ],
    )
    def test_what_does_not_go_is_told(self, options: dict[str, object], words: str) -> None:
        with pytest.raises(UsageError, match=words):
            OutputOptions(**options)

    @pytest.mark.parametrize(
        "options",
        [{"background": "blur"}, {"shadow": 5}, {"crop": True}, {"scale": "50%"}, {"position": "center"}],
    )
    def test_exact_has_none_of_it(self, options: dict[str, object]) -> None:
        with pytest.raises(UsageError, match=f"exact gives rembg's pixels.*{next(iter(options))}"):
            check_together(CutoutOptions(exact=True), OutputOptions(**options))
        check_together(CutoutOptions(), OutputOptions(**options))
        check_together(CutoutOptions(exact=True), OutputOptions(scale="original", position="original"))
