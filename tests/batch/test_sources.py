"""Which photos a folder, a pattern and a list stand for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rembolt.batch.sources import Photo, Trouble, listed, tree_of, without_repeats
from rembolt.errors import UnreadableImageError, UsageError

OUTPUT = Path("out")


@pytest.fixture
def tree(folder: Path) -> Path:
    """A folder `in` with photos, other files and what must not be looked at."""
    for name in (
        "in/b.jpg",
        "in/a.PNG",
        "in/notes.txt",
        "in/.hidden.jpg",
        "in/.hidden/c.jpg",
        "in/sub/c.jpeg",
        "in/sub/deep/d.webp",
        "in/sub/.rembolt-0123456789abcdef.tmp",
        "in/Z/e.heic",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a photo, as far as names go")
    return folder / "in"


def places(source: str, output: Path = OUTPUT) -> list[str]:
    tree = tree_of(source, output)
    assert tree is not None
    items = list(tree.walk())
    assert all(isinstance(item, Photo) for item in items)
    return [item.place for item in items]


def test_a_folder_with_all_below(tree):
    assert places("in") == ["a.PNG", "b.jpg", "Z/e.heic", "sub/c.jpeg", "sub/deep/d.webp"]
    assert next(tree_of("in", OUTPUT).walk()).path == "in/a.PNG"


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("in/*", ["a.PNG", "b.jpg"]),
        ("in/*.jpg", ["b.jpg"]),
        ("in/**", ["a.PNG", "b.jpg", "Z/e.heic", "sub/c.jpeg", "sub/deep/d.webp"]),
        ("in/**/*.jp*g", ["b.jpg", "sub/c.jpeg"]),
        ("in/*/*", ["Z/e.heic", "sub/c.jpeg"]),
        ("in/**/deep/*", ["sub/deep/d.webp"]),
        ("in/**/**/d.*", ["sub/deep/d.webp"]),
        ("in/s?b/**/*.[a-w]*", ["sub/c.jpeg", "sub/deep/d.webp"]),
        ("in/.h*/*", [".hidden/c.jpg"]),
        ("in/sub/*.jpeg", ["c.jpeg"]),
        ("in/*.txt", []),
        ("*/b.jpg", ["in/b.jpg"]),
    ],
)
def test_patterns(tree, pattern, found):
    assert places(pattern) == found


def test_a_pattern_without_stars_for_folders_goes_no_deeper(tree, monkeypatch):
    looked = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: looked.append(str(path)) or scandir(path))
    assert places("in/*.jpg") == ["b.jpg"]
    assert looked == ["in"]


def test_a_folder_whose_name_is_a_pattern(tree):
    tree.rename("in [2024]*")
    assert len(places("in [2024]*")) == 5


def test_results_are_never_taken_for_photos(tree):
    before = places("in")
    (tree / "cutouts" / "sub").mkdir(parents=True)
    (tree / "cutouts" / "sub" / "c.png").write_bytes(b"a result")
    assert places("in", Path("in/cutouts")) == before
    assert places("in", Path("in/sub/../cutouts")) == before
    assert "cutouts/sub/c.png" in places("in")


def test_output_is_not_the_folder_of_the_photos(tree):
    for source in ("in", "in/*.jpg", "in/sub/.."):
        with pytest.raises(UsageError, match="where the photos are"):
            tree_of(source, Path("in"))


def test_links_are_followed_to_files_and_not_to_folders(tree):
    (tree / "loop").symlink_to(tree, target_is_directory=True)
    (tree / "sub" / "up.jpg").symlink_to(tree, target_is_directory=True)
    (tree / "link.jpg").symlink_to(tree / "b.jpg")
    (tree / "broken.jpg").symlink_to("nothing.jpg")
    found = tree_of("in", OUTPUT)
    names = [item.place for item in found.walk()]
    assert names == [*sorted(names[:4]), "Z/e.heic", "sub/c.jpeg", "sub/deep/d.webp"]
    assert {"link.jpg", "broken.jpg"} <= set(names)
    assert found.linked_folders == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_and_folders_with_a_photos_name_are_no_photos(tree):
    before = places("in")
    os.mkfifo(tree / "pipe.jpg")
    (tree / "album.jpg").mkdir()
    assert places("in") == before


def test_a_folder_that_is_gone_is_told_and_the_others_are_found(tree, monkeypatch):
    scandir = os.scandir

    def unreadable(path):
        if str(path).endswith("Z"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", unreadable)
    items = list(tree_of("in", OUTPUT).walk())
    (trouble,) = [item for item in items if isinstance(item, Trouble)]
    assert trouble.path == "in/Z"
    assert "Permission denied" in trouble.sentence
    assert len(items) == 5


@pytest.mark.parametrize("source", ["nothing", "nothing.jpg", "nothing/*.jpg"])
def test_what_is_not_there(folder, source):
    with pytest.raises(UnreadableImageError, match="nothing"):
        tree_of(source, OUTPUT)


def test_an_empty_name_is_not_the_current_folder(folder):
    with pytest.raises(UsageError, match="INPUT is empty"):
        tree_of("", OUTPUT)


def test_one_file_is_no_tree(tree):
    assert tree_of("in/b.jpg", OUTPUT) is None
    assert tree_of("in/notes.txt", OUTPUT) is None


def test_lists():
    assert listed(b"") == []
    assert listed(b"a.jpg\r\n\n  \nsub/b c.jpg") == [Photo("a.jpg", "a.jpg"), Photo("sub/b c.jpg", "b c.jpg")]
    assert listed(b"a\nb.jpg\0c.jpg\0") == [Photo("a\nb.jpg", "a\nb.jpg"), Photo("c.jpg", "c.jpg")]


@given(st.lists(st.binary(min_size=1).filter(lambda name: b"\0" not in name and name.strip()), min_size=1))
def test_lists_with_nuls_take_any_name(names):
    photos = listed(b"".join(name + b"\0" for name in names))
    kept = [os.fsdecode(name) for name in names if os.fsdecode(name).strip()]
    assert [photo.path for photo in photos] == kept


def test_repeated_paths_are_taken_once(folder):
    photos = listed(b"a.jpg\n./a.jpg\nsub/../a.jpg\nb.jpg")
    assert [Path(photo.path).name for photo in without_repeats(photos)] == ["a.jpg", "b.jpg"]
