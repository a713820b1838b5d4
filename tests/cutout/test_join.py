"""Mask, alpha and colours in one pass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rembolt.cutout.join import MultipliedRows, StraightRows
from rembolt.images import bands
from rembolt.images.rows import whole


@pytest.fixture(params=[1, 3], autouse=True)
def _cores(request, monkeypatch) -> None:
    monkeypatch.setattr(bands, "own_cores", lambda: request.param)


def straight_rgba(*args, **kwargs) -> np.ndarray:
    return whole(StraightRows(*args, **kwargs))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, dtype=np.uint8)


def test_colours_stay_straight_and_hidden_ones_go() -> None:
    image = Image.new("RGB", (3, 1), (200, 100, 50))
    alpha = Image.fromarray(np.array([[0, 128, 255]], np.uint8))
    assert straight_rgba(image, alpha).tolist() == [[[0, 0, 0, 0], [200, 100, 50, 128], [200, 100, 50, 255]]]


def test_hidden_colours_can_be_kept() -> None:
    image = Image.new("RGB", (1, 1), (200, 100, 50))
    assert straight_rgba(image, Image.new("L", (1, 1)), keep_hidden=True).tolist() == [[[200, 100, 50, 0]]]


def test_the_photos_own_alpha_is_multiplied_in() -> None:
    pixels, own = noise(300, 200, 3), noise(300, 200)
    mask = Image.new("L", (8, 8), 255)
    rgba = straight_rgba(Image.fromarray(pixels), mask, own)
    assert np.array_equal(rgba[..., 3], own)
    assert np.array_equal(rgba[own > 0][:, :3], pixels[own > 0])
    assert not rgba[own == 0].any()


def blobs(width: int, height: int, seed: int) -> Image.Image:
    """A mask with empty parts: a few rectangles, soft and hard."""
    random = np.random.default_rng(seed)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(seed % 4):
        top, left = random.integers(0, height), random.integers(0, width)
        part = mask[top : top + random.integers(1, height + 1), left : left + random.integers(1, width + 1)]
        part[...] = random.integers(1, 256, part.shape) if random.random() < 0.5 else 255
    return Image.fromarray(mask)


@settings(max_examples=60, deadline=None)
@given(
    small=st.tuples(st.integers(1, 64), st.integers(1, 64)),
    large=st.tuples(st.integers(1, 500), st.integers(1, 500)),
    seed=st.integers(0, 1000),
    keep=st.booleans(),
)
def test_it_is_what_the_steps_give_one_by_one(small, large, seed, keep) -> None:
    pixels = noise(large[1], large[0], 3)
    mask = blobs(*small, seed)
    alpha = np.asarray(mask.resize(large, Image.Resampling.BICUBIC))
    rgba = straight_rgba(Image.fromarray(pixels), mask, keep_hidden=keep)
    assert np.array_equal(rgba[..., 3], alpha)
    seen = np.ones_like(alpha, bool) if keep else alpha > 0
    assert np.array_equal(rgba[seen][:, :3], pixels[seen])
    assert not rgba[~seen].any()


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "CMYK", "1"])
@pytest.mark.parametrize("size", [(200, 300), (1, 1), (7, 129)])
def test_the_multiplied_cut_out_is_pillows(mode: str, size: tuple[int, int]) -> None:
    image = Image.fromarray(noise(size[1], size[0], 4)).convert(mode)
    mask = Image.fromarray(noise(size[1], size[0]))
    expected = Image.composite(image, Image.new("RGBA", size, 0), mask)
    assert np.array_equal(whole(MultipliedRows(image, mask)), np.asarray(expected))
