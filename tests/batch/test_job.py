"""Photos that are deleted: only when their results are safe, and links to them."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import threading
import time
from pathlib import Path

import pytest
from cli.rembolt_command import files_in

from rembolt.batch.job import TARGET_DELETED
from rembolt.errors import ModelError
from rembolt.remover import Remover

pytestmark = pytest.mark.skipif(os.name == "nt", reason="folders cannot be opened here, links need rights")

DELETING = ["batch", "in", "out", "-d", "--report", "r.jsonl"]


@pytest.fixture
def one(photo: Path) -> Path:
    """A photo alone in the folder `in`."""
    Path("in").mkdir()
    return photo.rename("in/a.jpg")


def report() -> dict[str, tuple[str, str | None]]:
    lines = map(json.loads, Path("r.jsonl").read_text().splitlines())
    return {Path(line["input"]).name: (line["status"], line["error"]) for line in lines}


def test_the_result_and_its_name_are_on_the_disk_first(run, one, monkeypatch):
    put, real = [], os.fsync

    def fsync(handle: int) -> None:
        put.append((stat.S_ISDIR(os.fstat(handle).st_mode), Path("in/a.jpg").exists()))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    assert run(*DELETING).code == 0
    assert put == [(False, True), (True, True)], "the file, then its folder, and the photo is still there"
    assert not Path("in/a.jpg").exists()


def test_a_result_that_may_only_be_read(run, one, monkeypatch):
    """Its permissions stay, so it is opened for reading; root might write it all the same."""
    ways, real = [], os.open

    def opened(path, way, *more, **options):
        if str(path).endswith("a.png"):
            ways.append(way & (os.O_WRONLY | os.O_RDWR))
        return real(path, way, *more, **options)

    Path("out").mkdir()
    Path("out/a.png").touch(0o444)
    monkeypatch.setattr(os, "open", opened)
    assert run(*DELETING, "--overwrite").code == 0
    assert ways == [os.O_RDONLY]
    assert not Path("in/a.jpg").exists()


@pytest.mark.parametrize(("number", "code"), [(errno.EINVAL, 0), (errno.EIO, 1)])
def test_a_folder_that_cannot_be_put_on_the_disk(run, one, monkeypatch, number, code):
    real = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    assert run(*DELETING).code == code
    assert Path("in/a.jpg").exists() == bool(code), (
        "kept when the disk fails, not when it knows no such thing"
    )


def test_a_link_whose_photo_is_deleted_before_its_turn(run, one):
    Path("in/b.jpg").symlink_to("a.jpg")
    done = run(*DELETING, "--workers", "1")
    assert done.code == 0, done.err
    assert report() == {"a.jpg": ("done", None), "b.jpg": ("skipped", TARGET_DELETED)}
    assert files_in(Path("out")) == {"a.png"}


def test_a_link_whose_photo_is_deleted_while_it_is_worked_on(run, one, monkeypatch):
    Path("in/b.jpg").symlink_to("a.jpg")
    read, real = threading.Event(), Remover.encode

    def encode(self, image, **options):
        encoded = real(self, image, **options)
        if image.name == "a.jpg":
            assert read.wait(60)
            return encoded
        read.set()
        until = time.monotonic() + 60
        while Path("in/a.jpg").exists() and time.monotonic() < until:
            time.sleep(0.01)
        return encoded

    monkeypatch.setattr(Remover, "encode", encode)
    done = run(*DELETING, "--workers", "2")
    assert done.code == 0, done.err
    assert files_in(Path("out")) == {"a.png", "b.png"}
    assert files_in(Path("in")) == set()


def test_a_link_to_nothing_is_a_failure(run, one):
    Path("in/b.jpg").symlink_to("nothing.jpg")
    assert run(*DELETING).code == 1
    assert report()["b.jpg"][0] == "failed"


def test_a_model_that_fails_is_told_after_the_photos_that_had_begun(run, one, monkeypatch):
    shutil.copy(one, "in/b.jpg")
    failed, begun = threading.Event(), threading.Event()
    real = Remover.encode

    def encode(self, image, **options):
        if image.name == "b.jpg":
            begun.wait(60)
            failed.set()
            raise ModelError("the model is broken; mend it.")
        begun.set()
        assert failed.wait(60)
        time.sleep(0.1)
        return real(self, image, **options)

    monkeypatch.setattr(Remover, "encode", encode)
    done = run("batch", "in", "out", "--report", "r.jsonl", "--workers", "2")
    assert done.code == 4
    assert "rembolt: the model is broken; mend it." in done.err
    assert files_in(Path("out")) == {"a.png"}
    assert report() == {"a.jpg": ("done", None)}, "what is on the disk is in the report"
