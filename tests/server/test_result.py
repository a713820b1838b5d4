"""A result as bytes and back; anything else is refused."""

from __future__ import annotations

import json
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from server.cached import RESULTS, result

from rembolt.server.result import Result

HEADER = {
    "media_type": "image/png",
    "model": "bolt",
    "device": "cpu",
    "precision": "fp32",
    "width": 3,
    "height": 2,
    "box": None,
}


def sealed(header: bytes, data: bytes = b"data", *, magic: bytes = b"RBLT", version: int = 1) -> bytes:
    """A blob with lengths and a checksum that are right, by a second hand."""
    lengths = struct.pack(">BIQI", version, len(header), len(data), zlib.crc32(header + data))
    return magic + lengths + header + data


@given(RESULTS)
def test_what_goes_in_comes_out(made):
    assert Result.from_bytes(made.to_bytes()) == made


def test_the_layout_is_the_documented_one():
    assert Result.from_bytes(sealed(json.dumps(HEADER).encode())) == Result(b"data", **HEADER)


@given(RESULTS, st.data())
def test_a_changed_byte_is_noticed(made, data):
    blob = bytearray(made.to_bytes())
    place = data.draw(st.integers(0, len(blob) - 1))
    blob[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError):
        Result.from_bytes(bytes(blob))


@given(RESULTS, st.data())
def test_lost_and_added_bytes_are_noticed(made, data):
    blob = made.to_bytes()
    with pytest.raises(ValueError):
        Result.from_bytes(blob[: data.draw(st.integers(0, len(blob) - 1))])
    with pytest.raises(ValueError):
        Result.from_bytes(blob + data.draw(st.binary(min_size=1)))


@given(st.binary() | st.binary().map(lambda rest: b"RBLT\x01" + rest))
def test_foreign_bytes_are_refused(blob):
    with pytest.raises(ValueError):
        Result.from_bytes(blob)


@pytest.mark.parametrize(
    ("blob", "said"),
    [
        (sealed(json.dumps(HEADER).encode(), version=2), "another version"),
        (sealed(json.dumps(HEADER).encode(), magic=b"RBLU"), "not a kept result"),
        (sealed(b"{"), "not JSON"),
        (sealed(b"\xff"), "not JSON"),
        (sealed(b"[" * 100_000), "not JSON"),
        (sealed(b"9" * 10_000), "not JSON"),
        (sealed(b"[]"), "another header"),
        (sealed(b"null"), "another header"),
        (sealed(json.dumps(HEADER | {"more": 1}).encode()), "another header"),
        (sealed(json.dumps({"width": 3}).encode()), "another header"),
        *(
            (sealed(json.dumps(HEADER | wrong).encode()), "wrong type")
            for wrong in (
                {"width": "3"},
                {"width": True},
                {"height": 2.0},
                {"height": None},
                {"model": None},
                {"media_type": ["image/png"]},
                {"box": [1, 2, 3]},
                {"box": [1, 2, 3, 4.5]},
                {"box": {"left": 1}},
                {"box": "1234"},
                {"box": False},
            )
        ),
    ],
)
def test_a_sound_seal_on_a_wrong_header_helps_nothing(blob, said):
    with pytest.raises(ValueError, match=said):
        Result.from_bytes(blob)


def test_a_result_shows_no_photo_in_logs():
    assert "PNG" not in repr(result(b"\x89PNG"))
