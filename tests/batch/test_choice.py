"""Which photos are cut out, and which results are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from rembolt.batch.choice import DONE_BEFORE, EXISTS, Choice
from rembolt.batch.names import Names
from rembolt.batch.record import Record, Task, stamp_of
from rembolt.batch.report import Earlier
from rembolt.batch.sources import Photo

A = Photo("in/a.jpg", "a.jpg")


@pytest.fixture(autouse=True)
def _photo_with_a_result(folder: Path) -> None:
    for name in ("in", "out"):
        Path(name).mkdir()
    Path("in/a.jpg").write_bytes(b"a photo")
    Path("out/a.png").write_bytes(b"its result")


def choice(earlier: Earlier | None = None, *, overwrite: bool = False, delete_input: bool = False) -> Choice:
    known = {} if earlier is None else {str(Path(A.path).absolute()): earlier}
    return Choice(Names(Path("out"), "png"), known, overwrite=overwrite, delete_input=delete_input)


def reason(chosen: Task | Record) -> str | None:
    """Why a photo is left; None when it is cut out."""
    return chosen.error if isinstance(chosen, Record) else None


def done(result: str = "out/a.png", size: int = 0) -> Earlier:
    stamp = stamp_of(A.path)
    return Earlier(str(Path(result).absolute()), stamp._replace(size=stamp.size + size))


def test_what_the_report_names_is_skipped_or_done_again():
    assert reason(choice(done()).of(A)) == DONE_BEFORE
    assert isinstance(choice(done(size=1)).of(A), Task), "it changed"
    assert isinstance(choice(Earlier(str(Path("out/a.png").absolute()), None)).of(A), Task), "it failed"


@pytest.mark.parametrize("stamped", [True, False])
def test_a_result_that_the_report_does_not_name_is_kept_until_overwritten(stamped):
    elsewhere = done("other/a.png")
    if not stamped:
        elsewhere = elsewhere._replace(stamp=None)
    assert reason(choice(elsewhere).of(A)) == EXISTS
    assert isinstance(choice(elsewhere, overwrite=True).of(A), Task)


def test_a_photo_that_changed_is_done_again():
    assert isinstance(choice().of(A, changed=True), Task)


def test_a_photo_under_the_name_of_a_deleted_one_is_kept_and_so_is_the_result():
    assert reason(choice(delete_input=True).of(A, changed=True)) == EXISTS
    assert reason(choice(done(size=1), delete_input=True).of(A)) == EXISTS
    assert isinstance(choice(delete_input=True, overwrite=True).of(A, changed=True), Task)


def test_a_result_that_is_a_photo_is_refused():
    Path("in/b.jpg").hardlink_to("out/a.png")
    batch = choice(overwrite=True)
    batch.protect([A, Photo("in/b.jpg", "b.jpg")])
    assert "would replace a photo" in reason(batch.of(A))
    Path("in/b.jpg").unlink()
    assert isinstance(batch.of(A), Task), "it is one no more"


def test_a_result_that_got_the_identity_of_a_deleted_photo_is_no_photo():
    batch = choice(overwrite=True)
    Path("in/gone.jpg").write_bytes(b"another photo")
    batch.protect([A, Photo("in/gone.jpg", "gone.jpg")])
    batch.of(A)  # by now the batch has looked at all of them
    # As if the file system had given the number of the deleted file to the result, as ext4 does.
    Path("in/gone.jpg").replace("out/a.png")
    assert isinstance(batch.of(A), Task)


def test_all_names_of_one_file_are_protected():
    for name in ("in/b.jpg", "in/c.jpg"):
        Path(name).hardlink_to("out/a.png")
    batch = choice(overwrite=True)
    batch.protect([Photo("in/b.jpg", "b.jpg"), Photo("in/c.jpg", "c.jpg")])
    assert "would replace a photo" in reason(batch.of(A))
    for name in ("in/b.jpg", "in/c.jpg"):
        assert "would replace a photo" in reason(batch.of(A))
        Path(name).unlink()
    assert isinstance(batch.of(A), Task)
