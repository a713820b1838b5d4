"""Joining colours and alpha, and what can be made of a cut-out."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rembolt.cutout.compose import multiply_alpha, over, over_colour
from rembolt.cutout.result import Cutout
from rembolt.errors import UsageError


@pytest.fixture
def cutout() -> Cutout:
    rgba = np.zeros((20, 30, 4), np.uint8)
    rgba[5:15, 10:25] = (200, 100, 50, 255)
    rgba[5:15, 9] = (200, 100, 50, 128)
    return Cutout(rgba, b"profile")


def test_multiplying_alphas_is_exact_rounding() -> None:
    first, second = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    expected = np.rint(first.astype(float) * second / 255)
    assert np.abs(multiply_alpha(first, second) - expected).max() <= 0.5
    assert np.array_equal(multiply_alpha(first, np.full_like(first, 255)), first)


def test_a_half_transparent_pixel_over_a_colour_is_their_mean(cutout: Cutout) -> None:
    flat = over_colour(cutout.rgba, (0, 0, 255, 255))
    assert flat[0, 0].tolist() == [0, 0, 255, 255]
    assert flat[7, 12].tolist() == [200, 100, 50, 255]
    assert np.abs(flat[7, 9].astype(int) - (100, 50, 152, 255)).max() <= 1


def test_over_is_porter_and_duffs() -> None:
    top = np.array([[[200, 100, 50, 255], [200, 100, 50, 128], [0, 0, 0, 0]]], np.uint8)
    below = Image.new("RGBA", (3, 1), (0, 0, 255, 255))
    wanted = [[200, 100, 50, 255], [100, 50, 152, 255], [0, 0, 255, 255]]
    assert np.abs(over(top, below)[0].astype(int) - wanted).max() <= 1
    assert np.array_equal(over(top, below), over_colour(top, (0, 0, 255, 255)))


def test_the_box_around_the_subject(cutout: Cutout) -> None:
    assert cutout.bbox == (9, 5, 25, 15)
    assert type(cutout.bbox) is tuple
    assert Cutout(np.zeros((4, 4, 4), np.uint8)).bbox is None


def test_views(cutout: Cutout) -> None:
    assert cutout.foreground.shape == (20, 30, 3)
    assert cutout.alpha.shape == (20, 30)
    assert cutout.to_array(only_mask=True).flags.c_contiguous


def test_pillow_images_carry_the_profile(cutout: Cutout) -> None:
    image = cutout.to_pil()
    assert image.mode == "RGBA"
    assert image.info["icc_profile"] == b"profile"
    assert cutout.to_pil(only_mask=True).mode == "L"
    assert cutout.to_pil(bgcolor=(1, 2, 3, 255)).getpixel((0, 0)) == (1, 2, 3, 255)


@pytest.mark.parametrize(
    ("format", "name"), [("png", "PNG"), ("webp", "WEBP"), ("avif", "AVIF"), ("jpg", "JPEG")]
)
def test_every_format(cutout: Cutout, format: str, name: str) -> None:
    image = Image.open(io.BytesIO(Cutout(cutout.rgba).encode(format)))
    assert image.format == name
    assert image.size == (30, 20)
    corner = image.convert("RGBA").getpixel((0, 0))
    assert min(corner) > 240 if format == "jpg" else corner[3] == 0


def test_a_zip_holds_colours_and_alpha(cutout: Cutout) -> None:
    with zipfile.ZipFile(io.BytesIO(Cutout(cutout.rgba).encode("zip"))) as archive:
        assert sorted(archive.namelist()) == ["alpha.png", "color.jpg"]
        alpha = Image.open(io.BytesIO(archive.read("alpha.png")))
    assert np.array_equal(np.asarray(alpha), cutout.alpha)


def test_encoding_is_timed(cutout: Cutout) -> None:
    assert "encode" not in cutout.timings
    cutout.encode()
    assert cutout.timings["encode"] > 0


def test_saving_takes_the_format_from_the_name(cutout: Cutout, tmp_path: Path) -> None:
    plain = Cutout(cutout.rgba)
    plain.save(tmp_path / "out.webp")
    assert Image.open(tmp_path / "out.webp").format == "WEBP"
    plain.save(str(tmp_path / "mask.png"), only_mask=True)
    assert Image.open(tmp_path / "mask.png").mode == "L"
    with pytest.raises(UsageError, match=r"\.doc"):
        plain.save(tmp_path / "out.doc")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mask.png", "out.webp"]
