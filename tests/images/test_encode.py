"""Cut-outs to files of every output format."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from image_samples import colours, wide_gamut_profile
from PIL import Image

from rembolt.errors import UnsupportedImageError, UsageError
from rembolt.images.decode import decode
from rembolt.images.encode import OUTPUT_FORMATS, encode, format_of, output_format

RGB = colours(40, 60)
ALPHA = np.broadcast_to(np.linspace(0, 255, 60).astype(np.uint8), (40, 60))
RGBA = np.dstack([RGB, ALPHA])


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


class TestFormats:
    @pytest.mark.parametrize("name", OUTPUT_FORMATS)
    @pytest.mark.parametrize("pixels", [RGB, RGBA, ALPHA], ids=["rgb", "rgba", "mask"])
    def test_every_layout_in_every_format(self, name, pixels):
        data = encode(pixels, name)
        if name == "zip":
            assert data[:2] == b"PK"
            return
        image = opened(data)
        assert image.size == (60, 40)
        assert image.get_format_mimetype() == OUTPUT_FORMATS[name].media_type

    def test_png_is_exact(self):
        for pixels in (RGB, RGBA, ALPHA):
            assert np.array_equal(np.asarray(opened(encode(pixels))), pixels)

    def test_webp_keeps_alpha_within_a_level(self):
        image = opened(encode(RGBA, "webp"))
        alpha = np.asarray(image.getchannel("A")).astype(int)
        assert np.abs(alpha - ALPHA).max() <= 2
        assert alpha.min() == 0
        assert alpha.max() == 255

    def test_avif_keeps_alpha(self):
        alpha = np.asarray(opened(encode(RGBA, "avif")).getchannel("A")).astype(int)
        assert np.abs(alpha - ALPHA).max() <= 12

    def test_a_mask_as_jpeg_stays_grey(self):
        image = opened(encode(ALPHA, "jpg"))
        assert image.mode == "L"
        assert np.abs(np.asarray(image).astype(int) - ALPHA).max() <= 6

    @pytest.mark.parametrize(
        ("name", "same"), [("jpeg", "jpg"), ("JPG", "jpg"), ("PNG", "png"), ("WebP", "webp")]
    )
    def test_aliases_and_case(self, name, same):
        assert encode(RGB, name) == encode(RGB, same)
        assert output_format(name).name == same

    def test_unknown_format(self):
        with pytest.raises(UsageError, match="png, webp, jpg, avif, zip"):
            encode(RGB, "tiff")

    @pytest.mark.parametrize("name", ["png", "webp", "jpg", "avif"])
    def test_profile(self, name):
        profile = wide_gamut_profile()
        assert opened(encode(RGB, name, icc_profile=profile)).info["icc_profile"] == profile
        assert not opened(encode(RGB, name)).info.get("icc_profile")

    @pytest.mark.parametrize("view", [RGBA[::-1], RGBA[:, ::-1], RGBA[::2, ::2], np.asfortranarray(RGBA)])
    @pytest.mark.parametrize("name", OUTPUT_FORMATS)
    def test_any_strides(self, name, view):
        assert encode(view, name) == encode(np.ascontiguousarray(view), name)


class TestBackground:
    def test_jpeg_is_white_where_the_cutout_is_empty(self):
        pixels = np.zeros((16, 16, 4), np.uint8)
        assert np.asarray(opened(encode(pixels, "jpg"))).min() >= 253

    def test_straight_colours_are_mixed_by_alpha(self):
        pixels = np.empty((16, 16, 4), np.uint8)
        pixels[:] = (200, 100, 50, 128)
        mixed = np.asarray(opened(encode(pixels, "jpg", quality=100, background=(0, 0, 255)))).reshape(-1, 3)
        expected = np.array([200, 100, 50]) * 128 / 255 + np.array([0, 0, 255]) * 127 / 255
        assert np.abs(mixed.mean(axis=0) - expected).max() <= 2

    def test_formats_with_alpha_ignore_it(self):
        assert encode(RGBA, "png", background=(1, 2, 3)) == encode(RGBA, "png")


class TestZip:
    def test_colour_and_alpha_side_by_side_not_compressed_again(self):
        with zipfile.ZipFile(
            io.BytesIO(encode(RGBA, "zip", quality=95, icc_profile=wide_gamut_profile()))
        ) as archive:
            assert archive.namelist() == ["color.jpg", "alpha.png"]
            assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
            assert archive.testzip() is None
            colour, alpha = decode(archive.read("color.jpg")), opened(archive.read("alpha.png"))
        assert np.abs(colour.pixels.astype(int) - RGB).mean() < 6
        assert colour.icc_profile == wide_gamut_profile()
        assert np.array_equal(np.asarray(alpha), ALPHA)

    def test_without_alpha_it_is_opaque(self):
        with zipfile.ZipFile(io.BytesIO(encode(RGB, "zip"))) as archive:
            assert np.asarray(opened(archive.read("alpha.png"))).min() == 255

    def test_same_input_same_bytes(self):
        assert encode(RGBA, "zip") == encode(RGBA, "zip")


class TestQuality:
    @pytest.mark.parametrize("name", ["jpg", "webp", "avif", "zip"])
    def test_more_quality_more_bytes(self, name):
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        assert len(encode(noise, name, quality=20)) < len(encode(noise, name, quality=95))

    @pytest.mark.parametrize("name", ["jpg", "webp", "avif", "zip"])
    def test_default_is_that_of_the_table(self, name):
        assert encode(RGB, name) == encode(RGB, name, quality=OUTPUT_FORMATS[name].quality)

    @pytest.mark.parametrize("quality", [0, 101, -5])
    def test_out_of_range(self, quality):
        with pytest.raises(UsageError, match="1 to 100"):
            encode(RGB, "jpg", quality=quality)


class TestRefusals:
    @pytest.mark.parametrize("pixels", [RGB.astype(float), RGB[0, 0], RGB[:, :, :2], RGB[:0], RGB[None]])
    @pytest.mark.parametrize("name", ["png", "jpg"])
    def test_what_is_no_picture(self, pixels, name):
        with pytest.raises(UnsupportedImageError):
            encode(pixels, name)

    @pytest.mark.parametrize(("name", "limit"), [("webp", 16_383), ("jpg", 65_500)])
    def test_sides_longer_than_the_format_holds(self, name, limit):
        assert encode(np.zeros((1, limit, 3), np.uint8), name)
        with pytest.raises(UnsupportedImageError, match="choose png"):
            encode(np.zeros((1, limit + 1, 3), np.uint8), name)


class TestFormatOf:
    @pytest.mark.parametrize(
        ("path", "name"),
        [("a.png", "png"), ("b/c.JPEG", "jpg"), ("x.y.webp", "webp"), ("x.avif", "avif"), ("x.zip", "zip")],
    )
    def test_by_extension(self, path, name):
        assert format_of(path) == name

    @pytest.mark.parametrize("path", ["photo", "photo.bmp", ".png"])
    def test_others_are_refused_with_the_list(self, path):
        with pytest.raises(UsageError, match=r"\.png, \.webp, \.jpg, \.jpeg, \.avif, \.zip"):
            format_of(path)

    def test_extensions_belong_to_one_format(self):
        extensions = [extension for known in OUTPUT_FORMATS.values() for extension in known.extensions]
        assert len(extensions) == len(set(extensions))
