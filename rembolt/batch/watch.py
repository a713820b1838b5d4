"""Waiting for new and changed photos, and taking them once nobody writes to them any more."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from rembolt.batch.record import Stamp, stamp_of
from rembolt.batch.sources import Photo, Tree, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rembolt.batch.stop import Flag

STOP_FILE = "stop.txt"
"""rembg's: a file whose name ends so, appearing in INPUT, ends the watch."""

_LONGEST_PAUSE = 0.5
_SHARE = 0.1
"""Of the time at most, that looking through the tree may take."""


class Found(NamedTuple):
    """A photo that is ready, or a place that cannot be looked into.

    Attributes:
        item: which.
        changed: it was given before and is another now.
    """

    item: Photo | Trouble
    changed: bool = False


class _Waiting(NamedTuple):
    photo: Photo
    stamp: Stamp
    since: float


class Watch:
    """Looks through a tree again and again.

    A photo is settled when its size and time of change stayed the same for `settle` seconds and it is not
    empty. What lay there unchanged for that long before the watch began is settled at once.

    Args:
        tree: where.
        settle: seconds.
        stop: ends the watch.
        forget: a photo that is gone and comes back is a new one, not a changed one.
    """

    def __init__(self, tree: Tree, settle: float, stop: Flag, *, forget: bool = False) -> None:
        self._tree = tree
        self._settle = settle
        self._stop = stop
        self._forget = forget
        self._given: dict[str, Stamp] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._told: set[str] = set()
        self._busy: set[str] = set()
        self._stop_files = self._find_stop_files()

    def done_with(self, path: str, *, deleted: bool = False) -> None:
        """The photo given is finished; until then it is not given again, lest two results race.

        Args:
            path: its.
            deleted: it is gone, so what comes under its name is a new one, however soon.
        """
        if deleted:  # before it may be given again
            self._given.pop(path, None)
        self._busy.discard(path)

    def found(self) -> Iterator[Found]:
        """Photos as they settle; ends when `stop` is set, or, with those there then, at a stop file."""
        first = True
        ending = False
        while not self._stop.is_set():
            before, ending = ending, ending or self._find_stop_files() != self._stop_files
            look = self._look(first=first, only_waiting=before)
            looking = 0.0  # without the time that whoever takes what is found needs for it
            while True:
                start = time.monotonic()
                found = next(look, None)
                looking += time.monotonic() - start
                if found is None:
                    break
                yield found
            if ending and not self._waiting:
                return
            first = False
            self._stop.wait(max(min(_LONGEST_PAUSE, self._settle / 2), 0.02, looking / _SHARE))

    def _look(self, *, first: bool, only_waiting: bool) -> Iterator[Found]:
        seen = set()
        for item in self._tree.walk():
            if self._stop.is_set():
                return
            if isinstance(item, Trouble):
                if item.path not in self._told:
                    self._told.add(item.path)
                    yield Found(item)
                continue
            seen.add(item.path)
            if item.path in self._busy:
                continue
            before = time.monotonic()  # for each: between two of them the work may take long
            stamp = stamp_of(item.path)
            if stamp is None or stamp.size == 0 or self._given.get(item.path) == stamp:
                self._waiting.pop(item.path, None)
                continue
            waiting = self._waiting.get(item.path)
            if waiting is None and only_waiting:
                continue
            if waiting is None or waiting.stamp != stamp:
                rested = first and time.time() - stamp.changed / 1e9 >= self._settle
                self._waiting[item.path] = waiting = _Waiting(item, stamp, time.monotonic())
                if not rested:
                    continue
            elif before - waiting.since < self._settle:
                continue
            del self._waiting[item.path]
            changed = item.path in self._given
            self._given[item.path] = stamp
            self._busy.add(item.path)
            yield Found(item, changed)
        for path in self._waiting.keys() - seen:
            del self._waiting[path]
        if self._forget:
            for path in self._given.keys() - seen:
                self._given.pop(path, None)

    def _find_stop_files(self) -> dict[str, Stamp | None]:
        try:
            with os.scandir(self._tree.root) as listing:
                names = [entry.name for entry in listing if entry.name.endswith(STOP_FILE)]
        except OSError:
            return {}
        return {name: stamp_of(self._tree.root / name) for name in names}
