"""Anything at all given to `remove`: a right result or one of our errors, never another exception."""

from __future__ import annotations

import io
import random
import warnings
from contextlib import suppress
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import rembolt
from rembolt.errors import InputError, RemboltError
from rembolt.setting import settings_of
from rembolt.settings import GROUPS, SessionOptions, names_of


def examples(number: int) -> settings:
    """Settings for a machine of any speed."""
    return settings(
        max_examples=number,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@pytest.fixture(scope="module")
def remover() -> rembolt.Remover:
    """The embedded model, fast enough to be asked a thousand times."""
    return rembolt.Remover()


# --- arrays

SIDES = st.integers(2, 40)
SHAPES = st.one_of(
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9),
    *[st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES, st.integers(1, 4))] * 2,
)
DTYPES = st.one_of(
    st.sampled_from([np.dtype(np.uint8)] * 3 + [np.dtype(bool), np.dtype(np.uint16), np.dtype(np.float32)]),
    hnp.scalar_dtypes(),
    hnp.byte_string_dtypes(max_len=3),
    hnp.unicode_string_dtypes(max_len=3),
    st.just(np.dtype(object)),
)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """Arrays of any kind, laid out in any way."""
    dtype, shape = draw(DTYPES), draw(SHAPES)
    source = random.Random(draw(st.integers(0, 1000)))
    size = int(np.prod(shape))
    if dtype.hasobject:
        things = [None, 1, 0.5, "a", [1], float("nan")]
        array = np.empty(size, object)
        array[:] = [source.choice(things) for _ in range(size)]
    elif dtype.kind == "f" and draw(st.booleans()):  # mostly photos, sometimes with one odd value
        array = np.array([source.random() for _ in range(size)], dtype)
        if size and draw(st.integers(0, 3)) == 0:
            array[source.randrange(size)] = draw(st.sampled_from([np.nan, np.inf, -np.inf, -1e-3, 1.5]))
    elif dtype.kind in "iu" and draw(st.integers(0, 3)):
        array = np.array([source.randrange(128) for _ in range(size)], dtype)
    else:
        array = np.frombuffer(source.randbytes(size * dtype.itemsize), np.uint8).copy()
        array = array.view(dtype) if dtype.itemsize else np.zeros(size, dtype)
        if dtype.kind == "U":  # random bytes are no characters
            array = np.full(size, "x", dtype)
        if dtype.kind == "b":
            array = array.view(np.uint8) % 2 == 1
    array = array.reshape(shape)
    layout = draw(st.sampled_from(["plain", "fortran", "reversed", "stepped", "read-only", "transposed"]))
    if layout == "fortran":
        array = np.asfortranarray(array)
    elif layout == "reversed" and array.ndim >= 2:
        array = array[::-1, ::-1]
    elif layout == "stepped" and array.ndim >= 2:
        array = array[::2, 1::2]
    elif layout == "transposed" and array.ndim >= 2:
        array = array.swapaxes(0, 1)
    elif layout == "read-only":
        array.flags.writeable = False
    return array


def is_photo(array: np.ndarray) -> bool:
    """What the documentation of `picture_from_array` promises to take."""
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 2, 3, 4))) or not array.size:
        return False
    kind = array.dtype.kind
    if kind == "b" or array.dtype.newbyteorder("=") in (np.uint8, np.uint16):
        return True
    if kind in "iu":
        return bool(array.min() >= 0 and array.max() <= 255)
    with warnings.catch_warnings(action="ignore"):
        return kind == "f" and bool(array.min() >= 0 and array.max() <= 1)


@pytest.mark.filterwarnings("error")
@examples(250)
@given(array=arrays())
def test_any_array(remover, array):
    before = array.copy()
    if not is_photo(array):
        with pytest.raises(InputError):
            remover.remove(array)
        return
    result = remover.remove(array)
    assert type(result) is np.ndarray
    assert result.dtype == np.uint8
    assert result.shape == (*array.shape[:2], 4)
    assert np.array_equal(array, before)
    assert np.array_equal(remover.remove(np.ascontiguousarray(array)), result)


def test_a_single_number_exactly(remover):
    with pytest.raises(InputError):
        remover.remove(np.array(5, np.uint8), exact=True)


@examples(150)
@given(array=arrays().filter(lambda array: array.ndim > 0), only_mask=st.booleans())
def test_any_array_exactly(remover, array, only_mask):
    try:
        result = remover.remove(array, exact=True, only_mask=only_mask)
    except InputError:
        # rembg's own way takes these, whatever their values.
        assert array.dtype != np.uint8 or array.ndim not in (2, 3) or not array.size or is_odd(array.shape)
        return
    assert type(result) is np.ndarray
    assert result.dtype == np.uint8
    assert result.ndim == (2 if only_mask else 3)
    if array.ndim >= 2:
        assert result.shape[:2] == array.shape[:2]


def is_odd(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[2] not in (3, 4)


# --- options

SETTINGS = settings_of(*GROUPS)
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-5, 300),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.lists(st.one_of(st.integers(-5, 300), st.floats(), st.text(max_size=3)), max_size=5),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    st.just([{"type": "point", "data": [1, 2], "label": 1}]),
)


FLOATS = {name for name, setting in SETTINGS.items() if setting.kind == "float"}
TEXTS = {
    "background": ("red", "blur", "#12345678", "nothing of the kind"),
    "crop_margin": ("0", "3px", "50% 2px", "100% 0 1px 7%"),
    "scale": ("original", "10%", "77.7%", "100%"),
    "position": ("original", "center", "0%", "100% 33%"),
}
"""Options that are text with a form of its own."""


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    """Mostly right options, with wrong names and values among them."""
    chosen = {}
    # Weights that are not there would be downloaded; matting is slow and tested elsewhere.
    names = sorted(SETTINGS.keys() - {"model", "model_path", "sam_model", "sam_quant", "offline", "vitmatte"})
    for name in draw(st.lists(st.sampled_from(names), max_size=4, unique=True)):
        setting = SETTINGS[name]
        if draw(st.integers(0, 9)) == 9:
            value = draw(JUNK)
        elif name == "bgcolor":
            value = draw(st.lists(st.integers(0, 255), min_size=3, max_size=4))
        elif name in TEXTS:
            value = draw(st.sampled_from(TEXTS[name]))
            if name == "crop_margin":
                chosen["crop"] = True
        elif name == "sam_prompt":
            value = [{"type": "rectangle", "data": [1, 2, 10, 12]}]
        elif name == "vitmatte_model":
            value = None
        elif setting.choices:
            value = draw(st.sampled_from(setting.choices))
        elif name in FLOATS:
            value = draw(st.floats(setting.minimum, setting.maximum))
        elif setting.minimum is not None:
            value = draw(st.integers(setting.minimum, min(setting.maximum or 10**6, 10**6)))
        else:
            value = draw(st.booleans())
        if (name, value) == ("alpha_matting", True) or name == "threads":
            continue
        chosen[name] = value
    if draw(st.integers(0, 9)) == 0:
        chosen[draw(st.text(max_size=8))] = draw(JUNK)
    return chosen


PHOTO = np.random.default_rng(5).integers(0, 256, (24, 31, 3), dtype=np.uint8)
MAGIC = {"png": b"\x89PNG", "webp": b"RIFF", "jpg": b"\xff\xd8\xff", "avif": b"\0\0\0", "zip": b"PK\3\4"}


@examples(300)
@given(chosen=options())
def test_any_options(chosen):
    buffer = io.BytesIO()
    Image.fromarray(PHOTO).save(buffer, "PNG")
    try:
        pixels = rembolt.remove(PHOTO, **chosen)
        data = rembolt.remove(buffer.getvalue(), **chosen)
    except RemboltError:
        return
    assert chosen.keys() <= set(names_of(*GROUPS))
    assert pixels.dtype == np.uint8
    assert pixels.ndim == (2 if chosen.get("only_mask") else 3)
    assert pixels.shape[2:] == (() if chosen.get("only_mask") else (4,))
    if not chosen.get("crop"):
        assert pixels.shape[:2] == (24, 31)
    assert type(data) is bytes
    assert data.startswith(MAGIC[chosen.get("format", "png")])


@examples(100)
@given(name=st.text(max_size=12), value=JUNK)
def test_any_name_is_an_option_or_refused(name, value):
    if name in names_of(*GROUPS) or name in ("session", "image", "cc"):
        return
    with pytest.raises(RemboltError, match="option"):
        rembolt.remove(PHOTO, **{name: value})


@examples(150)
@given(value=JUNK, name=st.sampled_from(sorted(names_of(SessionOptions))))
def test_any_value_of_a_session_option(name, value):
    if name == "threads" and isinstance(value, int) and value > 4:
        value = -value
    with suppress(RemboltError):
        assert rembolt.Remover(**{"offline": True, name: value}).model


# --- encoded images


def encoded() -> dict[str, bytes]:
    files = {}
    for format_name in ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "GIF"):
        buffer = io.BytesIO()
        Image.fromarray(PHOTO).save(buffer, format_name)
        files[format_name] = buffer.getvalue()
    return files


FILES = encoded()


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """An image file with a few bytes changed, cut out or put in; its first bytes mostly stay."""
    data = bytearray(FILES[draw(st.sampled_from(sorted(FILES)))])
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0 if draw(st.integers(0, 9)) == 0 else 12, len(data)))
        change = draw(st.sampled_from(["set", "cut", "insert", "remove"]))
        some = draw(st.binary(min_size=1, max_size=4))
        if change == "set":
            data[place : place + len(some)] = some
        elif change == "insert":
            data[place:place] = some
        elif change == "remove":
            del data[place : place + draw(st.integers(1, 20))]
        elif draw(st.booleans()):
            del data[place:]
        if len(data) < 12:
            break
    return bytes(data)


@examples(400)
@given(data=mutated(), exact=st.booleans())
def test_mutated_files(remover, data, exact):
    try:
        # A changed header may ask for anything; this is enough to find out how it is taken.
        result = remover.remove(data, exact=exact, max_pixels=1_000_000)
    except InputError:
        return
    assert type(result) is bytes
    with Image.open(io.BytesIO(result)) as image:
        assert image.mode == "RGBA"
        image.load()


@examples(100)
@given(data=st.binary(max_size=200))
def test_any_bytes(remover, data):
    with pytest.raises(InputError):
        remover.remove(data)
