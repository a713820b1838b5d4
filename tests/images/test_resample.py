"""The same pixels as Pillow's, whatever the sizes and however many threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from rembolt.images import bands, resample

FILTER = Image.Resampling.LANCZOS


def noise(mode: str, width: int, height: int) -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    shape = (height, width, channels) if channels > 1 else (height, width)
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8), mode)


def check(mode: str, size: tuple[int, int], new_size: tuple[int, int]) -> None:
    image = noise(mode, *size)
    ours = resample.resize(image, new_size, FILTER)
    assert ours.mode == mode
    assert np.array_equal(np.asarray(ours), np.asarray(image.resize(new_size, FILTER)))


@pytest.fixture(autouse=True)
def _always_in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resample, "WORTH", 0)
    monkeypatch.setattr(bands, "own_cores", lambda: 3)


sides = st.integers(1, 700)


@settings(max_examples=60, deadline=None)
@given(size=st.tuples(sides, sides), new_size=st.tuples(sides, sides), mode=st.sampled_from(["L", "RGB"]))
@example((320, 320), (640, 600), "L")
@example((64, 32), (900, 3000), "L")
@example((320, 320), (33, 1999), "L")
@example((500, 1000), (500, 320), "RGB")
@example((333, 1024), (320, 320), "RGB")
@example((300, 600), (320, 1800), "RGB")
def test_any_sizes(size: tuple[int, int], new_size: tuple[int, int], mode: str) -> None:
    check(mode, size, new_size)


@pytest.mark.parametrize(
    ("width", "height"), [(4000, 3000), (1920, 1080), (4032, 3024), (1003, 2003), (3024, 4032), (1441, 961)]
)
def test_sizes_of_cameras(width: int, height: int) -> None:
    check("L", (320, 320), (width, height))
    check("RGB", (width, height), (320, 320))
