"""Processes that are measured from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rembolt.bench import children

if not children.can_measure():
    pytest.skip("this system does not tell what a child process used", allow_module_level=True)


def test_wall_cpu_and_peak_are_those_of_the_child(tmp_path: Path) -> None:
    code = "import time; x = bytearray(b'x') * 150_000_000; time.sleep(0.5)"
    usage = children.measure([sys.executable, "-S", "-c", code], tmp_path, {})
    assert usage.wall >= 0.5
    assert 0 < usage.cpu < usage.wall
    assert 150e6 < usage.peak < 250e6


def test_variables_and_the_folder_are_the_childs(tmp_path: Path) -> None:
    code = "import os, pathlib; pathlib.Path('seen').write_text(os.environ['COLOUR'])"
    children.measure([sys.executable, "-c", code], tmp_path, {"COLOUR": "green"})
    assert (tmp_path / "seen").read_text() == "green"


def test_a_child_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(children.ChildFailedError, match="ended with 3: oh no"):
        children.measure([sys.executable, "-c", "print('oh no'); raise SystemExit(3)"], tmp_path, {})


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(children.ChildFailedError, match="did not start"):
        children.measure([str(tmp_path / "nothing")], tmp_path, {})


def test_a_child_is_not_charged_for_the_memory_of_the_benchmark(tmp_path: Path) -> None:
    ballast = bytearray(b"x") * 200_000_000
    usage = children.measure([sys.executable, "-S", "-c", "pass"], tmp_path, {})
    assert usage.peak < len(ballast) / 2


def test_an_interrupt_takes_the_child_along(tmp_path: Path) -> None:
    child = "import os, pathlib, time; pathlib.Path('id').write_text(str(os.getpid())); time.sleep(60)"
    code = (
        "import pathlib, signal, sys\n"
        "from rembolt.bench.children import measure\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"measure([sys.executable, '-c', {child!r}], pathlib.Path({str(tmp_path)!r}), {{}})\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as benchmark:
        place = tmp_path / "id"
        wait_until(lambda: place.exists() and place.read_text() != "")
        benchmark.send_signal(signal.SIGINT)
        benchmark.wait(20)
    number = int(place.read_text())
    wait_until(lambda: not is_running(number))


def wait_until(there) -> None:
    for _ in range(400):
        if there():
            return
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def is_running(number: int) -> bool:
    status = Path(f"/proc/{number}/stat")
    if status.parent.parent.is_dir():
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "line"), [("a\n b \n\n", "b"), ("", "it said nothing"), ("x" * 900, "x" * 300)]
)
def test_the_last_line_names_the_reason(text: str, line: str) -> None:
    assert children.last_line(text) == line
