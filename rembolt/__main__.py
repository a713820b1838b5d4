"""`python -m rembolt` and the `rembolt` command."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

AGAIN = 0.01
"""Seconds after which an interrupt that was dropped comes again."""


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    # Nothing here multiplies matrices, and OpenBLAS's idle threads would spin beside ONNX Runtime's.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.unraisablehook = send_again
    gc.disable()  # a command makes no garbage worth looking for, and then its process ends
    try:
        from rembolt.cli.main import run

        code = run()
    except KeyboardInterrupt:  # while the command line itself was being imported
        print("rembolt: interrupted, nothing half-written.", file=sys.stderr)
        code = 130
    _leave(code)


def send_again(dropped: sys.UnraisableHookArgs) -> None:
    """Send Ctrl-C again, a moment later, if Python dropped it.

    It does so where the signal comes while it runs a callback or a finaliser, as it does for every import.
    """
    if not issubclass(dropped.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)
        return
    import _thread
    import threading

    # Not at once: what is raised in here would be dropped as well.
    timer = threading.Timer(AGAIN, _thread.interrupt_main)
    timer.daemon = True
    timer.start()


def _leave(code: int) -> NoReturn:
    """End the process at once: the interpreter would first take every object apart, a seventh of the run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: nothing is left to interrupt
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, AttributeError, ValueError):  # closed, or its reader is gone
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
