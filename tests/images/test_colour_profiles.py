"""Profiles are kept when they describe RGB, converted when they do not, and dropped when broken."""

from __future__ import annotations

import io

import numpy as np
import pytest
from image_samples import cmyk_profile, colours, grey_profile, saved, srgb_profile, wide_gamut_profile
from PIL import Image, ImageCms

from rembolt.images.decode import decode, picture_from_image
from rembolt.images.encode import encode
from rembolt.images.profiles import colour_space

RGB = colours()
PHOTO = Image.fromarray(RGB)


def test_colour_spaces_are_told_apart():
    assert colour_space(srgb_profile()) == "RGB"
    assert colour_space(wide_gamut_profile()) == "RGB"
    assert colour_space(grey_profile(2.2)) == "GRAY"
    assert colour_space(cmyk_profile()) == "CMYK"


@pytest.mark.parametrize("broken", [None, b"", "text", b"\0" * 200, srgb_profile()[:150], b"x" * 5000])
def test_what_is_not_a_profile(broken):
    assert colour_space(broken) is None


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_an_rgb_profile_is_kept(name):
    profile = wide_gamut_profile()
    picture = decode(saved(PHOTO, name, icc_profile=profile))
    assert picture.icc_profile == profile


def test_colours_are_not_changed_when_the_profile_is_kept():
    assert np.array_equal(decode(saved(PHOTO, "PNG", icc_profile=wide_gamut_profile())).pixels, RGB)


def test_to_srgb_converts_a_wide_gamut_as_little_cms_does():
    profile = wide_gamut_profile()
    expected = ImageCms.profileToProfile(
        PHOTO,
        ImageCms.getOpenProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    picture = decode(saved(PHOTO, "PNG", icc_profile=profile), to_srgb=True)
    assert picture.icc_profile is None
    assert np.abs(picture.pixels.astype(int) - np.asarray(expected)).max() <= 1
    assert np.abs(picture.pixels.astype(int) - RGB).max() > 10


def test_to_srgb_leaves_srgb_as_it_is():
    picture = decode(saved(PHOTO, "PNG", icc_profile=srgb_profile()), to_srgb=True)
    assert np.abs(picture.pixels.astype(int) - RGB).max() <= 1


def test_to_srgb_without_a_profile_changes_nothing():
    assert np.array_equal(decode(saved(PHOTO, "PNG"), to_srgb=True).pixels, RGB)


def test_to_srgb_keeps_alpha_and_orientation():
    image = PHOTO.convert("RGBA")
    image.putalpha(Image.fromarray(RGB[:, :, 1]))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = decode(saved(image, "PNG", icc_profile=wide_gamut_profile(), exif=exif), to_srgb=True)
    assert (picture.width, picture.height) == (24, 32)
    assert np.array_equal(picture.alpha, np.rot90(RGB[:, :, 1], -1))


def test_a_grey_profile_is_converted_through():
    grey = PHOTO.convert("L")
    linear = decode(saved(grey, "PNG", icc_profile=grey_profile(1.0)))
    assert linear.icc_profile is None
    # Linear light is brighter once it is written in sRGB: 101 in the middle becomes 169.
    assert np.array_equal(linear.pixels[:, :, 0], linear.pixels[:, :, 1])
    middle = np.asarray(grey)[10, 10] / 255
    expected = 255 * (1.055 * middle ** (1 / 2.4) - 0.055)
    assert abs(int(linear.pixels[10, 10, 0]) - expected) <= 2


def test_grey_with_an_rgb_profile_keeps_it():
    assert decode(saved(PHOTO.convert("L"), "JPEG", icc_profile=srgb_profile())).icc_profile == srgb_profile()


@pytest.mark.parametrize("profile", [grey_profile(2.2), cmyk_profile()])
def test_a_profile_of_other_colours_is_never_attached_to_rgb(profile):
    picture = picture_from_image(with_profile(PHOTO, profile))
    assert picture.icc_profile is None
    assert np.array_equal(picture.pixels, RGB)


@pytest.mark.parametrize("to_srgb", [False, True])
@pytest.mark.parametrize("broken", [b"no profile", srgb_profile()[:200], b"\0" * 1000])
def test_a_broken_profile_costs_only_itself(broken, to_srgb):
    picture = picture_from_image(with_profile(PHOTO, broken), to_srgb=to_srgb)
    assert picture.icc_profile is None
    assert np.array_equal(picture.pixels, RGB)


def test_a_profile_with_a_broken_inside_keeps_the_photo():
    profile = bytearray(wide_gamut_profile())
    start = 132 + 12 * 8
    profile[start:] = b"Z" * (len(profile) - start)
    picture = picture_from_image(with_profile(PHOTO, bytes(profile)), to_srgb=True)
    assert np.array_equal(picture.pixels, RGB)


def with_profile(image: Image.Image, profile: bytes) -> Image.Image:
    copy = image.copy()
    copy.info["icc_profile"] = profile
    return copy


class TestInk:
    def test_cmyk_jpeg_comes_close_to_what_was_printed(self):
        picture = decode(saved(PHOTO.convert("CMYK"), "JPEG", quality=95))
        assert np.abs(picture.pixels.astype(int) - RGB).mean() < 12
        assert picture.icc_profile is None

    def test_a_cmyk_profile_is_used_and_then_gone(self):
        picture = decode(saved(PHOTO.convert("CMYK"), "JPEG", icc_profile=cmyk_profile()))
        assert picture.icc_profile is None
        # The profile of the tests prints everything but bare paper in the same grey.
        assert picture.pixels[:20, :28].min() == 119
        assert picture.pixels[:20, :28].max() == 119

    def test_a_broken_cmyk_profile_falls_back(self):
        profile = cmyk_profile()[:400]
        picture = decode(saved(PHOTO.convert("CMYK"), "JPEG", icc_profile=profile, quality=95))
        assert picture.icc_profile is None
        assert np.abs(picture.pixels.astype(int) - RGB).mean() < 12

    def test_ycck_jpeg(self):
        # As a plain file of four components says it: Adobe's marker with transform 2 makes it YCCK.
        y, cb, cr = (np.asarray(band) for band in Image.fromarray(255 - RGB).convert("YCbCr").split())
        ink = Image.fromarray(np.dstack([255 - y, 255 - cb, 255 - cr, np.full_like(y, 255)]), "CMYK")
        data = bytearray(saved(ink, "JPEG", quality=100, subsampling=0))
        marker = data.index(b"Adobe")
        data[marker + 11] = 2
        pixels = decode(bytes(data)).pixels.astype(int)
        with Image.open(io.BytesIO(bytes(data))) as image:
            assert image.mode == "CMYK"
            assert np.array_equal(pixels, np.asarray(image.convert("RGB")))

    def test_cmyk_tiff(self):
        picture = decode(saved(PHOTO.convert("CMYK"), "TIFF"))
        assert np.abs(picture.pixels.astype(int) - RGB).max() <= 2


def test_the_profile_survives_the_way_through_a_png():
    profile = wide_gamut_profile()
    picture = decode(saved(PHOTO, "JPEG", icc_profile=profile))
    again = decode(encode(picture.pixels, "png", icc_profile=picture.icc_profile))
    assert again.icc_profile == profile
