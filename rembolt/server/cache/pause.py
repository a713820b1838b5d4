"""After a failure, what failed is left alone for a while (a circuit breaker)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Pause:
    """Whether something may be tried, which it may not for a while after it failed.

    When the pause is over, one caller tries for all: the others wait for its outcome, or for as long again,
    so that a thing still broken costs one caller its time, not all of them.

    Args:
        seconds: how long a pause is.
        clock: seconds that only go up.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until: float | None = None

    @property
    def on(self) -> bool:
        """Whether the last try failed; it stays so after the pause until one succeeds."""
        return self._until is not None

    def may_try(self) -> bool:
        """Whether the caller may try; if so during a failure, it is the one that tries for all."""
        if self._until is None:
            return True
        if self._clock() < self._until:
            return False
        self.begin()
        return True

    def begin(self) -> None:
        """It failed."""
        self._until = self._clock() + self._seconds

    def end(self) -> None:
        """It worked."""
        self._until = None
