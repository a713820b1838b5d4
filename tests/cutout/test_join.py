"""Mask, alpha and colours in one pass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rembolt.cutout.foreground import SIDE, Colours, Recolour, foreground
from rembolt.cutout.guided import OPEN, Guided, Lines
from rembolt.cutout.join import MultipliedRows, StraightRows
from rembolt.cutout.small import Copies
from rembolt.images import bands
from rembolt.images.enlarge import Enlarged
from rembolt.images.rows import whole


@pytest.fixture(params=[1, 3], autouse=True)
def _cores(request, monkeypatch) -> None:
    monkeypatch.setattr(bands, "own_cores", lambda: request.param)


def straight_rgba(image: Image.Image, mask: Image.Image, *args, **kwargs) -> np.ndarray:
    alpha = Enlarged(mask, image.size, Image.Resampling.BICUBIC)
    return whole(StraightRows(image, alpha, *args, **kwargs))


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


@settings(max_examples=60)
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


def guided(image: Image.Image, step: float, seed: int) -> Guided:
    """An alpha of lines, open in most places of a grid of blobs."""
    grid = tuple(max(1, int(-(-side // step))) for side in image.size)
    levels = np.array(blobs(*grid, seed))
    levels[(levels > 0) & (levels < 255)] = OPEN
    random = np.random.default_rng(seed)
    coefficients = np.zeros((4, *levels.shape), np.float32)
    coefficients[:3, levels == OPEN] = random.normal(0, 0.7, (3, np.count_nonzero(levels == OPEN)))
    coefficients[3] = levels
    return Guided(image, Lines(coefficients, levels, (step, step)))


@settings(max_examples=60)
@given(
    size=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    step=st.sampled_from([1.0, 2.0, 5.0, 7.3, 40.0]),
    seed=st.integers(0, 1000),
    keep=st.booleans(),
)
def test_an_alpha_of_lines_is_joined_likewise(size, step, seed, keep) -> None:
    pixels = noise(size[1], size[0], 3)
    image = Image.fromarray(pixels)
    alpha = guided(image, step, seed)
    expected = alpha.whole().astype(int)
    rgba = whole(StraightRows(image, alpha, keep_hidden=keep))
    # Other columns at once may round the middle of two levels otherwise.
    assert np.abs(rgba[..., 3] - expected).max() <= 1
    assert np.mean(rgba[..., 3] != expected) <= 0.001 + 1 / expected.size
    seen = np.ones_like(expected, bool) if keep else rgba[..., 3] > 0
    assert np.array_equal(rgba[seen][:, :3], pixels[seen])
    assert not rgba[~seen].any()


@pytest.mark.parametrize("size", [(300, 290), (1, 1), (700, 3), (2, 555)])
@pytest.mark.parametrize("keep", [False, True])
def test_soft_pixels_get_the_foregrounds_colours_and_others_keep_theirs(size, keep) -> None:
    pixels = noise(size[1], size[0], 3)
    image = Image.fromarray(pixels)
    mask = blobs(*size, 3)
    small = Copies(image).at(SIDE)
    shown = np.asarray(mask.resize(small.image.size, Image.Resampling.BOX))
    recolour = Recolour.estimated(small, shown, size)
    rgba = straight_rgba(image, mask, keep_hidden=keep, recolour=recolour)
    alpha = np.asarray(mask)
    seen = np.ones_like(alpha, bool) if keep else alpha > 0
    assert np.array_equal(rgba[..., 3], alpha)
    assert np.array_equal(rgba[seen][:, :3], np.asarray(foreground(image, mask))[seen])
    assert not rgba[~seen].any()


def test_the_photos_own_alpha_does_not_soften_what_is_recoloured() -> None:
    """Only the mask tells a mix of colours; the photo's own alpha says nothing about it."""
    pixels, own = noise(60, 80, 3), np.full((60, 80), 100, np.uint8)
    image, mask = Image.fromarray(pixels), Image.new("L", (80, 60), 255)
    recolour = Recolour(Colours(np.zeros((6, 60, 80), np.float32), (1.0, 1.0)), image.size)
    rgba = straight_rgba(image, mask, own, recolour=recolour)
    assert np.array_equal(rgba[..., :3], pixels)
    assert (rgba[..., 3] == 100).all()


class CountedReads(np.ndarray):
    """An array that counts how often rows are taken from it."""

    reads = 0

    def __getitem__(self, key):
        CountedReads.reads += isinstance(key, tuple) and isinstance(key[-1], slice)
        return np.asarray(self)[key]


@pytest.mark.parametrize(
    ("left", "right", "reads"), [(255, 255, 0), (0, 0, 0), (255, 90, 1), (90, 255, 1), (90, 90, 1)]
)
def test_the_copys_rows_are_read_for_soft_pixels_only_and_once(left: int, right: int, reads: int) -> None:
    """Both sides of what is opaque share them."""
    alpha = np.full((50, 90), 255, np.uint8)
    alpha[:, :30], alpha[:, 60:] = left, right
    values = np.full((6, 5, 9), 40, np.float32).view(CountedReads)
    recolour = Recolour(Colours(values, (10.0, 10.0)), (90, 50))
    CountedReads.reads = 0
    rgba = straight_rgba(Image.fromarray(noise(50, 90, 3)), Image.fromarray(alpha), recolour=recolour)
    assert np.array_equal(rgba[..., 3], alpha)
    assert CountedReads.reads == reads


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "CMYK", "1"])
@pytest.mark.parametrize("size", [(200, 300), (1, 1), (7, 129)])
def test_the_multiplied_cut_out_is_pillows(mode: str, size: tuple[int, int]) -> None:
    image = Image.fromarray(noise(size[1], size[0], 4)).convert(mode)
    mask = Image.fromarray(noise(size[1], size[0]))
    expected = Image.composite(image, Image.new("RGBA", size, 0), mask)
    assert np.array_equal(whole(MultipliedRows(image, mask)), np.asarray(expected))
