"""The process-wide cache of sessions: each is built once, however many threads ask at the same time."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Value = TypeVar("Value")

DEFAULT_CAPACITY = 8


class BuildOnceCache(Generic[Value]):
    """The values last used, each built by one thread while the others that want it wait.

    Args:
        capacity: how many values are kept; the one unused for longest is let go first (callers that
            still hold it keep it alive).
    """

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self._capacity = capacity
        self._inherited: list[object] = []
        self._begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin_anew_in_child)

    def _begin(self) -> None:
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._building: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def _begin_anew_in_child(self) -> None:
        # A session's threads do not survive a fork, so the child builds its own. Those it inherits must not
        # even be let go: destroying them would wait for their threads for ever.
        self._inherited.append(self._values)
        self._begin()

    def get(self, key: Hashable, build: Callable[[], Value]) -> Value:
        """Return the value of `key`, building it if need be; a failed build is tried again next time."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            turn = self._building.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            value = build()
            with self._lock:
                self._values[key] = value
                self._building.pop(key, None)
                while len(self._values) > self._capacity:
                    self._values.popitem(last=False)
            return value

    def clear(self) -> None:
        """Let all values go."""
        with self._lock:
            self._values.clear()
