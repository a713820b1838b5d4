"""The PNG writer: any reader gets the same pixels back, quickly and in few bytes."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_samples import colours, png_chunks, wide_gamut_profile
from PIL import Image, ImageDraw, ImageFilter

from rembolt.errors import UsageError
from rembolt.images import png
from rembolt.images.png import encode_png
from rembolt.images.png_filter import FILTERS, Neighbours


def read_with_pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def read_by_the_book(data: bytes) -> tuple[np.ndarray, set[int]]:
    """Decode a PNG as its specification says, byte by byte; returns the pixels and the filters used."""
    chunks = png_chunks(data)
    header = chunks[0][1]
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    step = {0: 1, 2: 3, 4: 2, 6: 4}[header[9]]
    raw = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    row = width * step
    assert len(raw) == height * (row + 1)
    above, rows, used = bytes(row), [], set()
    for start in range(0, len(raw), row + 1):
        kind, line = raw[start], bytearray(raw[start + 1 : start + 1 + row])
        used.add(kind)
        for i in range(row):
            a = line[i - step] if i >= step else 0
            b = above[i]
            c = above[i - step] if i >= step else 0
            line[i] = (line[i] + predicted(kind, a, b, c)) & 255
        rows.append(bytes(line))
        above = line
    return np.frombuffer(b"".join(rows), np.uint8).reshape(height, width, step), used


def predicted(kind: int, a: int, b: int, c: int) -> int:
    if kind == 4:
        p = a + b - c
        distances = abs(p - a), abs(p - b), abs(p - c)
        return (a, b, c)[distances.index(min(distances))]
    return (0, a, b, (a + b) // 2)[kind]


def cutout_like(height: int, width: int) -> np.ndarray:
    """A textured subject in the middle of transparent nothing."""
    noise = np.random.default_rng(5).normal(0, 3, (height, width, 3))
    y, x = np.mgrid[:height, :width]
    base = colours(height, width) + 20 * np.sin(x / 9)[:, :, None] + 15 * np.cos(y / 7)[:, :, None] + noise
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).ellipse([width * 0.2, height * 0.1, width * 0.8, height * 0.9], fill=255)
    alpha = np.asarray(mask.filter(ImageFilter.GaussianBlur(2)))
    pixels = np.dstack([np.clip(base, 0, 255).astype(np.uint8), alpha])
    pixels[alpha == 0] = 0
    return pixels


class TestPixels:
    @pytest.mark.parametrize("level", [1, 2, 6])
    @pytest.mark.parametrize(
        "shape", [(1, 1), (7, 5), (7, 5, 1), (7, 5, 2), (7, 5, 3), (7, 5, 4), (1, 300, 4), (300, 1, 3)]
    )
    def test_every_layout(self, shape, level):
        pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        assert np.array_equal(
            read_with_pillow(encode_png(pixels, level=level)),
            np.squeeze(pixels, 2) if shape[2:] == (1,) else pixels,
        )

    @settings(max_examples=60)
    @given(
        st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4)),
        st.integers(0, 2**32 - 1),
        st.sampled_from([1, 2]),
        st.tuples(st.integers(0, 20), st.integers(0, 20)),
    )
    def test_the_specification_agrees(self, shape, seed, level, margins):
        random = np.random.default_rng(seed)
        pixels = random.integers(0, random.choice([2, 8, 256]), shape, dtype=np.uint8)
        pixels[: margins[0]] = 0
        pixels[:, : margins[1]] = 0
        data = encode_png(pixels, level=level)
        again, _ = read_by_the_book(data)
        assert np.array_equal(again, pixels)
        assert np.array_equal(read_with_pillow(data).reshape(shape), pixels)

    def test_bands_and_segments_join_without_a_seam(self, monkeypatch):
        monkeypatch.setattr(png, "_BAND_BYTES", 1000)
        monkeypatch.setattr(png, "_SEGMENT_BYTES", 5000)
        pixels = cutout_like(120, 90)
        for threads in (1, 2, 5):
            data = encode_png(pixels, threads=threads)
            again, used = read_by_the_book(data)
            assert np.array_equal(again, pixels)
            assert len(used) > 1

    def test_rows_longer_than_a_band(self):
        pixels = np.random.default_rng(0).integers(0, 256, (3, 200_000, 4), dtype=np.uint8)
        assert np.array_equal(read_with_pillow(encode_png(pixels)), pixels)

    def test_the_bytes_do_not_depend_on_the_threads(self):
        pixels = cutout_like(1800, 2400)
        assert encode_png(pixels, threads=1) == encode_png(pixels, threads=2)

    @pytest.mark.parametrize(
        "view",
        [
            lambda a: a[::-1],
            lambda a: a[:, ::-1],
            lambda a: a[::2, ::3],
            lambda a: a[:, :, 3],
            np.asfortranarray,
        ],
    )
    def test_any_strides(self, view):
        pixels = view(cutout_like(60, 50))
        assert np.array_equal(read_with_pillow(encode_png(pixels)), pixels)

    def test_all_empty(self):
        pixels = np.zeros((1000, 1000, 4), np.uint8)
        data = encode_png(pixels)
        assert np.array_equal(read_with_pillow(data), pixels)
        assert len(data) < 10_000

    def test_the_input_is_not_changed(self):
        pixels = cutout_like(60, 50)
        before = pixels.copy()
        encode_png(pixels)
        assert np.array_equal(pixels, before)


@pytest.mark.parametrize("kind", FILTERS)
def test_filters_match_the_specification_for_every_neighbourhood(kind):
    values = np.array([0, 1, 2, 3, 64, 127, 128, 129, 200, 253, 254, 255], np.uint8)
    corner, above, left, here = (grid.reshape(-1) for grid in np.meshgrid(values, values, values, values))
    # Each row of two pixels holds one neighbourhood.
    top = np.stack([corner, above], axis=1)[:, :, None]
    bottom = np.stack([left, here], axis=1)[:, :, None]
    neighbours = Neighbours(1, 2, 1)
    out = np.empty((1, 2), np.uint8)
    for number in range(0, len(here), 7):
        neighbours.load(bottom[number][None], top[number])
        FILTERS[kind](neighbours, out)
        a, b, c = int(left[number]), int(above[number]), int(corner[number])
        assert out[0, 1] == (int(here[number]) - predicted(kind, a, b, c)) & 255


class TestFile:
    def test_profile(self):
        with Image.open(io.BytesIO(encode_png(colours(), icc_profile=wide_gamut_profile()))) as image:
            image.load()
            assert image.info["icc_profile"] == wide_gamut_profile()

    def test_no_profile(self):
        assert {kind for kind, _ in png_chunks(encode_png(colours()))} == {b"IHDR", b"IDAT", b"IEND"}

    @pytest.mark.parametrize(
        "pixels",
        [
            np.zeros((3, 3), np.uint16),
            np.zeros((3, 3, 5), np.uint8),
            np.zeros((0, 3), np.uint8),
            np.zeros(3, np.uint8),
        ],
    )
    def test_what_is_no_picture(self, pixels):
        with pytest.raises(UsageError):
            encode_png(pixels)

    @pytest.mark.parametrize("level", [-1, 0, 10])
    def test_level_out_of_range(self, level):
        with pytest.raises(UsageError, match="1 to 9"):
            encode_png(colours(), level=level)

    def test_about_as_small_as_pillows(self):
        pixels = cutout_like(900, 1200)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        assert len(encode_png(pixels)) < buffer.tell() * 1.15
        assert len(encode_png(pixels, level=9)) <= len(encode_png(pixels))
