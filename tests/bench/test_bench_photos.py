"""The photos made to measure with."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from rembolt import Remover
from rembolt.bench.photos import jpeg, photo, subject

SIZES = [(640, 360), (360, 640), (320, 320), (64, 64)]


@pytest.mark.parametrize("size", SIZES)
def test_the_size_is_the_one_asked_for_and_the_subject_is_a_third(size: tuple[int, int]) -> None:
    made, mask = photo(*size), np.asarray(subject(*size))
    assert (made.mode, made.size) == ("RGB", size)
    assert 0.2 < (mask > 127).mean() < 0.5
    edge = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    assert edge.max() == 0  # none of it is cut off


def test_the_same_seed_gives_the_same_photo_and_another_one_another() -> None:
    one, same, other = photo(96, 64), photo(96, 64), photo(96, 64, seed=1)
    assert one.tobytes() == same.tobytes() != other.tobytes()


def test_bolt_finds_the_subject() -> None:
    made = photo(640, 360)
    found = Remover().cutout(made).alpha > 127
    truth = np.asarray(subject(640, 360)) > 127
    assert (found & truth).sum() / (found | truth).sum() > 0.95


def test_the_subject_is_warm_and_the_background_is_not() -> None:
    pixels = np.asarray(photo(320, 240)).astype(int)
    warmth = pixels[..., 0] - pixels[..., 2]
    mask = np.asarray(subject(320, 240))
    assert warmth[mask == 255].min() > 0 > warmth[mask == 0].max()


def test_the_jpeg_is_the_photo() -> None:
    made = photo(160, 120)
    with Image.open(BytesIO(jpeg(made))) as read:
        assert read.format == "JPEG"
        assert np.abs(np.asarray(read).astype(int) - np.asarray(made)).mean() < 4
