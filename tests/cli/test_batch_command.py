"""`rembolt batch`: what is taken, where results go, what is said, what goes wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli.rembolt_command import assert_refused, files_in, process, small_photo
from PIL import Image

import rembolt


@pytest.fixture
def photos(folder: Path, cat: Image.Image) -> Path:
    """A folder `in` with five photos, one of which is broken."""
    for place in ("in", "in/sub", "in/sub/deep"):
        (folder / place).mkdir()
    photo = small_photo(folder, cat)
    for name in ("a.jpg", "sub/b.jpg", "sub/deep/c.jpg"):
        shutil.copy(photo, folder / "in" / name)
    Image.open(photo).save(folder / "in" / "d.webp")
    (folder / "in" / "sub" / "bad.jpg").write_bytes(b"no photo")
    photo.unlink()
    return folder / "in"


@pytest.fixture
def good(photos: Path) -> Path:
    """The same without the broken one."""
    (photos / "sub" / "bad.jpg").unlink()
    return photos


def tree(place: str) -> set[str]:
    return {path.relative_to(place).as_posix() for path in Path(place).rglob("*") if path.is_file()}


def lines(report: str) -> list[dict]:
    return [json.loads(line) for line in Path(report).read_text().splitlines()]


RESULTS = {"a.png", "d.png", "sub/b.png", "sub/deep/c.png"}


# --- what is taken and where it goes


@pytest.mark.parametrize("command", ["batch", "p"])
def test_a_folder_is_mirrored(run, good, command):
    done = run(command, "in", "out/new")
    assert done.code == 0, done.err
    assert done.out == b""
    assert tree("out/new") == RESULTS
    assert (Path("out/new/sub/b.png")).read_bytes() == rembolt.remove((good / "sub" / "b.jpg").read_bytes())
    assert "4 done, 0 skipped, 0 failed" in done.err


def test_output_inside_input_is_not_input(run, good):
    for _ in range(2):
        assert run("batch", "in", "in/out", "--overwrite").code == 0
    assert tree("in/out") == RESULTS


def test_patterns(run, good):
    assert run("batch", "in/**/[bc].jpg", "out").code == 0
    assert tree("out") == {"sub/b.png", "sub/deep/c.png"}


def test_one_photo(run, good):
    assert run("batch", "in/a.jpg", "out", "--format", "webp").code == 0
    assert tree("out") == {"a.webp"}
    assert Image.open("out/a.webp").format == "WEBP"


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\0"])
def test_lists(good, separator):
    shutil.copy(good / "a.jpg", "named like no photo")
    named = ["in/a.jpg", "named like no photo", "in/sub/b.jpg", "./in/a.jpg"]
    done = process("batch", "-", "out", input=separator.join(named).encode())
    assert done.code == 0, done.err
    assert tree("out") == {"a.png", "named like no photo.png", "b.png"}
    assert "(1 repeats)" in done.err


def test_a_shared_name_is_said(run, good):
    Image.open(good / "a.jpg").save(good / "a.png")
    done = run("batch", "in", "out")
    assert tree("out") == RESULTS - {"a.png"} | {"a.jpg.png", "a.png.png"}
    assert done.err.count("2 photos share a name") == 1


def test_flags_are_the_librarys_options(run, good):
    assert run("batch", "in/a.jpg", "out", "-x", '{"only_mask": true}', "--max-size", "64").code == 0
    expected = rembolt.remove(good / "a.jpg", only_mask=True, max_size=64)
    assert np.array_equal(np.asarray(Image.open("out/a.png")), np.asarray(expected))


def test_rembgs_flags_are_all_there(run):
    command = pytest.importorskip("rembg.commands.p_command").p_command
    from rembolt.cli.batch import command as ours

    known = {flag for option in ours.params for flag in option.opts}
    for option in command.params:
        for flag in option.opts if option.param_type_name == "option" else ():
            assert flag in known


@pytest.mark.parametrize(
    "flags", [["--accept-usage-cost"], ["--workers", "1"], ["--workers", "3"], ["--threads", "1"], ["-v"]]
)
def test_flags_that_change_no_result(run, good, flags):
    assert run("batch", "in", "out", *flags).code == 0
    assert tree("out") == RESULTS


def test_no_photos(run, folder):
    Path("in").mkdir()
    Path("in/notes.txt").touch()
    for source in ("in", "in/*.jpg"):
        done = run("batch", source, "out")
        assert (done.code, done.err) == (0, f"rembolt: no photos in '{source}'.\n")
    done = process("batch", "-", "out")
    assert (done.code, done.err) == (0, "rembolt: no photos in the list.\n")
    assert files_in(folder) == {"in"}


# --- what is there already


def test_results_that_exist_are_kept_until_overwritten(run, good):
    Path("out").mkdir()
    Path("out/a.png").write_bytes(b"old")
    done = run("batch", "in", "out")
    assert "3 done, 1 skipped, 0 failed" in done.err
    assert Path("out/a.png").read_bytes() == b"old"
    done = run("batch", "in", "out", "--overwrite")
    assert "4 done, 0 skipped, 0 failed" in done.err
    assert Image.open("out/a.png").size == (151, 97)


def test_all_skipped_loads_no_model(good):
    assert process("batch", "in", "out").code == 0
    first = "import sys; sys.modules['onnxruntime'] = None"
    code = f"{first}\nfrom rembolt.cli.main import run\nsys.exit(run(['batch', 'in', 'out']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert b"0 done, 4 skipped" in done.stderr


@pytest.mark.parametrize("flags", [[], ["--overwrite"]])
def test_an_input_is_never_replaced(run, folder, cat, flags):
    small_photo(folder, cat).rename("a.jpg")
    Image.open("a.jpg").save("b.png")
    Path("link.png").symlink_to("b.png")
    os.link("b.png", "hard.png")
    before = Path("a.jpg").read_bytes(), Path("b.png").read_bytes()
    for source in ("b.png", "link.png", "hard.png"):
        assert run("batch", source, ".", *flags).code == 1
    assert run("batch", "a.jpg", ".", "--format", "jpg", *flags).code == 1
    done = process("batch", "-", ".", *flags, input=b"b.png\nnothing/hard.jpg")
    assert done.code == 1
    assert "would replace a photo of this batch" in done.err
    assert (Path("a.jpg").read_bytes(), Path("b.png").read_bytes()) == before
    assert files_in(folder) == {"a.jpg", "b.png", "link.png", "hard.png"}


def test_delete_input(run, photos):
    Path("out").mkdir()
    Path("out/d.png").write_bytes(b"old")
    assert run("p", "-d", "in", "out").code == 1
    assert tree("in") == {"sub/bad.jpg", "d.webp"}, "what was not done is kept"
    assert tree("out") == RESULTS
    assert run("p", "--delete_input", "--overwrite", "in", "out").code == 1
    assert tree("in") == {"sub/bad.jpg"}


# --- the report


def test_the_report_has_all(run, photos):
    Path("out").mkdir()
    Path("out/d.png").write_bytes(b"old")
    assert run("batch", "in", "out", "--report", "r.jsonl", "-q").code == 1
    by_input = {Path(line["input"]).relative_to(photos).as_posix(): line for line in lines("r.jsonl")}
    assert {name: line["status"] for name, line in by_input.items()} == {
        "a.jpg": "done",
        "sub/b.jpg": "done",
        "sub/deep/c.jpg": "done",
        "d.webp": "skipped",
        "sub/bad.jpg": "failed",
    }
    line = by_input["sub/b.jpg"]
    assert line["output"] == str(Path("out/sub/b.png").absolute())
    assert line["size"] == [151, 97]
    assert line["bytes"] == Path("out/sub/b.png").stat().st_size
    assert "not an image" in by_input["sub/bad.jpg"]["error"]


def test_resume(run, photos, cat):
    arguments = ["batch", "in", "out", "--report", "r.jsonl", "--resume"]
    assert run(*arguments).code == 1
    times = {name: Path("out", name).stat().st_mtime_ns for name in RESULTS}

    small_photo(photos, cat).rename(photos / "sub" / "bad.jpg")  # mended
    os.utime(photos / "a.jpg", (1, 1))  # changed
    Path("out/d.png").unlink()  # lost
    done = run(*arguments)
    assert done.code == 0, done.err
    assert "3 done, 2 skipped, 0 failed" in done.err
    changed = {name for name, time in times.items() if Path("out", name).stat().st_mtime_ns != time}
    assert changed == {"a.png", "d.png"}
    assert tree("out") == RESULTS | {"sub/bad.png"}
    assert len(lines("r.jsonl")) == 8
    assert "0 done, 5 skipped" in run(*arguments).err
    assert len(lines("r.jsonl")) == 8


def test_resume_with_overwrite_redoes_what_was_done_otherwise(run, good):
    arguments = ["batch", "in", "out", "--report", "r.jsonl", "--resume", "--overwrite"]
    assert run(*arguments).code == 0
    assert "4 done, 0 skipped" in run(*arguments, "-om").err
    assert "0 done, 4 skipped" in run(*arguments, "-om").err
    assert Image.open("out/a.png").mode == "L"


def test_resume_in_another_output_keeps_what_is_there(run, good):
    assert run("batch", "in", "out", "--report", "r.jsonl").code == 0
    Path("other").mkdir()
    Path("other/a.png").write_bytes(b"somebody's")
    arguments = ["batch", "in", "other", "--report", "r.jsonl", "--resume"]
    assert "3 done, 1 skipped" in run(*arguments).err
    assert Path("other/a.png").read_bytes() == b"somebody's"
    assert "1 done, 3 skipped" in run(*arguments, "--overwrite").err
    assert Image.open("other/a.png").size == (151, 97)


def test_resume_with_defaults_that_are_given(run, good):
    arguments = ["batch", "in", "out", "--report", "r.jsonl", "--resume", "--overwrite"]
    assert run(*arguments).code == 0
    assert "0 done, 4 skipped" in run(*arguments, "--format", "png", "-m", "bolt", "-af", "240").err


# --- what is said


def test_a_bad_photo_is_named_and_the_others_are_done(run, photos):
    done = run("batch", "in", "out")
    assert done.code == 1
    assert tree("out") == RESULTS
    assert done.err.count("rembolt: 'in/sub/bad.jpg' is not an image") == 1
    assert "rembolt: failed: 'in/sub/bad.jpg' is not an image" in done.err
    assert "4 done, 0 skipped, 1 failed" in done.err.splitlines()[-1]


def test_quiet_says_only_failures(run, photos):
    done = run("batch", "in", "out", "-q")
    assert done.err.startswith("rembolt: 'in/sub/bad.jpg' is not an image")
    assert done.err.count("\n") == 1
    (photos / "sub" / "bad.jpg").unlink()
    assert run("batch", "in", "out", "-q").err == ""


def test_verbose_names_every_photo(run, good):
    assert "in/sub/b.jpg -> out/sub/b.png (" in run("batch", "in", "out", "-v").err
    assert "in/sub/b.jpg: skipped, its result exists" in run("batch", "in", "out", "-v").err


def test_json_is_one_object(run, photos, usual_precision):
    report = run("batch", "in", "out", "--json", "--workers", "2").report
    assert report.pop("seconds") > 0
    assert report.pop("photos_per_second") > 0
    (failure,) = report.pop("failures")
    assert failure["input"] == "in/sub/bad.jpg"
    assert report.pop("threads") >= 1
    assert report == {
        "input": "in",
        "output": "out",
        "photos": 5,
        "done": 4,
        "skipped": 0,
        "failed": 1,
        "stopped": None,
        "interrupted": False,
        "model": "bolt",
        "device": "cpu",
        "precision": usual_precision,
        "workers": 2,
    }


def test_many_failures_are_counted_and_some_named(run, folder):
    Path("in").mkdir()
    for number in range(30):
        Path(f"in/{number}.jpg").write_bytes(b"no photo")
    done = run("batch", "in", "out", "--report", "r.jsonl")
    assert done.err.count("rembolt: failed: ") == 20
    assert "and 10 more failed" in done.err
    assert len(lines("r.jsonl")) == 30


def test_names_that_would_move_the_cursor(run, folder):
    Path("in").mkdir()
    Path("in/\x1b[2J\nred.jpg").write_bytes(b"no photo")
    Path(os.fsdecode(b"in/\xff.jpg")).write_bytes(b"no photo")
    done = run("batch", "in", "out")
    assert "\x1b" not in done.err
    assert "\\x1b[2J\\nred.jpg" in done.err
    assert all(line.startswith("rembolt: ") for line in done.err.splitlines())


def test_a_bar_on_a_terminal(photos):
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    ours, theirs = pty.openpty()
    line = [sys.executable, "-m", "rembolt", "batch", "in", "out"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    child = subprocess.Popen(line, stdout=theirs, stderr=theirs, stdin=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 10_000):
            shown += data
    except OSError:  # Linux's way to say that the other end is closed
        pass
    os.close(ours)
    assert child.wait(timeout=60) == 1
    assert b"5/5" in shown
    assert b"photos/s" in shown
    assert b"1 failed" in shown
    assert b"bad.jpg' is not an image" in shown
    assert b"Traceback" not in shown
    assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h") > 0, "the cursor is there again"


# --- what goes wrong


@pytest.mark.parametrize(
    ("code", "arguments", "words"),
    [
        (3, ["nothing", "out"], ["nothing"]),
        (3, ["nothing/*.jpg", "out"], ["nothing"]),
        (2, ["in", "in"], ["where the photos are"]),
        (2, ["", "out"], ["INPUT is empty"]),
        (2, ["in"], ["OUTPUT"]),
        (2, ["in", "out", "--resume"], ["--report"]),
        (2, ["in", "out", "--settle", "2"], ["--watch"]),
        (2, ["in/a.jpg", "out", "--watch"], ["folder"]),
        (2, ["in", "out", "--workers", "0"], ["workers"]),
        (2, ["in", "out", "--report", "in/a.jpg"], ["no report"]),
        (2, ["in", "out", "-x", '{"nonsense": 1}'], ["nonsense"]),
        (1, ["in", "in/a.jpg"], ["in/a.jpg", "is a file"]),
        (1, ["in", "in/a.jpg/out"], ["in/a.jpg/out"]),
        (1, ["in", "out", "--report", "missing/r.jsonl"], ["missing"]),
        (4, ["in", "out", "-m", "u2netp", "--offline"], ["u2netp"]),
        (4, ["in", "out", "-m", "u2nett"], ["u2nett"]),
        (5, ["in", "out", "--device", "cuda"], ["cuda"]),
    ],
)
def test_refusals(run, good, code, arguments, words):
    before = {path: path.read_bytes() for path in good.rglob("*") if path.is_file()}
    assert_refused(run("batch", *arguments), code, *words)
    assert {path: path.read_bytes() for path in good.rglob("*") if path.is_file()} == before
    assert tree(".") == {f"in/{name}" for name in tree("in")}


def test_photos_that_fail_in_every_way(run, good, monkeypatch):
    from rembolt.remover import Remover

    real = Remover.encode
    causes = {"a.jpg": ZeroDivisionError("surprise"), "b.jpg": MemoryError(), "c.jpg": OSError(5, "Bad disk")}

    def encode(self, image, **options):
        if image.name in causes:
            raise causes[image.name]
        return real(self, image, **options)

    monkeypatch.setattr(Remover, "encode", encode)
    done = run("batch", "in", "out")
    assert done.code == 1
    assert tree("out") == {"d.png"}
    assert "in/a.jpg: unexpected ZeroDivisionError: surprise" in done.err
    assert "in/sub/b.jpg: there is not enough memory" in done.err
    assert "Traceback" not in done.err
    assert "1 done, 0 skipped, 3 failed" in done.err


def test_results_that_cannot_be_written(run, good):
    Path("out/a.png").mkdir(parents=True)
    Path("out/sub").touch()
    done = run("batch", "in", "out")
    assert done.code == 1
    assert tree("out") == {"sub", "d.png"}
    assert "'out/a.png' is a folder" in done.err
    assert "out/sub" in done.err
    assert "1 done, 0 skipped, 3 failed" in done.err


def test_listed_things_that_are_no_photos(good):
    done = process("batch", "-", "out", input=b"in\nnothing.jpg\nin/a.jpg\n/")
    assert done.code == 1
    assert tree("out") == {"a.png"}
    assert "1 done, 0 skipped, 3 failed" in done.err
    assert "Traceback" not in done.err


def test_a_report_that_does_not_fit_any_more_stops_the_batch(run, good):
    assert run("batch", "in", "out", "--report", "r.jsonl").code == 0
    size = Path("r.jsonl").stat().st_size + 100
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"
    shutil.rmtree("out")
    flags = ["--report", "r.jsonl", "--workers", "1", "-om", "--format", "jpg"]  # small results
    done = process("batch", "in", "out", *flags, first=limit)
    assert done.code == 1
    assert "stopped: the report 'r.jsonl' cannot be written" in done.err
    assert run("batch", "in", "out", "--report", "r.jsonl").code == 0
    assert len(lines("r.jsonl")) == 8, "the torn line is gone"


def test_standard_error_is_closed(good):
    done = process("batch", "in", "out", first="import os; os.close(2)")
    assert done.code == 0
    assert tree("out") == RESULTS
