"""The network inside the wheel: what its card promises of the file."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import onnx
import pytest

from rembolt import Remover
from rembolt.models.catalogue import find_model
from rembolt.models.store import where

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def spec():
    return find_model("bolt")


@pytest.fixture(scope="module")
def network(spec) -> onnx.ModelProto:
    return onnx.load(where(spec).path)


def test_it_is_small_and_its_size_is_in_the_catalogue(spec):
    (asset,) = spec.assets
    size = where(spec).path.stat().st_size
    assert size == asset.size
    both = size + where(spec).path.with_name("bolt.int8.onnx").stat().st_size
    assert both <= 4_000_000


def test_normalisation_is_folded(network):
    assert "BatchNormalization" not in {node.op_type for node in network.graph.node}


def test_a_portrait_is_found_and_not_the_whole_room(astronaut):
    alpha = Remover("bolt").cutout(astronaut).alpha
    face = alpha[70:170, 180:270]
    assert face.mean() > 230
    assert 0.2 < (alpha > 127).mean() < 0.8


def test_the_card_speaks_of_this_file(spec):
    card = where(spec).path.with_suffix(".md").read_text(encoding="utf-8")
    width, height = spec.input_size
    assert f"used at {width} x {height}" in card
    assert f"levels {spec.levels[0]} and {spec.levels[1]}" in card
    assert f"{spec.size / 1e6:.1f} MB" in card
    assert f"| licence | {spec.licence}," in card


def test_the_wheel_is_small_and_has_the_network_and_its_card(tmp_path):
    # Without isolation: the build tool is a requirement of the tests, and nothing is downloaded.
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(tmp_path), str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size <= 6_000_000
    with zipfile.ZipFile(wheel) as files:
        names = set(files.namelist())
    assert {"rembolt/models/weights/bolt.onnx", "rembolt/models/weights/bolt.md", "rembolt/py.typed"} <= names
    assert not [name for name in names if name.startswith(("training", "tests", "benchmarks"))]
