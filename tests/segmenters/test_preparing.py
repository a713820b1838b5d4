"""From a picture to a tensor: rembg's bits in exact mode, the same numbers in standard mode."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from rembolt.models.catalogue import MODELS, find_model
from rembolt.segmenters.affine import scale_about_origin
from rembolt.segmenters.prepare import normalise, prepare


def in_float64(pixels: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """rembg's arithmetic, without tables."""
    scaled = pixels / max(np.max(pixels), 1e-6)
    channels = [(scaled[:, :, c] - mean[c]) / std[c] for c in range(3)]
    return np.stack(channels).astype(np.float32)


@pytest.mark.parametrize("name", ["u2netp", "isnet-general-use", "isnet-anime", "bria-rmbg"])
@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
@settings(max_examples=40)
def test_tables_give_the_bits_of_float64(name: str, pixels: np.ndarray) -> None:
    spec = find_model(name)
    assert np.array_equal(normalise(pixels, spec), in_float64(pixels, spec.mean, spec.std))


def test_bolt_divides_by_255_so_that_dark_photos_stay_dark() -> None:
    bolt = find_model("bolt")
    dark = np.full((2, 2, 3), 51, np.uint8)
    assert normalise(dark, bolt)[0, 0, 0] == pytest.approx((0.2 - bolt.mean[0]) / bolt.std[0])


@pytest.mark.parametrize(
    "spec", [m for m in MODELS.values() if m.family in ("saliency", "cloth")], ids=lambda m: m.name
)
def test_every_model_gets_its_input_size(spec: object, cat: Image.Image) -> None:
    width, height = spec.input_size
    tensor = prepare(cat, spec, exact=False)
    assert tensor.shape == (1, 3, height, width)
    assert tensor.dtype == np.float32


def test_the_standard_way_sees_nearly_the_same_picture(cat: Image.Image) -> None:
    large = cat.resize((3000, 2000), Image.Resampling.BICUBIC)
    spec = find_model("bolt")
    exact, standard = (prepare(large, spec, exact=exact) for exact in (True, False))
    levels = np.abs(exact - standard) * np.array(spec.std).reshape(3, 1, 1) * 255
    assert levels.mean() < 0.5
    assert levels.max() < 12


@given(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=3, max_side=20)),
    st.floats(0.05, 8),
    st.tuples(st.integers(1, 30), st.integers(1, 30)),
)
@settings(max_examples=150)
def test_scaling_is_that_of_scipy(pixels: np.ndarray, factor: float, shape: tuple[int, int]) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    inverse = np.linalg.inv(np.diag([factor, factor, 1.0]))[0, 0]
    columns, rows = np.meshgrid(inverse * np.arange(shape[1]), inverse * np.arange(shape[0]))

    def sampled(channel: np.ndarray) -> np.ndarray:
        return ndimage.map_coordinates(
            channel.astype(np.float64), [rows, columns], order=1, mode="constant"
        ).astype(pixels.dtype)

    channels = [pixels] if pixels.ndim == 2 else [pixels[..., c] for c in range(pixels.shape[2])]
    expected = np.stack([sampled(channel) for channel in channels], axis=-1)
    assert np.array_equal(scale_about_origin(pixels, factor, shape).reshape(expected.shape), expected)
