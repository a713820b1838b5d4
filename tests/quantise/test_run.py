"""From the request to weights that `precision` finds: real networks, real photos, ONNX Runtime."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image
from quantise.asking import asked, nothing_kept, told
from quantise.small_networks import SIZE, dense, own_model, photos

from rembolt import Remover, remove
from rembolt.engine.processor import this_processor
from rembolt.errors import DeviceError
from rembolt.models import variants
from rembolt.models.catalogue import find_model
from rembolt.models.store import weights
from rembolt.quantise import int8, run
from rembolt.quantise.run import NotGoodError
from rembolt.segmenters.opening import clear_sessions, open_segmenter
from rembolt.settings import CutoutOptions, SessionOptions
from rembolt.timings import Timings

pytestmark = pytest.mark.usefixtures("home")


def test_an_own_network_is_quantised_kept_and_found(mine, pictures, home):
    before = mine.read_bytes()
    report, said = told(asked(mine, pictures))
    path = Path(report["path"])
    assert path == variants.place(mine, "int8")
    assert home in path.parents
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["int8.json", "int8.onnx"]
    kept = json.loads(path.with_suffix(".json").read_bytes())
    assert {**kept, "path": str(path)} == report
    assert mine.read_bytes() == before

    assert report["good"] is True
    assert report["forced"] is False
    assert (report["model"], report["precision"], report["layers"]) == ("mine.onnx", "int8", 5)
    assert report["calibration"]["method"] == "min-max"
    assert report["calibration"]["photos"] == 6
    assert set(report["calibration"]["tried"]) == {"min-max"}
    assert set(report["bias_correction"]) == {"with", "without"}
    assert report["difference"]["photos"] == len(report["difference"]["worst"]) == 3
    assert 0 < report["difference"]["mean"] < report["limit"] == 0.015
    assert report["accuracy"] is None
    assert report["milliseconds"]["before"] > 0
    assert report["time_ratio"] == report["milliseconds"]["before"] / report["milliseconds"]["after"]
    assert set(report["in_float"].values()) <= {"effect", "speed"}
    assert report["bytes"] == path.stat().st_size
    assert report["source"]["bytes"] == len(before)
    assert said[0] == "calibrating on 6 photos"

    page = (Path(__file__).parents[2] / "docs" / "quantise.md").read_text()
    for field in report:
        assert f"`{field}`" in page, field

    kinds = [node.op_type for node in onnx.load(path).graph.node]
    assert "QuantizeLinear" in kinds
    assert kinds.count("Conv") == 5
    with_8, with_own = Remover(str(mine), precision="int8"), Remover(str(mine), precision="fp32")
    assert with_8.precision == "int8"
    image = Image.open(next(pictures.glob("*.jpg")))
    apart = with_8.cutout(image).alpha.astype(int) - with_own.cutout(image).alpha
    assert 0 < np.abs(apart).mean() < 0.015 * 255


def test_the_difference_reported_is_that_of_the_masks(mine, pictures):
    """Counted anew through the interface that everyone uses, on the photos that were held out."""
    report, _ = told(asked(mine, pictures))
    names = sorted(path.name for path in pictures.glob("*.jpg"))[2::3]
    assert {one["photo"] for one in report["difference"]["worst"]} == set(names)
    found = []
    for precision in ("int8", "fp32"):
        segmenter = open_segmenter(SessionOptions(model=str(mine), precision=precision))
        opened = [Image.open(pictures / name).convert("RGB") for name in names]
        found.append(
            [np.asarray(segmenter.segment(image, CutoutOptions(), Timings())[0]) for image in opened]
        )
    apart = [np.abs(one.astype(int) - other).mean() / 255 for one, other in zip(*found, strict=True)]
    assert report["difference"]["mean"] == pytest.approx(np.mean(apart), rel=0.02, abs=1e-6)


def test_the_embedded_model(pictures):
    report, _ = told(asked("bolt", pictures))
    assert report["good"]
    assert report["layers"] == 54
    assert report["bytes"] < 2_500_000
    clear_sessions()
    remover, own = Remover("bolt", precision="int8"), Remover("bolt", precision="fp32")
    assert remover.precision == "int8"
    paths = sorted(pictures.glob("*.jpg"))[:3]
    apart = [np.abs(remover.cutout(path).alpha.astype(int) - own.cutout(path).alpha).mean() for path in paths]
    assert max(apart) < 0.015 * 255
    assert Image.open(io.BytesIO(remover.encode(paths[0]).data)).mode == "RGBA"
    image = Image.open(paths[0]).convert("RGB")
    alphas = [
        np.asarray(remove(image, model="bolt", precision="int8"))[..., 3],
        remove(np.asarray(image), model="bolt", precision="int8")[..., 3],
        np.asarray(Image.open(io.BytesIO(remove(paths[0].read_bytes(), model="bolt", precision="int8"))))[
            ..., 3
        ],
    ]
    for alpha in alphas:
        assert np.abs(alpha.astype(int) - remover.cutout(paths[0]).alpha).max() <= 1


@pytest.mark.parametrize(
    "options", [{"dynamic": True}, {"opset": 11, "listed": True}, {"opset": 18}], ids=str
)
def test_networks_of_other_kinds(tmp_path, pictures, options):
    path = own_model(tmp_path, "other.onnx", **options)
    report, _ = told(asked(path, pictures))
    assert report["good"]
    assert Remover(str(path), precision="int8").cutout(next(pictures.glob("*.jpg"))).precision == "int8"


def test_a_network_of_products(tmp_path, pictures):
    path = own_model(tmp_path, "dense.onnx")
    dense(path)
    report, _ = told(asked(path, pictures))
    assert report["good"]
    assert report["layers"] == 2


def test_all_calibrations_are_tried_and_the_best_is_taken(mine, pictures):
    report, said = told(asked(mine, pictures, calibration=None))
    tried = report["calibration"]["tried"]
    assert list(tried) == ["min-max", "percentile", "entropy", "mean-squared-error"]
    assert report["calibration"]["method"] == min(tried, key=tried.get)
    assert sum(sentence.startswith("ranges by ") for sentence in said) == 4


def test_accuracy_where_masks_are_given(mine, pictures):
    report, _ = told(asked(mine, pictures, masks=pictures.parent / "masks"))
    assert set(report["accuracy"]) == {"before", "after"}
    for scores in report["accuracy"].values():
        assert 0.9 < scores["max_f"] <= 1
        assert 0 < scores["mae"] < 0.2


# --- the same request again


def test_the_same_request_again_is_answered_from_what_is_kept(mine, pictures, tmp_path, monkeypatch):
    first, _ = told(asked(mine, pictures))
    monkeypatch.setattr(run, "make_int8", None)  # whoever makes it anew fails
    again, said = told(asked(mine, pictures, report=tmp_path / "report.json"))
    assert again == first
    assert said == ["mine.onnx is there in int8 already, made from the same photos."]
    assert json.loads((tmp_path / "report.json").read_bytes())["request"] == first["request"]
    assert (tmp_path / "report-worst-3.png").is_file()
    there = tmp_path / "there"
    there.mkdir()
    assert told(asked(own_model(there), pictures))[0] == first  # known by content, not by name
    for other in ({"limit": 1.0}, {"calibration": "percentile"}, {"force": True}, {"count": 8}):
        with pytest.raises(TypeError):
            told(asked(mine, pictures, **other))
    monkeypatch.setattr(run, "this_processor", lambda: this_processor()._replace(name="another"))
    with pytest.raises(TypeError):
        told(asked(mine, pictures))


def test_other_photos_make_it_anew(mine, pictures, tmp_path):
    first, _ = told(asked(mine, pictures))
    second, _ = told(asked(mine, photos(tmp_path / "others", 9, first=20)))
    assert second["path"] == first["path"]
    assert second["request"] != first["request"]


# --- past the limit


def test_past_the_limit_nothing_is_kept_but_the_report_is_written(mine, pictures, home, tmp_path):
    path = tmp_path / "report.json"
    with pytest.raises(NotGoodError) as caught:
        told(asked(mine, pictures, limit=0.0001, report=path))
    sentence = str(caught.value)
    assert "0.0001 % is the limit" in sentence
    assert "--force; nothing was kept." in sentence
    assert NotGoodError.exit_code == 1
    assert nothing_kept(home)
    report = json.loads(path.read_bytes())
    assert (report["good"], report["forced"]) == (False, False)
    assert report["difference"]["mean"] > report["limit"] == 1e-6
    for rank, one in enumerate(report["difference"]["worst"], 1):
        with Image.open(path.with_name(f"report-worst-{rank}.png")) as picture:
            assert picture.size == (4 * SIZE, SIZE)
            photo, before, after, apart = (
                np.asarray(picture).astype(int)[:, SIZE * place : SIZE * (place + 1)] for place in range(4)
            )
        assert photo.std() > 10
        assert np.array_equal(apart, np.minimum(np.abs(before - after) * 4, 255))
        assert np.abs(before - after).mean() / 255 == pytest.approx(one["mean"])


def test_forced_it_is_kept_and_whoever_uses_it_is_told(mine, pictures, caplog):
    report, said = told(asked(mine, pictures, limit=0.0001, force=True))
    assert "no layer keeps within the limit, so all are quantised" in said
    assert (report["good"], report["forced"]) == (False, True)
    with caplog.at_level(logging.WARNING, "rembolt"):
        assert Remover(str(mine), precision="int8").precision == "int8"
    assert "the int8 weights of mine.onnx are further from its own than the limit allows" in caplog.text
    assert Remover(str(mine)).precision == "fp32"  # auto leaves it alone
    with pytest.raises(NotGoodError):  # and without force it is still not good enough
        told(asked(mine, pictures, limit=0.0001))
    assert json.loads(Path(report["path"]).with_suffix(".json").read_bytes())["forced"] is True


def test_force_within_the_limit_is_not_forced(mine, pictures):
    assert told(asked(mine, pictures, force=True))[0]["forced"] is False


def test_layers_that_do_harm_stay_in_float(mine, pictures, monkeypatch):
    """One layer's masks are spoilt when it is in 8 bits: the search leaves that one alone in float."""
    kept = int8.quantised
    blamed = set()

    def spoilt(graph, chosen, layers, types):
        model = kept(graph, chosen, layers, types)
        blamed.add(graph.layers[3].name)
        if graph.layers[3].name in layers:
            last = model.graph.node.pop(
                next(p for p, one in enumerate(model.graph.node) if one.op_type == "Sigmoid")
            )
            model.graph.node.append(onnx.helper.make_node("Neg", [last.input[0]], ["negative"]))
            model.graph.node.append(onnx.helper.make_node("Sigmoid", ["negative"], list(last.output)))
        return model

    monkeypatch.setattr(int8, "quantised", spoilt)
    report, _ = told(asked(mine, pictures, limit=9))
    assert {name for name, why in report["in_float"].items() if why == "effect"} == blamed
    assert report["good"]


# --- half precision


@pytest.mark.parametrize("name", ["bolt", "mine"])
def test_half_precision(name, mine, pictures):
    model = "bolt" if name == "bolt" else str(mine)
    with pytest.raises(
        DeviceError, match=r"has no fp16 weights here.* make them with: rembolt quantise .* --to fp16\b"
    ):
        Remover(model, precision="fp16")
    report, _ = told(asked(model, pictures, to="fp16", calibration=None))
    assert (report["good"], report["precision"], report["time_ratio"]) == (True, "fp16", None)
    path = Path(report["path"])
    assert path == variants.place(weights(find_model(model))[0], "fp16")
    network = onnx.load(path)
    assert {entry.type.tensor_type.elem_type for entry in (*network.graph.input, *network.graph.output)} == {
        onnx.TensorProto.FLOAT
    }
    halves = [one for one in network.graph.initializer if one.data_type == onnx.TensorProto.FLOAT16]
    assert len(halves) >= 5
    clear_sessions()
    half, own = Remover(model, precision="fp16"), Remover(model, precision="fp32")
    assert half.precision == "fp16"
    image = next(pictures.glob("*.jpg"))
    assert np.abs(half.cutout(image).alpha.astype(int) - own.cutout(image).alpha).mean() < 1
    assert Remover(model).precision != "fp16"  # auto never takes it: on a CPU it is no faster
    assert told(asked(model, pictures, to="fp16", calibration=None))[1][-1].endswith(
        "made from the same photos."
    )
