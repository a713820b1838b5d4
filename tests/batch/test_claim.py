"""One run at a time in a folder, and what a killed one left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli.rembolt_command import files_in

from rembolt.batch.claim import LOCK, Claim
from rembolt.errors import OutputError


def temporary(target: Path) -> str:
    """The name that a process which ended gave."""
    code = "from pathlib import Path; from rembolt.images.files import temporary_beside\n"
    code += f"print(temporary_beside(Path({str(target)!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    return Path(done.stdout.decode().strip()).name


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
    ours = temporary(sub / "photo.png")
    for name in (ours, ".rembolt-mine.tmp", "photo.tmp"):
        (sub / name).write_bytes(b"half")
    with Claim(Path("out")):
        pass
    assert ours in files_in(sub), "it may be another command's, which is at work"
    (folder / "out" / LOCK).touch()
    with Claim(Path("out")):
        pass
    assert files_in(sub) == {".rembolt-mine.tmp", "photo.tmp"}
    assert "1 half-written file was removed" in caplog.text
    assert "was left" not in caplog.text
    assert files_in(folder / "out") == {"sub"}


def test_what_another_process_is_writing_stays(folder, caplog):
    Path("out").mkdir()
    code = "import sys; from pathlib import Path; from rembolt.images.files import whole_file\n"
    code += "with whole_file(Path('out/film.webm')) as place:\n"
    code += "    place.write_bytes(b'half'); print(place.name, flush=True); sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    name = child.stdout.readline().decode().strip()
    Path("out", LOCK).touch()
    with Claim(Path("out")):
        pass
    assert files_in(Path("out")) == {name}
    assert "1 half-written file was left" in caplog.text
    child.communicate(timeout=60)
    assert child.returncode == 0
    assert files_in(Path("out")) == {"film.webm"}


@pytest.mark.skipif(os.name == "nt", reason="a process cannot be killed alone here")
def test_what_a_killed_process_was_writing_goes(folder):
    Path("out").mkdir()
    code = "import os; from pathlib import Path; from rembolt.images.files import whole_file\n"
    code += (
        "with whole_file(Path('out/film.webm')) as place: place.write_bytes(b'half'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code], timeout=60)
    assert len(files_in(Path("out"))) == 1
    Path("out", LOCK).touch()
    with Claim(Path("out")):
        pass
    assert files_in(Path("out")) == set()


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
