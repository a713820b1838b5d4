"""Names with a frame's number in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rembolt.errors import OutputError, UsageError
from rembolt.video.numbered import NumberedFiles


@pytest.mark.parametrize(
    ("pattern", "seventh"),
    [
        ("out/%04d.png", "out/0007.png"),
        ("%d", "7"),
        ("a%%b/c%%%i.png", "a%b/c%7.png"),
        ("%.3d.png", "007.png"),
        ("frame %s.webp", "frame 7.webp"),
    ],
)
def test_names(pattern: str, seventh: str) -> None:
    assert NumberedFiles(pattern).path(7) == Path(seventh)


@pytest.mark.parametrize(
    "pattern",
    ["out.png", "%d-%d.png", "100%.png", "%f.png", "%99999d.png", "%%d.png", "%(name)d.png", "%c", ""],
)
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(UsageError, match="one place for the frame's number"):
        NumberedFiles(pattern)


def test_a_number_in_the_folders_name() -> None:
    with pytest.raises(UsageError, match="must stand in the file's name"):
        NumberedFiles("%d/out.png")


@given(st.text("%d0s/.x", max_size=12))
def test_a_pattern_that_is_taken_gives_every_frame_a_name_of_its_own(pattern: str) -> None:
    try:
        files = NumberedFiles(pattern)
    except UsageError:
        return
    paths = [files.path(number) for number in range(12)]
    assert len(set(paths)) == 12
    assert len({path.parent for path in paths}) == 1


def test_the_folder_is_made(tmp_path: Path) -> None:
    NumberedFiles(str(tmp_path / "a" / "b" / "%d.png")).make_folder()
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be made"):
        NumberedFiles(str(tmp_path / "file" / "%d.png")).make_folder()


def test_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert NumberedFiles("~/%d.png").path(1) == tmp_path / "1.png"
