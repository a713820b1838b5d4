"""Which photos: those of a folder, of a pattern, of a list, or a single one."""

from __future__ import annotations

import fnmatch
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rembolt.errors import UnreadableImageError, UsageError
from rembolt.images.files import identity_of
from rembolt.images.formats import SOURCE_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTENSIONS = frozenset(ending for known in SOURCE_FORMATS for ending in known.extensions)
"""What a photo's name ends in, lower case."""

_ANY_FOLDERS = "**"


class Photo(NamedTuple):
    """A file to cut out.

    Attributes:
        path: where it is.
        place: where it lies in its tree, which the results mirror; the bare name where there is no tree.
    """

    path: str
    place: str


class Trouble(NamedTuple):
    """A place where photos may be that could not be looked into.

    Attributes:
        path: the place.
        sentence: what is wrong and what to do.
    """

    path: str
    sentence: str


class Tree:
    """The photos under a folder whose place in it matches a pattern.

    Hidden files and folders are left out unless the pattern asks for the dot. Links to folders are not
    followed, since they can lead in circles; links to files are.

    Args:
        root: the folder.
        segments: the pattern, a part for each level; `**` is any number of folders.
        avoid: a folder that is not looked into, however it is reached: where the results go.
    """

    def __init__(self, root: Path, segments: tuple[str, ...], avoid: Path) -> None:
        self.root = root
        self.linked_folders = 0
        """How many links to folders the last walk passed by."""
        self._segments = segments
        self._avoid = avoid

    def walk(self) -> Iterator[Photo | Trouble]:
        """All photos there are now, folder by folder, sorted by name."""
        self.linked_folders = 0
        avoid = identity_of(self._avoid)
        todo = [(str(self.root), "", self._reached({0}))]
        while todo:
            folder, place, states = todo.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                yield Trouble(folder, f"the folder cannot be looked into ({error.strerror or error}).")
                continue
            deeper = []
            for entry in entries:
                after = self._after(states, entry.name)
                if not after:
                    continue
                inside = os.path.join(place, entry.name)  # noqa: PTH118 - text: a plan may hold millions
                if _is_folder(entry):
                    ends = min(after) == len(self._segments)
                    if not ends and (avoid is None or identity_of(entry.path) != avoid):
                        deeper.append((entry.path, inside, after))
                elif len(self._segments) in after and is_named_like_a_photo(entry.name):
                    if _is_linked_folder(entry):
                        self.linked_folders += 1
                    elif _may_be_read(entry):
                        yield Photo(entry.path, inside)
                elif _is_linked_folder(entry):
                    self.linked_folders += 1
            todo += reversed(deeper)

    def _after(self, states: frozenset[int], name: str) -> frozenset[int]:
        """Which parts of the pattern may come next, when a path that could go on with `states` has `name`."""
        after = set()
        for state in states:
            if state == len(self._segments):
                continue
            segment = self._segments[state]
            if name.startswith(".") and not segment.startswith("."):
                continue
            if segment == _ANY_FOLDERS:
                after.add(state)
            elif fnmatch.fnmatch(name, segment):
                after.add(state + 1)
        return self._reached(after)

    def _reached(self, states: set[int]) -> frozenset[int]:
        """The same, and what comes behind a `**`, which may be nothing."""
        for state in sorted(states):
            while state < len(self._segments) and self._segments[state] == _ANY_FOLDERS:
                state += 1
                states.add(state)
        return frozenset(states)


def tree_of(source: str, output: Path) -> Tree | None:
    """The tree that a folder or a pattern stands for; None for the path of one file.

    Args:
        source: what the user gave. A path that exists is taken as it is, whatever characters it has.
        output: where the results go.

    Raises:
        UnreadableImageError: there is no such path, or the fixed part of a pattern is no folder.
        UsageError: the results would go into the folder that the photos are taken from.
    """
    path = Path(source)
    if not source:
        raise UsageError("INPUT is empty; give a folder, a pattern in quotes, a photo or -.")
    if path.is_dir():
        tree = Tree(path, (_ANY_FOLDERS,), output)
    elif os.path.lexists(path):
        return None
    elif any(map(_is_pattern, path.parts)):
        fixed = next(index for index, part in enumerate(path.parts) if _is_pattern(part))
        tree = Tree(Path(*path.parts[:fixed]), path.parts[fixed:], output)
        if not tree.root.is_dir():
            raise UnreadableImageError(f"'{tree.root}', where the pattern begins, is not a folder.")
    else:
        raise UnreadableImageError(f"'{source}' does not exist; give a folder, a pattern in quotes or -.")
    if identity_of(tree.root) == identity_of(output):
        raise UsageError(
            f"'{output}' is where the photos are; give OUTPUT another folder, one in it will do."
        )
    return tree


def listed(data: bytes) -> list[Photo]:
    """The photos of a list of paths, one a line, or ended by NULs when there is one in it."""
    separator = b"\0" if b"\0" in data else b"\n"
    lines = (
        os.fsdecode(line if separator == b"\0" else line.rstrip(b"\r")) for line in data.split(separator)
    )
    return [Photo(line, os.path.basename(line)) for line in lines if line.strip()]  # noqa: PTH119 - see walk


def without_repeats(photos: list[Photo]) -> list[Photo]:
    """The same photos, each path once."""
    return list({os.path.abspath(photo.path): photo for photo in photos}.values())  # noqa: PTH100 - see walk


def is_named_like_a_photo(name: str) -> bool:
    """Whether a file's extension is one of a format that is read."""
    return os.path.splitext(name)[1].lower() in EXTENSIONS  # noqa: PTH122 - see walk


def _is_pattern(part: str) -> bool:
    return any(character in part for character in "*?[")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_linked_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:
        return False


def _may_be_read(entry: os.DirEntry[str]) -> bool:
    """Not a pipe or a device, which might never end; a link to nothing is let through, to be told."""
    try:
        return stat.S_ISREG(entry.stat().st_mode)
    except OSError:
        return True
