"""The command as a process of its own, and what every refusal looks like."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from rembolt.cli.main import run

SOURCE = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: bytes
    err: str

    @property
    def report(self) -> Any:
        """What `--json` printed."""
        return json.loads(self.out)


def process(*arguments: object, input: bytes = b"", first: str = "", **options: Any) -> Done:
    """Run `python -m rembolt` to its end; `first` is Python that prepares the process."""
    line = prepared(command_line(*arguments), first) if first else command_line(*arguments)
    done = subprocess.run(line, input=input, capture_output=True, timeout=60, **options)
    return Done(done.returncode, done.stdout, done.stderr.decode())


def command_line(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "rembolt", *map(str, arguments)]


def prepared(line: list[str], first: str) -> list[str]:
    """The command line of a process that runs some Python and then becomes another program.

    `preexec_fn` would do, were it not for the threads of this process, with which it can wait forever.
    """
    launcher = f"{first}\nimport os, sys\nos.execv(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-c", launcher, *line]


@contextmanager
def in_process(capfd: Any) -> Iterator[Callable[..., Done]]:
    """Run command lines in this process: the same code without the start of an interpreter."""

    def run_here(*arguments: object) -> Done:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Done(code, out.encode(), err)

    logger = logging.getLogger("rembolt")
    before = logger.handlers[:], logger.propagate, logger.level
    yield run_here
    logger.handlers[:], logger.propagate, logger.level = before


def small_photo(folder: Path, photo: Image.Image) -> Path:
    """`cat.jpg` of uneven sides, small because matting is slow."""
    path = folder / "cat.jpg"
    photo.resize((151, 97)).save(path, quality=95)
    return path


def assert_refused(done: Done, code: int, *words: str) -> None:
    """One sentence on stderr that has `words` in it, nothing on stdout, the right exit code."""
    assert done.code == code, done.err
    assert done.out == b""
    assert "Traceback" not in done.err
    assert re.fullmatch(r"rembolt: \S[^\n]*[.?)\"]\n", done.err), done.err
    for word in words:
        assert word in done.err


def files_in(folder: Path) -> set[str]:
    """Names of everything in a folder, hidden files too."""
    return {entry.name for entry in folder.iterdir()}


def packages_without(folder: Path, *names: str) -> dict[str, str]:
    """The environment of an interpreter (started with `-S`) that lacks some of the installed packages."""
    import numpy

    folder.mkdir()
    for entry in Path(numpy.__file__).parent.parent.iterdir():
        if not entry.name.startswith(names):
            (folder / entry.name).symlink_to(entry)
    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{SOURCE}"}


def process_without_site(*arguments: object, **options: Any) -> Done:
    """Run the command with the packages of `PYTHONPATH` alone."""
    line = [sys.executable, "-S", "-m", "rembolt", *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, timeout=60, **options)
    return Done(done.returncode, done.stdout, done.stderr.decode())
