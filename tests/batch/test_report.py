"""The report: lines that are whole, and what an earlier run did."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rembolt.batch.record import Record, Stamp
from rembolt.batch.report import Earlier, Report
from rembolt.errors import OutputError, UsageError

OPTIONS = {"bgcolor": (1, 2, 3, 255), "model": "u2net"}


def record(name: str, status: str = "done", **more) -> Record:
    return Record(name, Path("out", name), status, stamp=Stamp(12, 34), **more)


def written(path: Path, *records: Record, options=OPTIONS) -> bytes:
    with Report(path, options) as report:
        for each in records:
            report.write(each)
    return path.read_bytes()


def earlier(path: Path, options=OPTIONS):
    with Report(path, options) as report:
        return report.earlier()


def test_a_line_for_each_photo(folder):
    data = written(Path("r.jsonl"), record("a.jpg", seconds=0.5, size=(3, 2), bytes=99))
    line = json.loads(data)
    assert line.pop("finished").endswith("+00:00")
    assert line == {
        "rembolt": 1,
        "input": str(folder / "a.jpg"),
        "output": str(folder / "out" / "a.jpg"),
        "status": "done",
        "error": None,
        "seconds": 0.5,
        "size": [3, 2],
        "bytes": 99,
        "input_bytes": 12,
        "input_changed": 34,
        "options": {"bgcolor": [1, 2, 3, 255], "model": "u2net"},
    }
    assert written(Path("r.jsonl"), record("b.jpg")).startswith(data)


def test_a_line_is_there_at_once(folder):
    with Report(Path("r.jsonl"), OPTIONS) as report:
        report.write(record("a.jpg"))
        assert len(Path("r.jsonl").read_bytes().splitlines()) == 1


def test_what_an_earlier_run_did(folder):
    path = Path("r.jsonl")
    written(
        path, record("a"), record("b", "failed"), record("c"), record("c", "failed"), record("d", "skipped")
    )
    written(path, record("b"), record("a", "skipped"))
    stamps = {"a": Stamp(12, 34), "b": Stamp(12, 34), "c": None}
    assert earlier(path) == {
        str(folder / name): Earlier(str(folder / "out" / name), stamp) for name, stamp in stamps.items()
    }


def test_only_options_that_change_pictures_count(folder):
    path = Path("r.jsonl")
    written(path, record("a"))
    assert earlier(path, {**OPTIONS, "threads": 1, "device": "cpu", "offline": True, "max_pixels": 10_000})
    assert not earlier(path, {**OPTIONS, "precision": "fp16"}), "other numbers give other pixels"
    assert not earlier(path, {**OPTIONS, "only_mask": True})
    assert not earlier(path, {**OPTIONS, "model": "bolt"})
    written(path, record("a"), options={})
    assert earlier(path, {"model": "bolt"}), "the default model is one like others"


def test_a_default_that_is_given_is_the_same_as_one_that_is_not(folder):
    path = Path("r.jsonl")
    given = {"format": "png", "putalpha": False, "quality": None, "alpha_matting_erode_size": 10}
    written(path, record("a"), options={})
    assert earlier(path, given)
    written(path, record("a"), options=given)
    assert earlier(path, {})
    assert not earlier(path, {**given, "alpha_matting_erode_size": 11})
    written(path, record("a"), options={"bgcolor": (1, 2, 3)})
    assert earlier(path, {"bgcolor": [1, 2, 3, 255]})


@pytest.mark.parametrize("cut", [1, 2, 20, 150])
def test_a_line_that_was_cut_off_is_removed(folder, cut, caplog):
    path = Path("r.jsonl")
    whole = written(path, record("a"))
    both = written(path, record("b"))
    path.write_bytes(both[:-cut])
    with Report(path, OPTIONS) as report:
        report.write(record("c"))
        assert set(report.earlier()) == {str(folder / "a"), str(folder / "c")}
    assert path.read_bytes().startswith(whole + b'{"rembolt": 1, "input": ')
    assert "cut off" in caplog.text


@pytest.mark.parametrize("length", [1, 10, 15, 16, 40])
def test_little_is_left_of_the_last_line(folder, length):
    path = Path("r.jsonl")
    whole = written(path, record("a"))
    os.truncate(path, len(whole) + len(written(path, record("b"))[len(whole) :][:length]))
    assert set(earlier(path)) == {str(folder / "a")}
    assert path.read_bytes() == whole


@pytest.mark.parametrize("length", [15, 16, 40])
def test_the_only_line_was_cut_off(folder, length):
    path = Path("r.jsonl")
    path.write_bytes(written(path, record("a"))[:length])
    assert earlier(path) == {}
    assert path.read_bytes() == b""


def test_a_line_longer_than_a_block_was_cut_off(folder):
    path = Path("r.jsonl")
    whole = written(path, record("a"))
    written(path, record("b" * 200_000))
    os.truncate(path, path.stat().st_size - 1)
    assert set(earlier(path)) == {str(folder / "a")}
    assert path.read_bytes() == whole


NO_REPORTS = [
    b"\xff\xd8\xff\xe0 a photo",
    b"notes\n",
    b'{"other": 1}\n',
    b" ",
    b"{",
    b'{"input": "x", "score": 3}',
    b'{"input": "x", "score": 3}\n{"in',
    b'{"rembolt": 10',
]


@pytest.mark.parametrize("content", NO_REPORTS)
def test_a_file_that_is_no_report_is_left_alone(folder, content):
    Path("mine").write_bytes(content)
    with pytest.raises(UsageError, match="no report"):
        Report(Path("mine"), OPTIONS)
    assert Path("mine").read_bytes() == content


@pytest.mark.parametrize("tail", [b"notes", b'{"input": "x"}', b"x" * 200_000])
def test_a_report_that_somebody_wrote_into_is_left_alone(folder, tail):
    whole = written(Path("r.jsonl"), record("a"))
    Path("r.jsonl").write_bytes(whole + tail)
    with pytest.raises(UsageError, match="no report"):
        Report(Path("r.jsonl"), OPTIONS)
    assert Path("r.jsonl").read_bytes() == whole + tail


@pytest.mark.parametrize("name", ["missing/r.jsonl", "."])
def test_a_place_that_cannot_be_written(folder, name):
    with pytest.raises(OutputError):
        Report(Path(name), OPTIONS)


@settings(max_examples=50)
@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"{}", b"[]", b"3", b'{"input": 3}']))))
def test_lines_that_make_no_sense_are_ignored(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("report") / "r.jsonl"
    whole = written(path, record("a"))
    path.write_bytes(whole + b"".join(line.replace(b"\n", b"") + b"\n" for line in lines))
    assert set(earlier(path)) == {str(Path("a").absolute())}


def test_names_of_any_bytes(folder):
    name = os.fsdecode(b"\xff \xe4\n.jpg")
    data = written(Path("r.jsonl"), record(name))
    assert data.isascii()
    assert data.count(b"\n") == 1
    assert set(earlier(Path("r.jsonl"))) == {str(folder / name)}
