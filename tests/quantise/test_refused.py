"""Models, files, numbers and places with which nothing can be made: one sentence each, nothing kept."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from quantise.asking import asked, nothing_kept, told
from quantise.small_networks import write

from rembolt.errors import BrokenWeightsError, ModelError, OutputError, UsageError
from rembolt.quantise.run import Request

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("sam", "sam cannot be quantised here"),
        ("vitmatte-small-distinctions-646", "cannot be quantised here"),
        ("withoutbg", "cannot be quantised here"),
        ("u2net_custom", "cannot be quantised here"),
        ("birefnet-general-fp16", "is in fp16 already"),
    ],
)
def test_models_that_have_no_such_form(pictures, model, words, home):
    with pytest.raises(UsageError, match=words):
        told(asked(model, pictures))
    assert nothing_kept(home)


def test_masks_for_clothes(pictures):
    with pytest.raises(UsageError, match="three masks"):
        told(asked("u2net_cloth_seg", pictures, masks=pictures.parent / "masks"))


@pytest.mark.parametrize("to", ["int8", "fp16"])
@pytest.mark.parametrize("content", [b"nothing", b"", "half"])
def test_what_is_no_network(mine, pictures, home, content, to):
    mine.write_bytes(mine.read_bytes()[:900] if content == "half" else content)
    with pytest.raises(ModelError) as caught:
        told(asked(mine, pictures, to=to))
    assert "\n" not in str(caught.value)
    assert nothing_kept(home)


def test_a_network_of_another_size_than_its_json_says(mine, pictures):
    mine.with_suffix(".json").write_text('{"input_size": 96}')
    with pytest.raises(BrokenWeightsError, match=r"takes an input of shape \[1, 3, 64, 64\]"):
        told(asked(mine, pictures))


def test_a_network_without_layers(mine, pictures):
    nodes = [onnx.helper.make_node("ReduceMax", ["image"], ["mask"], axes=[1], keepdims=1)]
    write(mine, nodes, {})
    with pytest.raises(UsageError, match="has no layers in single precision that can be computed in 8 bits"):
        told(asked(mine, pictures))


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"limit": 0}, "limit is a percentage above 0"),
        ({"limit": -1}, "limit is a percentage above 0"),
        ({"limit": 101}, "limit is a percentage above 0"),
        ({"limit": float("nan")}, "limit is a percentage above 0"),
        ({"count": 7}, "count must be at least 8, not 7"),
    ],
    ids=str,
)
def test_numbers_out_of_range(wishes, words):
    with pytest.raises(UsageError, match=words):
        Request(model="bolt", photos=Path(), **wishes)


def test_a_home_that_cannot_be_written_is_said_before_the_work(mine, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"REMBOLT_HOME says where"):
        told(asked(mine, tmp_path / "not even looked at"))
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "file" / "below"))
    with pytest.raises(OutputError, match=r"REMBOLT_HOME says where"):
        told(asked(mine, tmp_path))


def test_a_report_that_cannot_be_written_is_said_before_the_work(mine, tmp_path):
    with pytest.raises(OutputError, match=r"report\.json"):
        told(asked(mine, tmp_path / "not even looked at", report=tmp_path / "none" / "report.json"))
