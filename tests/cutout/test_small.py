"""Small copies of a picture, and how they lie over it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rembolt.cutout.small import Copies


def slope(width: int, height: int) -> np.ndarray:
    """Red grows to the right and green downwards, by one level a pixel at most."""
    across, down = (np.linspace(0, min(255, side), side, endpoint=False) for side in (width, height))
    red, green = np.broadcast_arrays(across[None, :], down[:, None])
    return np.rint(np.dstack([red, green, np.zeros_like(red)])).astype(np.uint8)


def picture(width: int, height: int) -> Image.Image:
    return Image.fromarray(slope(width, height))


def test_a_small_picture_is_its_own_copy() -> None:
    image = picture(300, 200)
    assert Copies(image).at(300) == (image, (1.0, 1.0))
    assert Copies(image).at(512).image is image


@settings(max_examples=40)
@given(width=st.integers(1, 700), height=st.integers(1, 700), sides=st.lists(st.integers(1, 800), min_size=1))
def test_a_copy_is_no_larger_than_asked_and_covers_the_picture(width, height, sides) -> None:
    copies = Copies(Image.new("RGB", (width, height)))
    for side in sides:
        image, step = copies.at(side)
        assert max(image.size) <= side
        for pixels, full, one in zip(image.size, (width, height), step, strict=True):
            assert pixels == -(-full // one), "whole blocks, the last perhaps beyond the edge"


@pytest.mark.parametrize("size", [(600, 400), (601, 399), (1, 600), (600, 1)])
@pytest.mark.parametrize("side", [300, 151, 64])
def test_a_copys_pixels_are_the_averages_of_blocks(size: tuple[int, int], side: int) -> None:
    image = picture(*size)
    small, (across, down) = Copies(image).at(side)
    assert across == down == int(across)
    factor = int(across)
    assert np.array_equal(np.asarray(small), np.asarray(image.reduce(factor)))


def test_a_copy_of_a_copy_is_the_copy_to_a_level() -> None:
    random = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    image = Image.fromarray(random)
    copies = Copies(image)
    copies.at(320)
    twice, step = copies.at(160)
    assert step == (4.0, 4.0)
    assert np.abs(np.asarray(twice).astype(int) - np.asarray(image.reduce(4))).max() <= 1


def test_the_same_copy_is_made_once() -> None:
    copies = Copies(picture(600, 400))
    assert copies.at(300).image is copies.at(320).image


def test_steps_are_in_pixels_of_the_full_picture() -> None:
    copies = Copies(picture(300, 200), (900, 602))
    assert copies.at(300).step == (3.0, pytest.approx(3.01))
    assert copies.at(150).step == (6.0, pytest.approx(6.02))


def test_the_picture_stays_as_it_is() -> None:
    image = picture(600, 400)
    Copies(image).at(50)
    assert np.array_equal(np.asarray(image), slope(600, 400))


@settings(max_examples=40)
@given(width=st.integers(1, 700), height=st.integers(1, 700), side=st.integers(1, 900))
def test_a_sized_copy_has_that_size_and_covers_the_picture(width: int, height: int, side: int) -> None:
    image, step = Copies(picture(width, height)).sized(side)
    assert max(image.size) == side
    for pixels, full, one in zip(image.size, (width, height), step, strict=True):
        assert pixels * one == pytest.approx(full)


@pytest.mark.parametrize("side", [100, 256, 333, 640, 1100])
def test_a_sized_copy_shows_everything_where_it_is(side: int) -> None:
    full = slope(601, 399)
    image, (across, down) = Copies(Image.fromarray(full)).sized(side)
    red, green, _ = np.moveaxis(np.asarray(image).astype(float), -1, 0)
    per_pixel = 255 / 601, 255 / 399
    for values, step, slant, axis in ((red, across, per_pixel[0], 0), (green, down, per_pixel[1], 1)):
        places = (np.arange(values.shape[1 - axis]) + 0.5) * step - 0.5
        error = (values.mean(axis=axis) - places * slant)[3:-3]
        assert np.abs(error).max() < 1.5, "each of three steps rounds"
        assert abs(error.mean()) < 0.5
