"""Ctrl-C and SIGTERM: the first finishes what has begun, the second ends at once, nothing half-written."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from rembolt.errors import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

_PATIENCE = 5.0
"""Seconds that a second Ctrl-C waits for files that are being written."""

_NAP = 0.1
"""Seconds until a `Flag` is looked at again."""


class Flag:
    """What `threading.Event` is, and a signal handler may set it.

    An `Event` has a lock that the thread that was interrupted may hold; then its handler waits for ever.
    """

    def __init__(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._is_set

    def set(self) -> None:
        """Set it, for good."""
        self._is_set = True

    def wait(self, seconds: float) -> bool:
        """Wait until it is set or so many seconds are over, and say whether it is set."""
        end = time.monotonic() + seconds
        while not self._is_set and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _NAP))
        return self._is_set


class Stop:
    """Tells everyone to begin nothing new; takes the signals while its `with` block runs.

    Attributes:
        requested: set when nothing new is to begin.
        interrupted: whether a signal asked for that.
        graceful: whether a signal finishes what has begun; until then it interrupts as usual.
        farewells: called before the process ends at once.
    """

    def __init__(self) -> None:
        self.requested = Flag()
        self.interrupted = False
        self.graceful = False
        self.farewells: list[Callable[[], None]] = []
        self._before: dict[int, Any] = {}
        self._writers = 0
        self._ending = False
        self._quiet_pen = threading.Condition()

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                # A parent that ignores interrupts for us, as nohup does, knows why.
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold up the end at once while a file is being written."""
        with self._quiet_pen:
            while self._ending:  # for ever, since the process is about to be gone
                self._quiet_pen.wait()
            self._writers += 1
        try:
            yield
        finally:
            with self._quiet_pen:
                self._writers -= 1
                self._quiet_pen.notify_all()

    def _take(self, _number: int, _frame: object) -> None:
        if not self.graceful:
            raise KeyboardInterrupt
        if self.interrupted:
            self._end_at_once()
        self.interrupted = True
        self.requested.set()
        _say("finishing the photos that have begun; again to end at once.")

    def _end_at_once(self) -> None:
        with self._quiet_pen:
            self._ending = True
            whole = self._quiet_pen.wait_for(lambda: not self._writers, _PATIENCE)
        if whole:  # else the next run has something to clean up, and sees it by what is left
            for farewell in self.farewells:
                with suppress(Exception):
                    farewell()
            _say("interrupted, nothing half-written.")
        else:
            _say("interrupted while files were being written; the next batch in OUTPUT removes what is left.")
        os._exit(INTERRUPTED)


def _say(sentence: str) -> None:
    # Not print: the signal may have come in the middle of one, and no stream can be written twice at a time.
    if sys.stderr is not None:
        with suppress(OSError):
            os.write(2, f"\nrembolt: {sentence}\n".encode())
