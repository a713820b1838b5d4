"""Where each result goes: the tree mirrored, and no two photos with the same result."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rembolt.batch.sources import Photo

_DIGITS = 8


class Names:
    """The results of photos.

    A result is `<stem>.<format>`. Photos that would share one, letter case and Unicode form aside, keep their
    extensions: `a.jpg.png` and `a.png.png`. What still is shared gets digits made from the photo's path.

    Args:
        output: the folder of the results.
        format_name: their extension.
    """

    def __init__(self, output: Path, format_name: str) -> None:
        self.sharing = 0
        """How many photos did not get their short name."""
        self._output = str(output)
        self._format = format_name
        self._results: dict[str, str] = {}
        self._taken: set[str] = set()

    def plan(self, photos: Sequence[Photo]) -> None:
        """Settle the names of photos that are known together; the order they come in does not matter."""
        levels = dict.fromkeys(photos, 0)
        names = {photo: self._name(photo, 0) for photo in photos}
        while True:
            counts = Counter(map(_folded, names.values()))
            groups: dict[str, list[Photo]] = {}
            for photo, name in names.items():
                if counts[key := _folded(name)] > 1:
                    groups.setdefault(key, []).append(photo)
            if not groups:
                break
            for group in groups.values():
                lowest = min(levels[photo] for photo in group)
                for photo in group:
                    if levels[photo] == lowest:
                        levels[photo] += 1
                        names[photo] = self._name(photo, levels[photo])
        self.sharing += sum(level > 0 for level in levels.values())
        self._results.update((photo.path, name) for photo, name in names.items())
        self._taken.update(map(_folded, names.values()))

    def of(self, photo: Photo) -> Path:
        """The result of a photo; one that was not planned gets the shortest name that is free."""
        if photo.path not in self._results:
            level = 0
            while _folded(name := self._name(photo, level)) in self._taken:
                level += 1
            self.sharing += level > 0
            self._results[photo.path] = name
            self._taken.add(_folded(name))
        return Path(self._output, self._results[photo.path])

    def _name(self, photo: Photo, level: int) -> str:
        if level == 0:
            return f"{os.path.splitext(photo.place)[0]}.{self._format}"  # noqa: PTH122 - text, for memory
        if level == 1:
            return f"{photo.place}.{self._format}"
        digits = sha256(os.fsencode(photo.path)).hexdigest()[: _DIGITS * (level - 1)]
        return f"{photo.place}.{digits}.{self._format}"


def _folded(name: str) -> str:
    """What is the same for two names that some file system takes for one."""
    return unicodedata.normalize("NFC", name).casefold()
