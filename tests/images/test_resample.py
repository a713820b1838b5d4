"""The same pixels as Pillow's, whatever the sizes and however many threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from rembolt.images import bands, resample
from rembolt.images.enlarge import Enlarged
from rembolt.segmenters.prepare import GAP, reduced

LANCZOS = Image.Resampling.LANCZOS
FILTERS = [LANCZOS, Image.Resampling.BICUBIC]


def noise(mode: str, size: tuple[int, int]) -> Image.Image:
    """As many black and white pixels as grey ones: their resampled values leave the range of bytes."""
    random = np.random.default_rng(0)
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    pixels = random.integers(0, 256, shape, dtype=np.uint8)
    return Image.fromarray(np.where(random.random(shape) < 0.5, pixels, pixels // 128 * np.uint8(255)))


def same(ours: Image.Image, expected: Image.Image) -> bool:
    return ours.mode == expected.mode and np.array_equal(np.asarray(ours), np.asarray(expected))


@pytest.fixture(params=[1, 3], autouse=True)
def _always_in_bands(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resample, "WORTH", 0)
    monkeypatch.setattr(bands, "own_cores", lambda: request.param)


sides = st.integers(1, 700)
sizes = st.tuples(sides, sides)
CAMERAS = [(4000, 3000), (1920, 1080), (4032, 3024), (1003, 2003), (3024, 4032), (1441, 961)]


@settings(max_examples=60)
@given(size=sizes, new_size=sizes, resampling=st.sampled_from(FILTERS))
@example((320, 320), (640, 600), LANCZOS)
@example((64, 32), (900, 3000), LANCZOS)
@example((320, 320), (33, 1999), LANCZOS)
@example((1, 1), (5, 7), LANCZOS)
@example((3, 600), (20, 30), LANCZOS)
def test_enlarging(size: tuple[int, int], new_size: tuple[int, int], resampling: Image.Resampling) -> None:
    mask = noise("L", size)
    assert same(resample.enlarge(mask, new_size, resampling), mask.resize(new_size, resampling))


@settings(max_examples=60)
@given(size=sizes, new_size=sizes, mode=st.sampled_from(["L", "RGB"]))
@example((500, 1000), (500, 320), "RGB")
@example((333, 1024), (320, 320), "RGB")
@example((300, 600), (320, 1800), "RGB")
@example((3, 600), (2, 30), "RGB")
def test_shrinking(size: tuple[int, int], new_size: tuple[int, int], mode: str) -> None:
    image = noise(mode, size)
    assert same(resample.shrink(image, new_size, LANCZOS), image.resize(new_size, LANCZOS))


@settings(max_examples=60)
@given(size=sizes, factors=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_averaging_blocks(size: tuple[int, int], factors: tuple[int, int]) -> None:
    image = noise("RGB", size)
    assert same(resample.reduce(image, factors), image.reduce(factors))


@settings(max_examples=60)
@given(size=sizes, new_size=sizes)
@example((700, 699), (20, 21))
def test_shrinking_most_of_the_way_by_blocks(size: tuple[int, int], new_size: tuple[int, int]) -> None:
    image = noise("RGB", size)
    assert same(reduced(image, new_size), image.resize(new_size, LANCZOS, reducing_gap=GAP))


@settings(max_examples=60)
@given(size=sizes, new_size=sizes, data=st.data())
def test_any_part_is_the_same_part_of_the_whole(
    size: tuple[int, int], new_size: tuple[int, int], data: st.DataObject
) -> None:
    enlarged = Enlarged(noise("L", size), new_size, LANCZOS)
    left, right = sorted(data.draw(st.tuples(*[st.integers(0, new_size[0])] * 2)))
    top, bottom = sorted(data.draw(st.tuples(*[st.integers(0, new_size[1])] * 2)))
    whole = enlarged.part(0, new_size[1], 0, new_size[0])
    assert np.array_equal(enlarged.part(top, bottom, left, right), whole[top:bottom, left:right])


@pytest.mark.parametrize("size", CAMERAS)
@pytest.mark.parametrize("network", [320, 1024])
def test_sizes_of_cameras(size: tuple[int, int], network: int) -> None:
    mask, photo = noise("L", (network, network)), noise("RGB", size)
    for resampling in FILTERS:
        assert same(resample.enlarge(mask, size, resampling), mask.resize(size, resampling))
    assert same(resample.shrink(photo, mask.size, LANCZOS), photo.resize(mask.size, LANCZOS))
