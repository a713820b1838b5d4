"""One run at a time in a folder, and what a killed one left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli.rembolt_command import files_in

from rembolt.batch.claim import LOCK, Claim
from rembolt.errors import OutputError

OURS = ".rembolt-0123456789abcdef.tmp"


def test_the_folder_is_made_and_nothing_stays(folder):
    with Claim(Path("a/b")):
        assert files_in(Path("a/b")) == {LOCK}
    assert files_in(Path("a/b")) == set()


def test_a_second_run_is_refused_until_the_first_ends(folder):
    code = "import sys; from pathlib import Path; from rembolt.batch.claim import Claim\n"
    code += "with Claim(Path('out')): print('held', flush=True); sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(OutputError, match="another batch is at work in 'out'"), Claim(Path("out")):
        pass
    child.communicate(timeout=60)
    with Claim(Path("out")):
        pass


def test_leftovers_go_only_when_a_run_was_killed(folder, caplog):
    sub = folder / "out" / "sub"
    sub.mkdir(parents=True)
    for name in (OURS, ".rembolt-mine.tmp", "photo.tmp"):
        (sub / name).write_bytes(b"half")
    with Claim(Path("out")):
        pass
    assert OURS in files_in(sub), "it may be another command's, which is at work"
    (folder / "out" / LOCK).touch()
    with Claim(Path("out")):
        pass
    assert files_in(sub) == {".rembolt-mine.tmp", "photo.tmp"}
    assert "1 half-written file was removed" in caplog.text
    assert files_in(folder / "out") == {"sub"}


def test_giving_up_twice(folder):
    with Claim(Path("out")) as claim:
        claim.give_up()
        with Claim(Path("out")):
            pass
    assert files_in(Path("out")) == set()


def test_a_folder_that_cannot_be_made(folder):
    Path("file").touch()
    with pytest.raises(OutputError, match="cannot be made"), Claim(Path("file/out")):
        pass
