"""`rembolt batch` needs no more memory for many photos than for some."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import psutil
from cli.rembolt_command import command_line
from PIL import Image

PHOTOS = 250
SOME = 80


def test_memory_stays_flat(folder, cat: Image.Image):
    Path("in").mkdir()
    cat.resize((48, 32)).save("photo.jpg")
    for number in range(PHOTOS):
        os.link("photo.jpg", f"in/{number}.jpg")
    line = command_line("batch", "in", "out", "-q", "--report", "r.jsonl", "--workers", 2)
    child = subprocess.Popen(line)
    process = psutil.Process(child.pid)
    after_some = most = 0
    while child.poll() is None:
        done = Path("r.jsonl").read_bytes().count(b"\n") if Path("r.jsonl").exists() else 0
        try:
            most = max(most, process.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        if done >= SOME and not after_some:
            after_some = most
        time.sleep(0.02)
    assert child.wait(timeout=60) == 0
    assert len(list(Path("out").iterdir())) == PHOTOS
    assert after_some, "it was too fast to be looked at"
    assert most - after_some < 10e6
