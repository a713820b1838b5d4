"""Weights in another precision are found by what they were made of."""

from __future__ import annotations

import hashlib
import json

import pytest

from rembolt.models import variants


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "own.onnx"
    path.write_bytes(b"the network")
    return path


def put(source, precision="int8", report='{"good": true}'):
    path = variants.place(source, precision)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"fewer bits")
    path.with_suffix(".json").write_text(report)
    return path


def test_they_lie_under_the_hash_of_their_source(source, tmp_path):
    content = hashlib.sha256(b"the network").hexdigest()
    assert variants.place(source, "int8") == tmp_path / "rembolt" / "variants" / content / "int8.onnx"
    assert variants.place(source, "fp16").parent == variants.place(source, "int8").parent
    assert not (tmp_path / "rembolt" / "variants").exists()  # asking makes nothing


def test_none_was_made(source):
    assert variants.find(source, "int8") is None
    put(source)
    assert variants.find(source, "fp16") is None


def test_found_with_its_report(source):
    path = put(source)
    assert variants.find(source, "int8") == variants.Variant(path, {"good": True})


def test_moved_and_copied_sources_still_have_theirs(source, tmp_path):
    path = put(source)
    moved = source.rename(tmp_path / "elsewhere.onnx")
    assert variants.find(moved, "int8").path == path
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(moved.read_bytes())
    assert variants.find(copy, "int8").path == path


def test_a_source_that_was_changed_has_none(source):
    put(source)
    source.write_bytes(b"another network")
    assert variants.find(source, "int8") is None


@pytest.mark.parametrize("report", ["", "{", "[]", "null", '"good"', "\udcff"], ids=repr)
def test_without_a_readable_report_there_is_none(source, report):
    path = put(source, report="")
    path.with_suffix(".json").write_bytes(report.encode("utf-8", "surrogateescape"))
    assert variants.find(source, "int8") is None


def test_a_report_alone_or_a_network_alone_is_none(source):
    path = put(source)
    path.unlink()
    assert variants.find(source, "int8") is None
    path.write_bytes(b"fewer bits")
    assert variants.find(source, "int8") is not None
    path.with_suffix(".json").unlink()
    assert variants.find(source, "int8") is None


def test_a_source_that_is_gone(source):
    put(source)
    source.unlink()
    assert variants.find(source, "int8") is None
    with pytest.raises(OSError):
        variants.place(source, "int8")


def test_a_folder_of_that_name_is_no_network(source):
    path = put(source)
    path.unlink()
    path.mkdir()
    assert variants.find(source, "int8") is None
    assert json.loads(path.with_suffix(".json").read_bytes()) == {"good": True}
