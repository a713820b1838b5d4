"""Small files that would take memory or time out of all proportion, and good ones that look like them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from server import hostile_photos as hostile

from rembolt.errors import ImageTooLargeError
from rembolt.images.bombs import MOST_CHUNKS, MOST_SCANS, gif_frames, tiff_frames
from rembolt.images.decode import decode
from rembolt.images.raw import open_image

BOMBS = [
    "jpeg-400-scans",
    "jpeg-6000-segments",
    "jpeg-filled-up",
    "jpeg-exif-bomb",
    "png-100000-chunks",
    "gif-endless-comment",
    "tiff-entries-in-each-other",
    "tiff-two-million-strips",
    "avif-exif-bomb",
]


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("read", [decode, open_image])
def test_bombs_are_refused(name: str, read: Callable[[bytes], object]) -> None:
    make, _ = hostile.PHOTOS[name]
    with pytest.raises(ImageTooLargeError, match="would take too much memory to decode"):
        read(make())


def test_scans_are_counted_to_the_end_of_the_image() -> None:
    own = hostile.photo(progressive=True).count(b"\xff\xda")
    assert decode(hostile.jpeg_scans(MOST_SCANS - own)).width == 160
    with pytest.raises(ImageTooLargeError, match="scans"):
        decode(hostile.jpeg_scans(MOST_SCANS - own + 1))
    film = b"\xff\xda\0\x02" * 1000
    assert decode(hostile.photo() + film).width == 160
    assert decode(hostile.jpeg_with(hostile.segment(0xE2, film))).width == 160


def test_a_scan_cannot_hide_behind_a_false_end() -> None:
    many = hostile.jpeg_scans(400)
    at = many.rindex(b"\xff\xda")
    false_end = hostile.segment(0xFE, b"\xff\xd9")
    with pytest.raises(ImageTooLargeError, match="scans"):
        decode(many[: many.index(b"\xff\xda")] + false_end + many[many.index(b"\xff\xda") :])
    first = many.index(b"\xff\xda", many.index(b"\xff\xda") + 2)
    with pytest.raises(ImageTooLargeError, match="scans"):
        decode(many[:first] + false_end + many[first:at] + many[at:])


@pytest.mark.parametrize("name", hostile.BAD_METADATA)
def test_bombs_in_metadata_are_left_out(name: str) -> None:
    assert decode(hostile.BAD_METADATA[name]()).width == 160


def test_chunks_may_be_as_many_as_a_large_file_has() -> None:
    few = [hostile.chunk(b"tEXt", b"a\0b")] * (MOST_CHUNKS - 100)
    assert decode(hostile.png_with(*few)).width == 160
    with pytest.raises(ImageTooLargeError, match="chunks"):
        decode(hostile.png_with(*few, *few))


def test_frames_are_counted_up_to_a_limit() -> None:
    assert gif_frames(hostile.animation(7), 50) == 7
    assert gif_frames(hostile.animation(1000), 50) == 50
    assert gif_frames(hostile.animation(7)[:-30], 50) == 5
    assert gif_frames(b"GIF89a", 50) == 0
    assert tiff_frames(hostile.grey_tiff(16, 16), 50) == 1
    assert tiff_frames(hostile.grey_tiff(16, 16, following=8), 50) == 1
    assert tiff_frames(hostile.pages(1000), 2000) == 1001
    assert tiff_frames(hostile.pages(1000), 50) == 50
