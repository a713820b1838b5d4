"""A folder with a small photo, and the command in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli.rembolt_command import Done, in_process, small_photo
from PIL import Image


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: an empty one."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def photo(folder: Path, cat: Image.Image) -> Path:
    """`cat.jpg` in the current folder."""
    return small_photo(folder, cat)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Done]]:
    """The command line in this process."""
    with in_process(capfd) as run_here:
        yield run_here
