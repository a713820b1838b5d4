"""Freed memory goes back to the system once a network is loaded."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import ctypes
from pathlib import Path
from rembolt.engine.heap import WORTH, give_back

def resident():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS")) * 1024

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
blocks = [libc.malloc(65536) for _ in range(2000)]
for block in blocks:
    ctypes.memset(block, 1, 65536)
last = libc.malloc(65536)  # the heap cannot shrink from its end
for block in blocks:
    libc.free(ctypes.c_void_p(block))
before = resident()
give_back(WORTH - 1)
small = resident()
give_back(WORTH)
print(before - small, before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked")
def test_freed_memory_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    for_a_small_network, for_a_large_one = map(int, done.stdout.split())
    assert for_a_small_network < 10_000_000
    assert for_a_large_one > 100_000_000
