"""A result is on the disk whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rembolt.errors import OutputError
from rembolt.images.files import is_abandoned, is_temporary, temporary_beside, whole_file, write_atomically

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def test_a_new_file(tmp_path):
    write_atomically(tmp_path / "a.png", b"data")
    assert (tmp_path / "a.png").read_bytes() == b"data"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_an_old_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_atomically(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


def test_long_and_odd_names(tmp_path):
    path = tmp_path / ("ü" * 120 + ".png")
    write_atomically(path, b"data")
    assert path.read_bytes() == b"data"


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "a", b"data")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~mask


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_of_a_replaced_file_stay(tmp_path):
    path = tmp_path / "a"
    path.touch()
    path.chmod(0o640)
    write_atomically(path, b"data")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_and_its_file_is_written(tmp_path):
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "real.png"
    target.write_bytes(b"old")
    link = tmp_path / "link.png"
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_link_to_nothing_yet(tmp_path):
    link = tmp_path / "link.png"
    link.symlink_to("later.png")
    write_atomically(link, b"new")
    assert (tmp_path / "later.png").read_bytes() == b"new"


def test_a_device_is_written_to_and_stays():
    if not Path("/dev/null").is_char_device():
        pytest.skip("no /dev/null here")
    write_atomically(Path("/dev/null"), b"data")
    assert Path("/dev/null").is_char_device()


def test_a_file_written_bit_by_bit_is_there_when_it_is_whole(tmp_path):
    path = tmp_path / "film.webm"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with whole_file(path) as place, place.open("wb") as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.name == "nt" or stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_that_could_not_be_finished_leaves_the_old_one(tmp_path):
    path = tmp_path / "film.webm"
    path.write_bytes(b"old")

    def fail() -> None:
        with whole_file(path) as place:
            place.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"old"]


def test_a_whole_file_whose_name_became_a_folder(tmp_path):

    def write() -> None:
        with whole_file(tmp_path / "a") as place:
            place.write_bytes(b"data")
            (tmp_path / "a").mkdir()

    with pytest.raises(OutputError, match="is a folder"):
        write()
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


class TestTemporaryNames:
    def test_of_this_process(self, tmp_path):
        names = {temporary_beside(tmp_path / "a.png") for _ in range(100)}
        assert len(names) == 100
        assert all(name.parent == tmp_path and is_temporary(name) for name in names)
        assert not any(map(is_abandoned, names))

    @pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked for here")
    def test_of_a_process_that_is_gone(self, tmp_path):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        ours = temporary_beside(tmp_path / "a").name
        theirs = tmp_path / ours.replace(f"-{os.getpid()}-", f"-{child.pid}-")
        assert not is_abandoned(theirs)
        child.communicate(b"\n", timeout=60)
        assert is_abandoned(theirs)
        assert is_abandoned(tmp_path / ours.replace(f"-{os.getpid()}-", f"-{10**30}-"))

    @pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked for here")
    def test_of_an_earlier_process_of_our_number(self, tmp_path):
        ours = temporary_beside(tmp_path / "a").name
        start, digits = ours[: -len("x" * 24 + ".tmp")], ours[-len("x" * 24 + ".tmp") :]
        other = "".join("0" if digit != "0" else "1" for digit in digits[8:16])
        assert is_abandoned(tmp_path / f"{start}{digits[:8]}{other}{digits[16:]}")

    def test_of_another_machine(self, tmp_path):
        ours = temporary_beside(tmp_path / "a").name
        host = ours.split("-")[2][:8]
        other = "".join("0" if digit != "0" else "1" for digit in host)
        theirs = ours.replace(f"-{os.getpid()}-{host}", f"-{10**30}-{other}")
        assert theirs != ours
        assert is_temporary(tmp_path / theirs)
        assert not is_abandoned(tmp_path / theirs)

    @pytest.mark.parametrize("name", [".rembolt-mine.tmp", "a.png", ".rembolt-1-0123456789abcdef.tmp"])
    def test_of_others(self, tmp_path, name):
        assert not is_temporary(tmp_path / name)
        assert not is_abandoned(tmp_path / name)


class TestFailures:
    @staticmethod
    def failure(path: Path, data: bytes = b"data") -> str:
        with pytest.raises(OutputError) as error:
            write_atomically(path, data)
        assert isinstance(error.value, OSError)
        text = str(error.value)
        assert str(path) in text
        assert text.endswith(".")
        assert "\n" not in text
        return text

    def test_missing_folder(self, tmp_path):
        assert "does not exist; create it first" in self.failure(tmp_path / "no" / "a.png")

    def test_a_file_where_the_folder_should_be(self, tmp_path):
        (tmp_path / "file").touch()
        assert "is not a folder" in self.failure(tmp_path / "file" / "a.png")

    def test_target_is_a_folder(self, tmp_path):
        (tmp_path / "folder").mkdir()
        assert "is a folder" in self.failure(tmp_path / "folder")
        assert list(tmp_path.iterdir()) == [tmp_path / "folder"]

    @pytest.mark.skipif(os.name == "nt" or IS_ROOT, reason="root may write everywhere")
    def test_a_folder_that_may_not_be_written(self, tmp_path):
        tmp_path.chmod(0o555)
        assert "not writable" in self.failure(tmp_path / "a.png")
        tmp_path.chmod(0o755)

    @pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc here")
    def test_a_file_system_that_takes_no_files(self):
        self.failure(Path("/proc/a.png"))

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
    def test_a_full_device(self):
        assert "no space" in self.failure(Path("/dev/full"))

    @pytest.mark.skipif(os.name == "nt", reason="the resource module is of POSIX systems")
    @pytest.mark.parametrize("old", [None, b"old"])
    def test_no_space_leaves_everything_as_it_was(self, tmp_path, old):
        import resource
        import signal

        path = tmp_path / "a.png"
        if old is not None:
            path.write_bytes(old)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        try:
            text = self.failure(path, bytes(100_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)
        assert "no space" in text
        assert [entry.read_bytes() for entry in tmp_path.iterdir()] == ([] if old is None else [old])

    def test_an_interrupt_leaves_nothing(self, tmp_path, monkeypatch):
        def interrupted(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "replace", interrupted)
        monkeypatch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_atomically(tmp_path / "a.png", b"data")
        assert list(tmp_path.iterdir()) == []

    def test_an_unknown_failure_of_the_disk(self, tmp_path, monkeypatch):
        def broken(*_):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        monkeypatch.setattr(Path, "replace", broken)
        assert os.strerror(errno.EIO) in self.failure(tmp_path / "a.png")
        assert list(tmp_path.iterdir()) == []


def test_many_writers_of_one_file_never_mix(tmp_path):
    path = tmp_path / "a.bin"
    contents = [bytes([number]) * 200_000 for number in range(6)]
    wrong = []
    done = threading.Event()

    def watch():
        while not done.is_set():
            if path.exists() and path.read_bytes() not in contents:
                wrong.append(True)

    watcher = threading.Thread(target=watch)
    watcher.start()
    writers = [
        threading.Thread(target=lambda data=data: [write_atomically(path, data) for _ in range(10)])
        for data in contents
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    watcher.join()
    assert not wrong
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]
