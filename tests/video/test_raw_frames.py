"""Raw frames: whole whatever pieces the bytes come in, and the end of the pipe."""

from __future__ import annotations

import os
import threading
import time
from io import BytesIO, RawIOBase

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rembolt.errors import UnreadableImageError
from rembolt.video.raw import read_frames

WIDTH, HEIGHT = 5, 3
FRAME = WIDTH * HEIGHT * 3


class Pieces(RawIOBase):
    """A pipe that gives its bytes in pieces of chosen sizes."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self.data, self.sizes = BytesIO(data), sizes

    def readinto(self, room):
        size = self.sizes.pop() if self.sizes else len(room)
        return self.data.readinto(memoryview(room)[: min(size, len(room))])


@given(count=st.integers(0, 5), sizes=st.lists(st.integers(1, 100), max_size=60))
def test_frames_do_not_depend_on_the_pieces(count: int, sizes: list[int]) -> None:
    data = np.random.default_rng(count).bytes(count * FRAME)
    frames = list(read_frames(Pieces(data, sizes), WIDTH, HEIGHT))
    assert b"".join(frame.tobytes() for frame in frames) == data
    assert all(frame.shape == (HEIGHT, WIDTH, 3) for frame in frames)


@given(whole=st.integers(0, 3), rest=st.integers(1, FRAME - 1))
def test_a_frame_cut_off_is_told_after_the_whole_ones(whole: int, rest: int) -> None:
    frames = read_frames(BytesIO(bytes(whole * FRAME + rest)), WIDTH, HEIGHT)
    for _ in range(whole):
        next(frames)
    with pytest.raises(UnreadableImageError, match=rf"\({rest} of {FRAME} bytes came.*: {whole}, all done"):
        next(frames)


def test_frames_share_no_memory() -> None:
    first, second = read_frames(BytesIO(bytes(FRAME) + bytes([7]) * FRAME), WIDTH, HEIGHT)
    assert not first.any()
    assert (second == 7).all()


def test_a_pipe_that_does_not_block() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)

    def feed() -> None:
        for _ in range(3):
            time.sleep(0.02)
            os.write(writer, bytes(FRAME // 3))
        os.close(writer)

    feeder = threading.Thread(target=feed)
    feeder.start()
    with os.fdopen(reader, "rb", buffering=0) as file:
        assert len(list(read_frames(file, WIDTH, HEIGHT))) == 1
    feeder.join()


class Broken(RawIOBase):
    def readinto(self, room):
        raise OSError(5, "Input/output error")


def test_a_pipe_that_fails() -> None:
    with pytest.raises(UnreadableImageError, match=r"cannot be read \(Input/output error\)"):
        next(read_frames(Broken(), WIDTH, HEIGHT))
