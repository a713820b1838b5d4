"""Arrays of every layout and kind of number become pictures, by the rules that are documented."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from image_samples import colours

from rembolt.errors import ImageTooLargeError, UnsupportedImageError
from rembolt.images.arrays import picture_from_array

RGB = colours()


class TestLayouts:
    def test_rgb(self):
        picture = picture_from_array(RGB)
        assert np.array_equal(picture.pixels, RGB)
        assert picture.alpha is None
        assert picture.format is None

    @pytest.mark.parametrize("shape", [(24, 32), (24, 32, 1)])
    def test_grey(self, shape):
        grey = RGB[:, :, 0].reshape(shape)
        picture = picture_from_array(grey)
        assert np.array_equal(picture.pixels, np.repeat(grey.reshape(24, 32, 1), 3, axis=2))
        assert picture.alpha is None

    def test_grey_and_alpha(self):
        picture = picture_from_array(RGB[:, :, :2])
        assert np.array_equal(picture.pixels, np.repeat(RGB[:, :, :1], 3, axis=2))
        assert np.array_equal(picture.alpha, RGB[:, :, 1])

    def test_rgba(self):
        rgba = np.dstack([RGB, RGB[:, :, 0]])
        picture = picture_from_array(rgba)
        assert np.array_equal(picture.pixels, RGB)
        assert np.array_equal(picture.alpha, RGB[:, :, 0])

    def test_opaque_alpha_is_none(self):
        assert picture_from_array(np.dstack([RGB, np.full((24, 32), 255, np.uint8)])).alpha is None

    @pytest.mark.parametrize("shape", [(5,), (5, 6, 5), (2, 5, 6, 3), ()])
    def test_other_shapes(self, shape):
        with pytest.raises(UnsupportedImageError, match="shape"):
            picture_from_array(np.zeros(shape, np.uint8))

    @pytest.mark.parametrize("shape", [(0, 5), (5, 0, 3), (0, 0, 4)])
    def test_no_pixels(self, shape):
        with pytest.raises(UnsupportedImageError, match="no pixels"):
            picture_from_array(np.zeros(shape, np.uint8))

    def test_too_many_pixels(self):
        huge = np.broadcast_to(np.uint8(0), (20_000, 20_000, 3))
        with pytest.raises(ImageTooLargeError, match="20000 x 20000"):
            picture_from_array(huge)

    def test_not_an_array(self):
        with pytest.raises(UnsupportedImageError, match="list"):
            picture_from_array([[1, 2], [3, 4]])


class TestMemory:
    @pytest.mark.parametrize(
        "view",
        [
            RGB[::-1],
            RGB[:, ::-1],
            RGB[:, :, ::-1],
            RGB[::2, 1::3],
            np.asfortranarray(RGB),
            RGB.transpose(1, 0, 2),
            np.broadcast_to(RGB[:1], RGB.shape),
            np.rot90(RGB),
        ],
        ids=["upside down", "mirrored", "bgr", "sliced", "fortran", "transposed", "broadcast", "rotated"],
    )
    def test_any_strides(self, view):
        assert np.array_equal(picture_from_array(view).pixels, view)

    def test_read_only(self):
        array = RGB.copy()
        array.flags.writeable = False
        assert np.array_equal(picture_from_array(array).pixels, RGB)

    @pytest.mark.parametrize("channels", [3, 4])
    def test_neither_changed_nor_shared(self, channels):
        array = np.dstack([RGB, RGB[:, :, 0]])[:, :, :channels].copy()
        before = array.copy()
        picture = picture_from_array(array)
        assert np.array_equal(array, before)
        array[:] = 7
        assert np.array_equal(picture.pixels, RGB)
        if channels == 4:
            assert np.array_equal(picture.alpha, before[:, :, 3])

    @pytest.mark.parametrize("dtype", [">u2", "<u2", ">f4", "<f8", ">i4"])
    def test_any_byte_order(self, dtype):
        values = np.array([[0, 1, 1]], dtype)
        native = values.astype(values.dtype.newbyteorder("="))
        assert np.array_equal(picture_from_array(values).pixels, picture_from_array(native).pixels)


class TestNumbers:
    @staticmethod
    def levels(values, dtype) -> list[int]:
        return picture_from_array(np.array([values], dtype)).pixels[0, :, 0].tolist()

    def test_bool(self):
        assert self.levels([False, True], bool) == [0, 255]

    def test_uint16_is_scaled_and_rounded(self):
        assert self.levels([0, 128, 129, 257, 32768, 65407, 65535], np.uint16) == [0, 0, 1, 1, 128, 255, 255]

    @pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64, np.uint32, np.uint64])
    def test_other_integers_are_levels(self, dtype):
        assert self.levels([0, 7, 255], dtype) == [0, 7, 255]

    def test_int8_reaches_127(self):
        assert self.levels([0, 127], np.int8) == [0, 127]

    @pytest.mark.parametrize(
        ("value", "dtype"), [(256, np.int32), (-1, np.int64), (2**40, np.uint64), (-1, np.int8)]
    )
    def test_integers_out_of_range(self, value, dtype):
        with pytest.raises(UnsupportedImageError, match=r"must lie in \[0, 255\]"):
            picture_from_array(np.array([[0, value]], dtype))

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
    def test_floats_are_parts_of_one(self, dtype):
        assert self.levels([0, 0.25, 0.5, 1], dtype) == [0, 64, 128, 255]

    @pytest.mark.parametrize("value", [1.01, -0.01, 255.0, float("nan"), float("inf"), float("-inf")])
    def test_floats_out_of_range(self, value):
        with pytest.raises(UnsupportedImageError, match=r"must lie in \[0, 1\]"):
            picture_from_array(np.array([[0.5, value]]))

    @pytest.mark.parametrize("dtype", [complex, object, "U5", "S5", "datetime64[s]", [("r", "u1")]])
    def test_what_is_not_a_number(self, dtype):
        with pytest.raises(UnsupportedImageError):
            picture_from_array(np.zeros((3, 4), dtype))


@settings(max_examples=200)
@given(st.data())
def test_every_array_gives_its_pixels_or_one_of_our_errors(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6))
    dtype = data.draw(
        hnp.boolean_dtypes() | hnp.integer_dtypes() | hnp.unsigned_integer_dtypes() | hnp.floating_dtypes()
    )
    array = data.draw(hnp.arrays(dtype, shape))
    steps = data.draw(st.tuples(*[st.sampled_from([1, 2, -1, -2])] * len(shape)))
    view = array[tuple(slice(None, None, step) for step in steps)]
    try:
        picture = picture_from_array(view)
    except UnsupportedImageError:
        return
    assert picture.pixels.shape == (*view.shape[:2], 3)
    if view.dtype == np.uint8 and view.ndim == 3 and view.shape[2] >= 3:
        assert np.array_equal(picture.pixels, view[:, :, :3])
