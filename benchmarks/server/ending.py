"""How the programs of this benchmark learn that they shall end: their input does."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def when_input_ends(then: Callable[[], None]) -> None:
    """Call `then`, in a thread of its own, when nothing more can be read from standard input."""

    def wait() -> None:
        # Not through sys.stdin: its lock must be free when Python ends.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        then()

    threading.Thread(target=wait, daemon=True).start()
