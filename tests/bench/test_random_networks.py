"""Networks with random weights: the paper's shape, and an answer that is the subject of the photos."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rembolt.bench import random_networks
from rembolt.bench.photos import photo, subject
from rembolt.engine.loading import load, session_options
from rembolt.models.catalogue import find_model
from rembolt.segmenters.prepare import prepare

onnx = pytest.importorskip("onnx")

PUBLISHED = {"u2net": 44_009_869, "u2netp": 1_131_181}
"""Parameters of the authors' PyTorch networks, before their batch normalisation (two a channel) is folded."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("networks")
    for name in random_networks.LAYOUTS:
        random_networks.write(name, folder / f"{name}.onnx")
    return {name: folder / f"{name}.onnx" for name in random_networks.LAYOUTS}


def convolutions(model: Any) -> list[tuple[Any, ...]]:
    """Kernel shape, dilation, padding and stride of each, in order."""
    dims = {each.name: tuple(each.dims) for each in model.graph.initializer}
    keys = ("dilations", "pads", "strides", "group")
    found = []
    for node in model.graph.node:
        if node.op_type == "Conv":
            given = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
            found.append((dims[node.input[1]], *(given[key] for key in keys)))
    return found


def parameters(model: Any) -> int:
    names = {name for node in model.graph.node if node.op_type == "Conv" for name in node.input[1:]}
    return sum(int(np.prod(each.dims)) for each in model.graph.initializer if each.name in names)


@pytest.mark.parametrize("name", random_networks.LAYOUTS)
def test_the_network_is_sound_and_as_large_as_the_published_one(name: str, written: dict[str, Path]) -> None:
    model = onnx.load(written[name])
    onnx.checker.check_model(model, full_check=True)
    assert written[name].stat().st_size == pytest.approx(find_model(name).size, rel=0.01)


@pytest.mark.parametrize("name", PUBLISHED)
def test_it_has_as_many_parameters_as_the_authors_network(name: str, written: dict[str, Path]) -> None:
    model = onnx.load(written[name])
    normalised = sum(shape[0] for shape, *_ in convolutions(model) if shape[0] > 1)
    assert parameters(model) + 2 * normalised == PUBLISHED[name]


def test_the_shape_is_that_of_the_real_u2netp(shared: Path, written: dict[str, Path]) -> None:
    place = shared / "models" / "u2netp.onnx"
    if not place.is_file():
        pytest.skip("needs the weights of u2netp in the shared folder")
    real, made = onnx.load(place), onnx.load(written["u2netp"])
    assert convolutions(made) == convolutions(real)
    assert [node.op_type for node in made.graph.node] == [node.op_type for node in real.graph.node]


def test_u2net_has_the_papers_blocks(written: dict[str, Path]) -> None:
    kernels = Counter(shape for shape, *_ in convolutions(onnx.load(written["u2net"])))
    assert sum(kernels.values()) == 119
    assert kernels[512, 1024, 3, 3] == 1  # the entry of the deepest decoder block
    assert kernels[256, 512, 3, 3] == 9  # three in each of the dilated blocks
    assert kernels[64, 3, 3, 3] == 1
    assert kernels[1, 6, 1, 1] == 1


@pytest.mark.parametrize("name", random_networks.LAYOUTS)
def test_the_answer_is_the_subject(name: str, written: dict[str, Path]) -> None:
    session = load(written[name], session_options(1), ["CPUExecutionProvider"])
    made = photo(320, 240)
    (answer,) = session.run(None, {"image": prepare(made, find_model(name), exact=False)})
    assert answer.shape == (1, 1, 320, 320)
    assert answer.min() >= 0
    assert answer.max() <= 1
    truth = np.asarray(subject(320, 240).resize((320, 320), Image.Resampling.BILINEAR)) > 127
    found = answer[0, 0] > 0.5
    assert (found & truth).sum() / (found | truth).sum() > 0.95


def test_the_same_bytes_each_time(tmp_path: Path, written: dict[str, Path]) -> None:
    random_networks.write("u2netp", tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == written["u2netp"].read_bytes()
