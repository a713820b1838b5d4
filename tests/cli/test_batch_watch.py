"""`rembolt batch --watch` with files that really come and change."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from cli.rembolt_command import command_line, files_in, prepared, small_photo
from PIL import Image

import rembolt

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a process cannot be interrupted alone here")

INTERRUPTIBLE = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)"


@pytest.fixture
def watch(folder: Path, cat: Image.Image) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a watch of `in`, where `a.jpg` lies."""
    Path("in/sub").mkdir(parents=True)
    shutil.copy(small_photo(folder, cat), "in/a.jpg")
    os.utime("in/a.jpg", (1, 1))
    children = []

    def start(*flags: object) -> subprocess.Popen[bytes]:
        line = command_line("batch", "in", "out", "--watch", "--report", "r.jsonl", *flags)
        children.append(subprocess.Popen(prepared(line, INTERRUPTIBLE), stderr=subprocess.PIPE))
        return children[-1]

    yield start
    for child in children:
        child.kill()
        child.wait()


def records() -> list[tuple[str, str]]:
    data = Path("r.jsonl").read_bytes() if Path("r.jsonl").exists() else b""
    lines = [json.loads(line) for line in data.splitlines(keepends=True) if line.endswith(b"\n")]
    return [(os.path.relpath(line["input"], "in"), line["status"]) for line in lines]


def wait_for(number: int) -> list[tuple[str, str]]:
    end = time.monotonic() + 60
    while len(records()) < number:
        assert time.monotonic() < end, records()
        time.sleep(0.01)
    return records()


def test_photos_that_come_in_halves_and_change(watch, cat):
    child = watch("--settle", "1.5")
    assert wait_for(1) == [("a.jpg", "done")]

    content = Path("cat.jpg").read_bytes()
    with Path("in/sub/slow.jpg").open("wb", buffering=0) as file:
        file.write(content[: len(content) // 2])
        time.sleep(0.5)
        file.write(content[len(content) // 2 :])
    Path("in/empty.jpg").touch()
    assert wait_for(2)[1:] == [("sub/slow.jpg", "done")]
    assert Image.open("out/sub/slow.png").size == (151, 97)

    cat.rotate(180).resize((80, 60)).save("new.jpg")
    Path("new.jpg").replace("in/a.jpg")
    assert wait_for(3)[2:] == [("a.jpg", "done")]
    assert np.array_equal(np.asarray(Image.open("out/a.png")), np.asarray(rembolt.remove("in/a.jpg")))

    child.send_signal(signal.SIGINT)
    said = child.stderr.read().decode()
    assert child.wait(timeout=60) == 0, said
    assert "in/a.jpg changed: it is done again." in said
    assert "3 done, 0 skipped, 0 failed" in said
    assert files_in(Path("out")) == {"a.png", "sub"}


def test_a_stop_file_ends_it(watch):
    child = watch("--settle", "0.2", "-d")
    wait_for(1)
    shutil.copy("cat.jpg", "in/b.jpg")
    Path("in/stop.txt").touch()
    said = child.stderr.read().decode()
    assert child.wait(timeout=60) == 0, said
    assert records() == [("a.jpg", "done"), ("b.jpg", "done")]
    assert files_in(Path("in")) == {"sub", "stop.txt"}
    assert files_in(Path("out")) == {"a.png", "b.png"}


def test_a_photo_under_the_name_of_a_deleted_one_is_kept_and_so_is_the_result(watch, cat):
    child = watch("--settle", "0.2", "-d")
    wait_for(1)
    result = Path("out/a.png").read_bytes()
    cat.rotate(180).resize((80, 60)).save("new.jpg")
    Path("new.jpg").replace("in/a.jpg")
    assert wait_for(2)[1:] == [("a.jpg", "skipped")]
    cat.resize((80, 60)).save("new.jpg")  # and once more
    Path("new.jpg").replace("in/a.jpg")
    assert wait_for(3)[2:] == [("a.jpg", "skipped")]
    child.send_signal(signal.SIGINT)
    said = child.stderr.read().decode()
    assert child.wait(timeout=60) == 0, said
    assert "is done again" not in said
    assert Path("out/a.png").read_bytes() == result
    assert files_in(Path("in")) == {"a.jpg", "sub"}


def test_a_watch_looks_for_garbage(run, photo):
    Path("in").mkdir()
    photo.rename("in/a.jpg")

    def end() -> None:
        until = time.monotonic() + 60
        while not Path("out/a.png").exists() and time.monotonic() < until:
            time.sleep(0.01)
        Path("in/stop.txt").touch()

    gc.disable()  # as `python -m rembolt` begins
    try:
        threading.Thread(target=end).start()
        assert run("batch", "in", "out", "--watch", "--settle", "0.05").code == 0
        assert gc.isenabled()
    finally:
        gc.enable()


def test_a_broken_photo_is_told_and_tried_again_when_it_changes(watch):
    child = watch("--settle", "0.2")
    wait_for(1)
    Path("in/b.jpg").write_bytes(b"no photo")
    assert wait_for(2)[1:] == [("b.jpg", "failed")]
    shutil.copy("cat.jpg", "in/b.jpg")
    assert wait_for(3)[2:] == [("b.jpg", "done")]
    child.send_signal(signal.SIGTERM)
    said = child.stderr.read().decode()
    assert child.wait(timeout=60) == 1, "one failed"
    assert said.count("'in/b.jpg' is not an image") == 2
