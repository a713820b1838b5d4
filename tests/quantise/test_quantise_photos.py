"""Photos and masks of a folder: which are taken, and what is said of the others."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from quantise.small_networks import photos

from rembolt.errors import UsageError
from rembolt.quantise.photos import FEWEST, LARGEST, Photo, find, split


def found(folder, masks=None, most=64):
    said = []
    return find(folder, masks, most, said.append), said


def test_photos_of_a_folder_and_those_below(tmp_path):
    photos(tmp_path / "in" / "a", 5)
    photos(tmp_path / "in" / "b" / "c", 4)
    (tmp_path / "in" / "notes.txt").write_text("no photo")
    (tmp_path / "in" / ".hidden.jpg").write_bytes(b"no photo")
    taken, said = found(tmp_path / "in")
    assert said == []
    assert [photo.name for photo in taken] == [f"a/{n:02}.jpg" for n in range(5)] + [
        f"b/c/{n:02}.jpg" for n in range(4)
    ]
    assert {(photo.image.mode, photo.image.size, photo.truth) for photo in taken} == {
        ("RGB", (120, 90), None)
    }


def test_no_more_than_asked_for_and_evenly_spread(tmp_path):
    photos(tmp_path / "in", 17)
    assert [photo.name for photo in found(tmp_path / "in", most=9)[0]] == [
        f"{n:02}.jpg" for n in range(0, 17, 2)
    ]


def test_photos_that_cannot_be_read_are_said_and_left_out(tmp_path):
    folder = photos(tmp_path / "in", 9)
    whole = (folder / "03.jpg").read_bytes()
    (folder / "03.jpg").write_bytes(whole[:300])
    (folder / "05b.png").write_bytes(b"")
    (folder / "06b.jpg").write_text("this is text")
    taken, said = found(folder)
    assert [photo.name for photo in taken] == [f"{n:02}.jpg" for n in range(9) if n != 3]
    assert len(said) == 3
    for name, sentence in zip(("03.jpg", "05b.png", "06b.jpg"), said, strict=True):
        assert sentence.count(str(folder / name)) == 1
        assert "left out" in sentence
        assert "\n" not in sentence
        assert sentence.endswith(".")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such pipes")
def test_a_pipe_is_no_photo(tmp_path):
    folder = photos(tmp_path / "in", FEWEST)
    os.mkfifo(folder / "pipe.jpg")  # reading it would never end
    assert len(found(folder)[0]) == FEWEST


def test_too_few(tmp_path):
    folder = photos(tmp_path / "in", FEWEST - 1)
    with pytest.raises(
        UsageError, match=rf"in holds {FEWEST - 1} photos that can be read, and {FEWEST} are needed"
    ):
        found(folder)
    photos(folder, 1, first=FEWEST)
    assert len(found(folder)[0]) == FEWEST


def test_no_folder(tmp_path):
    folder = photos(tmp_path / "in", FEWEST)
    for arguments in ((tmp_path / "none",), (folder / "00.jpg",), (folder, tmp_path / "none")):
        with pytest.raises(UsageError, match="is not a folder"):
            found(*arguments)


def test_large_photos_are_kept_small(tmp_path):
    folder = photos(tmp_path / "in", FEWEST, masks=tmp_path / "masks")
    Image.new("RGB", (3000, 1000), "red").save(folder / "00.jpg")
    Image.new("L", (3000, 1000), 255).save(tmp_path / "masks" / "00.png")
    first, second, *_ = found(folder, tmp_path / "masks")[0]
    assert first.image.size == (LARGEST, round(LARGEST / 3))
    assert first.truth.shape == first.image.size[::-1]
    assert second.image.size == (120, 90)


# --- masks


def test_masks_belong_to_their_photos(tmp_path):
    folder, masks = tmp_path / "in", tmp_path / "masks"
    photos(folder / "a", 4, masks=masks / "a")
    photos(folder / "b", 5, masks=masks / "b")
    taken, said = found(folder, masks)
    assert said == []
    for photo in taken:
        with Image.open(masks / photo.name.replace(".jpg", ".png")) as mask:
            assert np.array_equal(photo.truth, np.asarray(mask))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "LA", "I;16"])
def test_masks_of_any_kind(tmp_path, mode):
    folder = photos(tmp_path / "in", FEWEST, masks=tmp_path / "masks")
    wanted = np.zeros((90, 120), np.uint8)
    wanted[20:70, 30:80] = 255
    mask = Image.fromarray(wanted)
    mask = Image.fromarray(wanted.astype(np.uint16) * 257) if mode == "I;16" else mask.convert(mode)
    mask.save(tmp_path / "masks" / "00.png")
    assert np.array_equal(found(folder, tmp_path / "masks")[0][0].truth, wanted)


def test_masks_that_do_not_fit_are_said(tmp_path):
    folder, masks = tmp_path / "in", tmp_path / "masks"
    photos(folder, FEWEST, masks=masks)
    Image.new("L", (90, 120)).save(masks / "00.png")
    (masks / "01.png").write_bytes(b"no mask")
    (masks / "02.png").unlink()
    taken, said = found(folder, masks)
    assert [photo.truth is None for photo in taken] == [True] * 3 + [False] * (FEWEST - 3)
    assert said[0] == f"{masks / '00.png'} is left out: its size is 90x120, its photo's 120x90."
    assert len(said) == 3
    for name, sentence in zip(("00.png", "01.png", "02.png"), said, strict=True):
        assert sentence.count(str(masks / name)) == 1
        assert "left out" in sentence


def test_no_mask_fits(tmp_path):
    folder = photos(tmp_path / "in", FEWEST)
    (tmp_path / "masks").mkdir()
    with pytest.raises(
        UsageError, match=r"holds no mask of these photos: a mask is <name of the photo>\.png"
    ):
        found(folder, tmp_path / "masks")


def test_masks_among_the_photos_or_below_them_are_no_photos(tmp_path):
    for name in (".", "masks"):
        folder = tmp_path / f"in {name}"
        masks = folder / name
        photos(folder, FEWEST, masks=masks)
        taken, said = found(folder, masks)
        assert said == []
        assert [photo.name for photo in taken] == [f"{n:02}.jpg" for n in range(FEWEST)]
        assert all(photo.truth is not None for photo in taken)


# --- split


@given(st.integers(FEWEST, 100))
def test_a_third_is_held_out_and_no_photo_is_on_both_sides(count):
    image = Image.new("RGB", (1, 1))
    every = [Photo(str(place), image, np.zeros((1, 1), np.uint8)) for place in range(count)]
    learned, held_out = split(every)
    names = [{photo.name for photo in part} for part in (learned, held_out)]
    assert names[0] | names[1] == {photo.name for photo in every}
    assert not names[0] & names[1]
    assert len(held_out) == count // 3
