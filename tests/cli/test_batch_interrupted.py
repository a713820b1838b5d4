"""`rembolt batch` cut off: by Ctrl-C, by SIGTERM, by `kill -9`, by a disk that is taken away."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.rembolt_command import command_line, files_in, prepared, small_photo
from PIL import Image

from rembolt.batch.claim import LOCK
from rembolt.images.files import temporary_beside

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such signals and pipes")

# Whoever runs the tests in the background may have switched interrupts off.
INTERRUPTIBLE = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)"


def started(*arguments: object, **options) -> subprocess.Popen[bytes]:
    line = prepared(command_line("batch", *arguments), INTERRUPTIBLE)
    return subprocess.Popen(line, stderr=subprocess.PIPE, **options)


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "this never happened"
        time.sleep(0.002)


def ended(child: subprocess.Popen[bytes]) -> str:
    said = child.stderr.read().decode()
    child.wait(timeout=60)
    assert "Traceback" not in said
    return said


def lines(report: Path) -> list[dict]:
    """The whole lines of a report."""
    if not report.exists():
        return []
    return [
        json.loads(line) for line in report.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")
    ]


def assert_whole(result: Path, size: tuple[int, int]) -> None:
    with Image.open(result) as image:
        image.load()
        assert image.size == size


@pytest.fixture
def at_work(folder: Path, cat: Image.Image):
    """A batch of `a.jpg`, `pipe.jpg` and `b.jpg`, one at a time, that waits for the pipe."""
    photo = small_photo(folder, cat)
    shutil.copy(photo, "a.jpg")
    shutil.copy(photo, "b.jpg")
    os.mkfifo("pipe.jpg")
    children = []

    def start() -> tuple[subprocess.Popen[bytes], Callable[[], None]]:
        child = started("-", "out", "--workers", 1, "--report", "r.jsonl", stdin=subprocess.PIPE)
        children.append(child)
        child.stdin.write(b"a.jpg\npipe.jpg\nb.jpg\n")
        child.stdin.close()
        pipe = Path("pipe.jpg").open("wb")  # noqa: SIM115 - waits until it is being read

        def let_go_on() -> None:
            pipe.write(photo.read_bytes())
            pipe.close()

        return child, let_go_on

    yield start
    for child in children:
        child.kill()
        child.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_has_begun_is_finished_and_nothing_new_begins(at_work, number):
    child, let_go_on = at_work()
    child.send_signal(number)
    assert child.stderr.readline() == b"\n"
    assert b"finishing the photos that have begun" in child.stderr.readline()
    let_go_on()
    said = ended(child)
    assert child.returncode == 130, said
    assert "2 done, 0 skipped, 0 failed" in said
    assert files_in(Path("out")) == {"a.png", "pipe.png"}
    assert_whole(Path("out/pipe.png"), (151, 97))
    assert [Path(line["input"]).name for line in lines(Path("r.jsonl"))] == ["a.jpg", "pipe.jpg"]


def test_the_second_interrupt_ends_at_once(at_work):
    child, _ = at_work()
    child.send_signal(signal.SIGINT)
    child.stderr.readline(), child.stderr.readline()
    child.send_signal(signal.SIGINT)
    said = ended(child)  # though the pipe never gave anything
    assert child.returncode == 130
    assert said.strip() == "rembolt: interrupted, nothing half-written."
    assert files_in(Path("out")) == {"a.png"}


def test_an_output_that_is_taken_away_stops_the_batch(at_work):
    child, let_go_on = at_work()
    wait_until(lambda: lines(Path("r.jsonl")))
    shutil.rmtree("out")
    let_go_on()
    said = ended(child)
    assert child.returncode == 1
    assert "stopped: the folder 'out' is gone" in said
    assert "1 done, 0 skipped, 1 failed" in said
    assert not Path("out").exists()


def test_no_space_left_stops_the_batch(folder, cat, tmp_path):
    mount, umount = shutil.which("mount"), shutil.which("umount")
    place = tmp_path / "disk"
    place.mkdir()
    line = [mount, "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(place)]
    if os.geteuid() or not mount or not umount or subprocess.run(line, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        photo = small_photo(folder, cat)
        Path("in").mkdir()
        for number in range(20):
            shutil.copy(photo, f"in/{number:02}.jpg")
        child = started("in", place, "--workers", 1, "--report", "r.jsonl")
        said = ended(child)
        assert child.returncode == 1
        assert "stopped: " in said
        assert "no space left" in said
        results = files_in(place)
        assert 0 < len(results) < 4
        assert len(lines(Path("r.jsonl"))) == len(results) + 1, "the rest was not even tried"
        for name in results:
            assert_whole(place / name, (151, 97))
    finally:
        subprocess.run([umount, place], check=True)


def test_killed_and_resumed(folder, cat):
    photos, out, report = folder / "in", folder / "out", folder / "r.jsonl"
    (photos / "sub").mkdir(parents=True)
    cat.resize((902, 600)).save("large.jpg")
    for number in range(30):
        shutil.copy("large.jpg", photos / ("sub" if number % 2 else ".") / f"{number:02}.jpg")
    arguments = ["in", "out", "--report", "r.jsonl"]
    child = started(*arguments, "-q")
    wait_until(lambda: len(lines(report)) >= 5)
    child.kill()
    child.wait(timeout=60)
    before = {line["output"]: Path(line["output"]).stat().st_mtime_ns for line in lines(report)}
    assert 5 <= len(before) < 30, "it was killed in the middle"
    assert (out / LOCK).exists()
    # What kill -9 may leave, whether it did this time or not: a torn line and a half-written file.
    with report.open("ab") as file:
        file.write(b'{"rembolt": 1, "input": "/somewh')
    (out / "sub").mkdir(exist_ok=True)
    half = temporary_beside(out / "sub" / "photo.png")
    half.with_name(half.name.replace(f"-{os.getpid()}-", f"-{child.pid}-")).write_bytes(b"half")

    child = started(*arguments, "--resume")
    said = ended(child)
    assert child.returncode == 0, said
    results = {path.relative_to(out).with_suffix("").as_posix() for path in out.rglob("*") if path.is_file()}
    assert results == {path.relative_to(photos).with_suffix("").as_posix() for path in photos.rglob("*.jpg")}
    for path in out.rglob("*.png"):
        assert_whole(path, (902, 600))
    assert {name: Path(name).stat().st_mtime_ns for name in before} == before, "none was done twice"
    finished = lines(report)
    assert len({line["input"] for line in finished}) == len(finished) == 30
    # A result may have been in place when its line was not yet: then it is found and noted as that.
    assert sum(line["status"] == "skipped" for line in finished) <= os.cpu_count()
    assert "the last run in 'out' was cut off" in said
    assert f" done, {30 - sum(line['status'] == 'done' for line in finished) + len(before)} skipped" in said
