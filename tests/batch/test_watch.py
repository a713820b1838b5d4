"""Photos that come while somebody watches: given once, whole, and again when they change."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rembolt.batch.sources import Photo, Trouble, tree_of
from rembolt.batch.stop import Flag
from rembolt.batch.watch import Found, Watch

OLD = 1.0


class Watcher:
    """A watch in a thread of its own, and what it gave."""

    def __init__(self, settle: float, **options: bool) -> None:
        self.stop = Flag()
        self.watch = Watch(tree_of("in", Path("out")), settle, self.stop, **options)
        self.given: list[Found] = []
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for found in self.watch.found():
            self.given.append(found)
        self.ended.set()

    def wait_for(self, number: int) -> list[tuple[str, bool]]:
        """Wait until so many were given, and give all there are."""
        end = time.monotonic() + 60
        while len(self.given) < number and time.monotonic() < end:
            time.sleep(0.01)
        return [(Path(found.item.path).name, found.changed) for found in self.given]

    def done_with_all(self) -> None:
        for found in self.given:
            self.watch.done_with(found.item.path)


@pytest.fixture
def photos(folder: Path) -> Path:
    (folder / "in" / "sub").mkdir(parents=True)
    return folder / "in"


@pytest.fixture
def watched(photos: Path) -> Iterator:
    watchers = []

    def start(settle: float = 0.3, **options: bool) -> Watcher:
        watchers.append(Watcher(settle, **options))
        return watchers[-1]

    yield start
    for watcher in watchers:
        watcher.stop.set()
        assert watcher.ended.wait(60)


def put(path: Path, content: bytes = b"a photo", changed: float | None = None) -> None:
    path.write_bytes(content)
    if changed is not None:
        os.utime(path, (changed, changed))


def test_what_is_there_is_given_at_once_and_what_comes_later_too(photos, watched):
    put(photos / "a.jpg", changed=OLD)
    put(photos / "sub" / "b.jpg", changed=OLD)
    watcher = watched(settle=3600)
    assert watcher.wait_for(2) == [("a.jpg", False), ("b.jpg", False)]

    watcher = watched()
    watcher.wait_for(2)
    (photos / "new" / "deep").mkdir(parents=True)
    put(photos / "new" / "deep" / "c.jpg", changed=OLD)  # as a copy that keeps the time
    put(photos / "notes.txt")
    assert watcher.wait_for(3)[2:] == [("c.jpg", False)]


def test_a_photo_that_grows_is_given_when_it_rests(photos, watched):
    watcher = watched(settle=1.0)
    longest, last = 0.0, time.monotonic()
    with (photos / "slow.jpg").open("wb", buffering=0) as file:
        for _ in range(12):  # for longer than it has to rest
            file.write(b"more")
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
            time.sleep(0.15)
    early = bool(watcher.given)
    longest = max(longest, time.monotonic() - last)
    assert not early or longest >= 1.0, "only if this machine itself paused so long may it seem to rest"
    assert watcher.wait_for(1)[0] == ("slow.jpg", False)


def test_a_photo_that_changes_is_given_again_but_not_while_it_is_worked_on(photos, watched):
    put(photos / "a.jpg", changed=OLD)
    watcher = watched()
    watcher.wait_for(1)
    put(photos / "a.jpg", b"another photo")
    put(photos / "b.jpg")
    assert watcher.wait_for(2) == [("a.jpg", False), ("b.jpg", False)]
    time.sleep(0.6)
    assert len(watcher.given) == 2, "a.jpg is still being worked on"
    watcher.done_with_all()
    assert watcher.wait_for(3)[2:] == [("a.jpg", True)]


def test_empty_files_wait(photos, watched):
    put(photos / "empty.jpg", b"", changed=OLD)
    put(photos / "a.jpg", changed=OLD)
    watcher = watched()
    assert watcher.wait_for(1) == [("a.jpg", False)]
    time.sleep(0.6)
    assert len(watcher.given) == 1
    put(photos / "empty.jpg", b"content")
    assert watcher.wait_for(2)[1:] == [("empty.jpg", False)]


@pytest.mark.parametrize("forget", [False, True])
def test_a_photo_that_goes_and_comes_back(photos, watched, forget):
    put(photos / "a.jpg", changed=OLD)
    watcher = watched(forget=forget)
    watcher.wait_for(1)
    watcher.done_with_all()
    (photos / "a.jpg").unlink()
    put(photos / "b.jpg")  # when this is given, the watch has seen that a.jpg is gone
    assert watcher.wait_for(2)[1:] == [("b.jpg", False)]
    put(photos / "a.jpg", b"another photo")
    assert watcher.wait_for(3)[2:] == [("a.jpg", not forget)]


def test_a_photo_that_comes_at_once_under_the_name_of_a_deleted_one_is_new(photos, watched):
    put(photos / "a.jpg", changed=OLD)
    watcher = watched(forget=True)
    watcher.wait_for(1)
    (photos / "a.jpg").unlink()
    put(photos / "a.jpg", changed=OLD)  # the very same size and time
    put(photos / "b.jpg")  # when this is given, the watch has seen a.jpg, which is still being worked on
    assert watcher.wait_for(2)[1:] == [("b.jpg", False)]
    watcher.watch.done_with(str(Path("in/a.jpg")), deleted=True)
    assert watcher.wait_for(3)[2:] == [("a.jpg", False)]


class Clock:
    """Time that goes on only when somebody waits or works; also the end that the watch waits for."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self.time = time.time

    def monotonic(self) -> float:
        return self.now

    def is_set(self) -> bool:
        return len(self.pauses) > 1000

    def wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("rembolt.batch.watch.time", clock)
    return clock


def test_work_between_two_photos_does_not_blind_the_watch(photos, clock):
    put(photos / "a.jpg", changed=OLD)
    found = Watch(tree_of("in", Path("out")), 60, clock).found()
    assert next(found).item.path.endswith("a.jpg")
    clock.now += 100  # of work
    put(photos / "b.jpg")
    assert next(found).item.path.endswith("b.jpg")
    assert set(clock.pauses) == {0.5}


def test_a_photo_rests_from_when_it_was_seen_and_not_from_when_the_look_began(photos, clock):
    put(photos / "a.jpg", changed=OLD)
    found = Watch(tree_of("in", Path("out")), 60, clock).found()
    assert next(found).item.path.endswith("a.jpg")
    put(photos / "sub" / "b.jpg")  # where the look that goes on has not been yet
    clock.now += 100
    seen = clock.now
    assert next(found).item.path.endswith("b.jpg")
    assert clock.now - seen >= 60


def test_a_stop_file_ends_it_after_those_that_are_there(photos, watched):
    put(photos / "old-stop.txt")
    put(photos / "a.jpg", changed=OLD)
    watcher = watched(settle=0.5)
    watcher.wait_for(1)
    put(photos / "b.jpg")
    time.sleep(0.3)
    assert not watcher.ended.is_set(), "old-stop.txt was there before"
    put(photos / "stop.txt")
    assert watcher.ended.wait(60)
    assert {name for name, _ in watcher.wait_for(2)} == {"a.jpg", "b.jpg"}


def test_a_folder_that_cannot_be_looked_into_is_told_once(photos, watched, monkeypatch):
    scandir = os.scandir

    def unreadable(path):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", unreadable)
    watcher = watched()
    watcher.wait_for(1)
    put(photos / "a.jpg")
    watcher.wait_for(2)
    assert [type(found.item) for found in watcher.given] == [Trouble, Photo]
