"""`rembolt stream` as a child process: frames in, images out, and every way a pipe can end."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.rembolt_command import (
    assert_refused,
    command_line,
    files_in,
    prepared,
    process,
)
from PIL import Image

from rembolt import Remover

WIDTH, HEIGHT = 96, 64
PNG_END = b"IEND\xae\x42\x60\x82"

# Whoever runs the tests in the background may have switched interrupts off.
INTERRUPTIBLE = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)"


@pytest.fixture(scope="module")
def frames(cat: Image.Image) -> list[np.ndarray]:
    """The cat, a little further to the left and brighter in each frame."""
    made = []
    for number in range(7):
        part = cat.crop((10 * number, 0, 10 * number + 300, 200)).resize((WIDTH, HEIGHT))
        made.append(np.asarray(part.point(lambda value, add=8 * number: min(255, value + add))))
    return made


@pytest.fixture(scope="module")
def raw(frames: list[np.ndarray]) -> bytes:
    return b"".join(frame.tobytes() for frame in frames)


@pytest.fixture(scope="module")
def remover() -> Remover:
    return Remover()


def images_of(stream: bytes) -> list[Image.Image]:
    """The PNGs that follow one another."""
    pieces = stream.split(PNG_END)
    assert pieces.pop() == b""
    return [Image.open(BytesIO(piece + PNG_END)) for piece in pieces]


def assert_cut_out(images: list[Any], frames: list[np.ndarray], remover: Remover, **options: Any) -> None:
    """Each image is the cut-out of the frame at its place; threads may shift a rounding by a level."""
    assert len(images) == len(frames)
    for image, frame in zip(images, frames, strict=True):
        wanted = remover.remove(frame, **options)
        difference = np.abs(np.asarray(image).astype(int) - wanted)
        if wanted.ndim == 3:  # colours count where something shows
            difference[..., :3][wanted[..., 3] < 2] = 0
        assert difference.max() <= 1


@pytest.mark.parametrize("name", ["stream", "b"])
def test_pngs_in_order(name, raw, frames, remover, folder):
    done = process(name, WIDTH, HEIGHT, input=raw)
    assert done.code == 0, done.err
    assert done.err.startswith(f"7 frames of {WIDTH}x{HEIGHT} (bolt on cpu")
    assert_cut_out(images_of(done.out), frames, remover)


@pytest.mark.parametrize("workers", [1, 3, 9])
def test_any_number_of_workers_keeps_the_order(workers, raw, frames, remover, folder):
    done = process("stream", WIDTH, HEIGHT, "--workers", workers, "-q", input=raw)
    assert (done.code, done.err) == (0, "")
    assert_cut_out(images_of(done.out), frames, remover)


def test_raw_frames(raw, frames, remover, folder):
    done = process("stream", WIDTH, HEIGHT, "--raw", input=raw)
    assert done.code == 0
    assert_cut_out(np.frombuffer(done.out, np.uint8).reshape(-1, HEIGHT, WIDTH, 4), frames, remover)


def test_raw_masks(raw, frames, remover, folder):
    done = process("stream", WIDTH, HEIGHT, "--raw", "-om", input=raw)
    made = np.frombuffer(done.out, np.uint8).reshape(-1, HEIGHT, WIDTH)
    assert_cut_out(made, frames, remover, only_mask=True)


def test_options_reach_the_cutting_out(raw, frames, remover, folder):
    done = process("b", WIDTH, HEIGHT, "-bgc", 0, 0, 255, 255, "-ppm", "-x", '{"exact": true}', input=raw)
    options = {"bgcolor": (0, 0, 255, 255), "post_process_mask": True, "exact": True}
    assert_cut_out(images_of(done.out), frames, remover, **options)


def test_numbered_files_as_rembg_counts_them(raw, frames, remover, folder):
    done = process("b", WIDTH, HEIGHT, "-o", "new/out-%03d.png", input=raw)
    assert (done.code, done.out) == (0, b"")
    names = [f"out-{number:03d}.png" for number in range(7)]
    assert files_in(folder / "new") == set(names)
    assert_cut_out([Image.open(folder / "new" / name) for name in names], frames, remover)


@pytest.mark.parametrize("flag", ["--output_specifier", "--output-specifier"])
def test_the_extension_says_the_format(flag, raw, folder):
    done = process("stream", WIDTH, HEIGHT, flag, "%d.webp", "--json", input=raw)
    assert done.code == 0
    assert {Image.open(path).format for path in folder.iterdir()} == {"WEBP"}
    assert done.report["frames"] == 7
    assert done.report["size"] == [WIDTH, HEIGHT]
    assert done.report["model"] == "bolt"


def test_jpegs_one_after_the_other(raw, folder):
    done = process("stream", WIDTH, HEIGHT, "--format", "jpg", input=raw)
    assert done.code == 0
    assert done.out.count(b"\xff\xd8\xff") == 7


def test_no_frame_at_all(folder):
    done = process("stream", WIDTH, HEIGHT)
    assert (done.code, done.out) == (0, b"")
    assert done.err.startswith("0 frames")


def test_rembgs_flags_are_all_there(run):
    command = pytest.importorskip("rembg.commands.b_command").b_command
    text = run("b", "--help").out.decode()
    for option in command.params:
        for flag in option.opts if option.param_type_name == "option" else ():
            assert f"{flag} " in text.replace(",", " ")


# --- pipes


def started(*arguments: object) -> subprocess.Popen[bytes]:
    line = prepared(command_line("stream", WIDTH, HEIGHT, *arguments), INTERRUPTIBLE)
    pipe = subprocess.PIPE
    return subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)


def exactly(pipe: Any, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = pipe.read(count - len(data))
        assert piece, "the stream ended early"
        data += piece
    return data


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = started("--raw")
    yield process
    process.kill()
    process.wait(timeout=60)
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()


def test_a_frame_comes_out_before_the_next_goes_in(child, frames):
    for frame in frames[:3]:
        child.stdin.write(frame.tobytes()[:1000])
        child.stdin.write(frame.tobytes()[1000:])
        assert len(exactly(child.stdout, WIDTH * HEIGHT * 4)) == WIDTH * HEIGHT * 4
    child.stdin.close()
    assert child.stdout.read() == b""
    assert child.wait(timeout=60) == 0


def test_a_reader_that_waits_holds_the_writer_up(child, frames):
    """Nothing is read for ever into memory: without a reader the frames stay in the pipe."""
    import os
    import selectors

    os.set_blocking(child.stdin.fileno(), False)
    sent, idle = 0, 0
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdin, selectors.EVENT_WRITE)
        while idle < 3:  # the first frame waits for the model
            if selector.select(timeout=2):
                sent += os.write(child.stdin.fileno(), frames[0].tobytes()) if sent < 50e6 else 0
                assert sent < 50e6, "the stream takes frames without end"
                idle = 0
            else:
                idle += 1


@pytest.mark.parametrize("arguments", [[], ["--raw"], ["-o", "%d.png"]])
def test_the_last_frame_is_cut_off(arguments, raw, frames, folder):
    done = process("stream", WIDTH, HEIGHT, *arguments, input=raw[:-1])
    assert done.code == 3
    assert "18431 of 18432 bytes" in done.err
    assert done.err.count("\n") == 1
    if "-o" in arguments:
        assert files_in(folder) == {f"{number}.png" for number in range(6)}
    elif "--raw" in arguments:
        assert len(done.out) == 6 * WIDTH * HEIGHT * 4
    else:
        assert len(images_of(done.out)) == 6


def test_a_reader_that_goes_away(child, frames):
    child.stdin.write(frames[0].tobytes())
    exactly(child.stdout, 100)
    child.stdout.close()
    try:
        for frame in frames * 50:
            child.stdin.write(frame.tobytes())
    except BrokenPipeError:
        pass
    said = child.stderr.read()
    assert child.wait(timeout=60) == 1
    assert said.startswith(b"rembolt: nobody reads standard output any more")
    assert said.count(b"\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_standard_output_is_full(raw):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command_line("stream", WIDTH, HEIGHT), input=raw, stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert done.returncode == 1
    assert b"No space left" in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("sent", [0, 1])
def test_an_interrupt(child, frames, sent):
    if sent:
        child.stdin.write(frames[0].tobytes())
        exactly(child.stdout, WIDTH * HEIGHT * 4)
    else:
        time.sleep(1.5)
    child.send_signal(signal.SIGINT)
    said = child.stderr.read()  # standard input is still open
    assert child.wait(timeout=60) == 130
    assert said.strip() == b"rembolt: interrupted, nothing half-written."


def test_an_interrupt_leaves_whole_files(frames, folder):
    child = started("-o", "%d.png")
    for frame in frames:
        child.stdin.write(frame.tobytes())
    while not (folder / "0.png").exists():
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    child.stderr.read()
    assert child.wait(timeout=60) == 130
    for path in folder.iterdir():
        assert Image.open(path).convert("RGBA").size == (WIDTH, HEIGHT)


# --- wrong usage


@pytest.mark.parametrize(
    ("code", "arguments", "words"),
    [
        (2, [], "WIDTH"),
        (2, [0, 5], "WIDTH"),
        (2, [5, -1], "-1"),
        (2, [5, "x"], "HEIGHT"),
        (2, [5, 5, "--workers", 0], "--workers"),
        (2, [5, 5, "--raw", "--format", "png"], "--raw has no format"),
        (2, [5, 5, "--raw", "-o", "%d.png"], "--raw frames go to stdout"),
        (2, [5, 5, "--json"], "give -o"),
        (2, [5, 5, "--format", "zip"], "cannot follow one another"),
        (2, [5, 5, "-o", "out.png"], "one place for the frame's number"),
        (2, [5, 5, "-o", "%d.png", "--format", "webp"], "--format says webp"),
        (2, [5, 5, "-o", "%d.tiff"], "extension"),
        (2, [5, 5, "-x", '{"nonsense": 1}'], "nonsense"),
        (3, [60_000, 60_000], "limit of 100000000"),
        (4, [5, 5, "-m", "nonsense"], "nonsense"),
    ],
)
def test_refusals(code, arguments, words, folder):
    assert_refused(process("stream", *arguments, input=bytes(75)), code, words)
    assert files_in(folder) == set()


def test_closed_pipes(folder):
    shut = "import os; os.close({})"
    assert_refused(process("stream", 5, 5, first=shut.format(0)), 3, "standard input is closed")
    assert_refused(process("stream", 5, 5, first=shut.format(1)), 1, "standard output is closed")


def test_a_terminal_on_either_side(folder, raw):
    pty = pytest.importorskip("pty")
    _, terminal = pty.openpty()
    typed = subprocess.run(
        command_line("stream", 5, 5),
        stdin=terminal,
        capture_output=True,
        timeout=60,
    )
    assert typed.returncode == 2
    assert b"frames cannot be typed" in typed.stderr
    shown = subprocess.run(
        command_line("stream", 5, 5), input=raw, stdout=terminal, stderr=subprocess.PIPE, timeout=60
    )
    assert shown.returncode == 2
    assert b"frames are not for the terminal" in shown.stderr


# --- between two ffmpeg processes


@pytest.fixture(scope="module")
def ffmpeg() -> str:
    found = shutil.which("ffmpeg")
    if not found:
        pytest.skip("ffmpeg is not installed (Debian: apt-get install ffmpeg)")
    return found


@pytest.mark.parametrize(
    ("arguments", "reader"),
    [
        ([], ["-f", "image2pipe", "-c:v", "png"]),
        (["--raw"], ["-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{WIDTH}x{HEIGHT}"]),
    ],
    ids=["png", "raw"],
)
def test_between_two_ffmpegs(ffmpeg, arguments, reader, frames, remover, folder):
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(f"in{number}.png")
    read = [ffmpeg, "-v", "error", "-i", "in%d.png", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    write = [ffmpeg, "-v", "error", *reader, "-i", "-", "-f", "rawvideo", "-pix_fmt", "rgba", "out.raw"]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(read, stdin=subprocess.DEVNULL, stdout=pipe) as first,
        subprocess.Popen(
            command_line("stream", WIDTH, HEIGHT, "-q", *arguments), stdin=first.stdout, stdout=pipe
        ) as middle,
        subprocess.Popen(write, stdin=middle.stdout) as last,
    ):
        first.stdout.close()
        middle.stdout.close()
        assert [child.wait(timeout=60) for child in (last, middle, first)] == [0, 0, 0]
    made = np.fromfile("out.raw", np.uint8).reshape(-1, HEIGHT, WIDTH, 4)
    assert_cut_out(list(made), frames, remover)
