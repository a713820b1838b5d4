"""Photos nobody takes: the default model gives a sound alpha without a warning."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from rembolt import Remover, remove


def sweep(start: int, end: int) -> np.ndarray:
    """A photo without a subject: an even change from left to right."""
    levels = np.rint(np.linspace(start, end, 200)).astype(np.uint8)
    return np.broadcast_to(levels[np.newaxis, :, np.newaxis], (150, 200, 3)).copy()


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


PLAIN = {
    "black": np.zeros((150, 200, 3), np.uint8),
    "white": np.full((150, 200, 3), 255, np.uint8),
    "grey": np.full((150, 200, 3), 128, np.uint8),
    "gradient": sweep(0, 255),
    "faint gradient": sweep(90, 220),
}
"""Nothing to be found."""

PHOTOS = {
    **PLAIN,
    "noise": noise(150, 200),
    "16x16": noise(16, 16),
    "1x2000": noise(2000, 1),
    "2000x1": noise(1, 2000),
    "1x1": noise(1, 1),
}

OPTIONS = ({}, {"decontaminate": True}, {"post_process_mask": True}, {"max_size": 64}, {"exact": True})

VEIL = 0.05
"""Opacity on average that may be left on a photo without a subject."""


@pytest.fixture(scope="module")
def remover() -> Remover:
    return Remover()


@pytest.fixture(autouse=True)
def _nothing_odd_in_the_numbers() -> Iterator[None]:
    """Every warning is an error, and so is a division by zero, an overflow or a NaN.

    Underflow is none: a sure network's sigmoid rounds to 0, which is right.
    """
    with warnings.catch_warnings(), np.errstate(divide="raise", over="raise", invalid="raise"):
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", PHOTOS)
def test_the_cutout_is_sound(remover, name, options):
    photo = PHOTOS[name]
    cutout = remover.cutout(photo, **options)
    assert cutout.alpha.dtype == cutout.rgba.dtype == np.uint8
    assert cutout.alpha.shape == photo.shape[:2]
    assert cutout.rgba.shape == (*photo.shape[:2], 4)
    opaque = cutout.alpha == 255
    assert np.array_equal(cutout.rgba[opaque, :3], photo[opaque])


@pytest.mark.parametrize("name", PHOTOS)
def test_every_kind_of_photo_gives_the_same_alpha(remover, name):
    photo = PHOTOS[name]
    alpha = remover.cutout(photo).alpha
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "PNG")
    with Image.open(io.BytesIO(remove(buffer.getvalue()))) as written:
        assert written.mode == "RGBA"
        assert np.array_equal(np.asarray(written)[..., 3], alpha)
    assert np.array_equal(remove(photo, only_mask=True), alpha)
    assert np.array_equal(remove(photo.astype(np.float32) / np.float32(255), only_mask=True), alpha)


@pytest.mark.parametrize("name", PHOTOS)
def test_the_network_itself_answers_with_numbers_from_0_to_1(remover, name):
    from rembolt.segmenters.prepare import prepare

    session = remover._segmenter.session
    mask = session.predict(prepare(Image.fromarray(PHOTOS[name]), session.spec, exact=False))
    assert np.isfinite(mask).all()
    assert mask.min() >= 0
    assert mask.max() <= 1


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("name", PLAIN)
def test_where_there_is_no_subject_next_to_nothing_is_found(remover, name, exact):
    assert remover.cutout(PLAIN[name], exact=exact).alpha.mean() / 255 < VEIL
