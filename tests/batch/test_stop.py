"""Signals that come at the worst time; each in a process of its own, which a lock held twice would hang."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from rembolt.batch.stop import Flag

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a process cannot interrupt itself here")

START = """
import signal, sys, threading, time
from rembolt.batch import stop as module
from rembolt.batch.stop import Stop
stop = Stop()
stop.graceful = True
"""


def ended(code: str) -> tuple[int, str]:
    """How a process that runs this after `START` ends, and what it says."""
    done = subprocess.run([sys.executable, "-c", START + code], capture_output=True, timeout=30)
    return done.returncode, (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("line", [1, 2, 3])
def test_an_interrupt_while_the_batch_itself_is_asking_to_stop(line):
    """The signal comes before each of the lines that run, however many there are."""
    code, said = ended(f"""
left = {line}
def trace(frame, event, value):
    global left
    if frame.f_code.co_name != "set":
        return None
    if event == "line":
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGINT)
    return trace
with stop:
    sys.settrace(trace)
    stop.requested.set()
    sys.settrace(None)
    if not stop.interrupted:
        signal.raise_signal(signal.SIGINT)
print("stopped" if stop.requested.is_set() and stop.interrupted else "goes on")
""")
    assert code == 0, said
    assert "stopped" in said


TWICE = """
with stop:
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
"""


def test_the_second_ends_at_once():
    code, said = ended("stop.farewells.append(lambda: print('farewell', flush=True))" + TWICE)
    assert code == 130
    assert "farewell" in said
    assert "interrupted, nothing half-written." in said


def test_a_file_that_cannot_be_finished_is_not_denied():
    code, said = ended(f"""
module._PATIENCE = 0.1
began = threading.Event()
def write():
    with stop.writing():
        began.set()
        time.sleep(60)
threading.Thread(target=write, daemon=True).start()
began.wait()
stop.farewells.append(lambda: print("farewell", flush=True))
{TWICE}
""")
    assert code == 130
    assert "farewell" not in said, "the next run has to see that there is something to clean up"
    assert "nothing half-written" not in said
    assert "interrupted while files were being written" in said


def test_waiting_for_a_flag():
    flag = Flag()
    assert not flag.wait(0.01)
    threading.Timer(0.05, flag.set).start()
    start = time.monotonic()
    assert flag.wait(3600)
    assert flag.is_set()
    assert time.monotonic() - start < 60, "not for the whole time"
