"""The memory that loading a network leaves behind."""

from __future__ import annotations

import sys

WORTH = 1 << 22
"""Bytes of a network's file from which it is worth a look."""


def give_back(size: int) -> None:
    """Give freed memory back to the system, after a network of this many bytes was loaded.

    ONNX Runtime reads the weights, lays them out anew and frees the first copies, which the C library would
    keep: a u2net takes 670 MB at its most without this, 475 with it. Only glibc can be asked.
    """
    if size < WORTH or sys.platform != "linux":
        return
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
