import json
import re
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

for module in ("torch", "cv2"):
    pytest.importorskip(module, reason="training has requirements of its own: training/requirements.txt")

from training import card, export, unfold
from training.network import Bolt, Mirrored
from training.recipe import Teaching

SCORES = {"photos": 2, "mae": 0.0612, "max_f": 0.9134, "s_measure": 0.881, "boundary_error": 1.5}
ACCURACY = {
    "machine": {"processor": "Abacus", "cores": 2},
    "threads": 2,
    "models": {"bolt.onnx": {"input_size": [288, 256], "levels": [0.2, 0.8]}},
    "data": {"ecssd": {"models": {"bolt.onnx": SCORES, "u2netp": {**SCORES, "max_f": 0.9401}}}},
    "network_seconds": {"bolt.onnx": [0.010, 0.011, 0.010], "u2netp": [0.250, 0.240, 0.260]},
}
STUDIO = {
    "found": [
        {"sample": "a", "background": "white", "ious": {"bolt.onnx": 0.97, "bolt": 0.8, "u2netp": 0.90}},
        {"sample": "b", "background": "white", "ious": {"bolt.onnx": 0.93, "bolt": 0.8, "u2netp": 0.96}},
        {"sample": "a", "background": "grey", "ious": {"bolt.onnx": 0.95, "bolt": 0.8, "u2netp": 0.949}},
    ]
}
SIZES = [{"size": 320, "mae": 0.061234, "max_f": 0.87654, "levels": [0.1, 0.85], "levelled_mae": 0.05}]
CURVE = [
    {"step": 0, "photos": 1234, "held_out": 55, "device": "cpu"},
    {"step": 4, "size": 64, "photos_a_second": 32.0, "loss": 1.0},
    {"step": 7, "size": 96, "photos_a_second": 18.0, "loss": 1.0, "mae": 0.1, "max_f": 0.8},
]


@pytest.fixture
def files(tmp_path):
    """What the scripts write, as the flags of the card take it."""
    paths = {}
    for name, content in (("sizes", SIZES), ("accuracy", ACCURACY), ("studio", STUDIO)):
        paths[name] = tmp_path / f"{name}.json"
        paths[name].write_text(json.dumps(content))
    return paths


def test_every_number_is_in_the_card(recipe, files):
    text = card.render(
        "first", recipe, CURVE, card.figures(**files) | {"bytes": 3_200_000, "mirrored": False}
    )
    assert "1,234 photos" in text
    assert "On 55 photos of discs" in text
    assert "3.2 MB" in text
    assert "used at 288 x 256" in text
    assert "levels 0.2 and 0.8" in text
    assert "| ecssd, 2 | this network | 0.913 | 0.0612 | 0.881 | 1.50 % |" in text
    assert "| ecssd, 2 | u2netp | 0.940 |" in text
    assert "| white | 0.950 | 1 of 2 | 0.800 | 0 of 2 | 0.930 | 1 of 2 |" in text
    assert "| grey | 0.950 | 1 of 1 | 0.800 | 0 of 1 | 0.949 | 0 of 1 |" in text
    assert "| this network | 10 | 25.0 (23.4-25.5) |" in text
    assert "| 4 | 64 | 4 | 0.002 to 0.001 |" in text
    assert "| 7 | 96 | 0.100 | 0.800 |" in text
    assert "25 examples" in text
    assert "| 320 x 320 | 0.877 | 0.0612 | 0.1 and 0.85 | 0.0500 |" in text
    assert not re.search(r"\$\w|\{\w", text)


def test_the_arithmetic_is_counted():
    stem = 160 * 160 * 16 * 27
    everything = card.multiplications((320, 320))
    assert everything > stem
    assert card.multiplications((160, 160)) * 4 == everything
    parameters = sum(value.numel() for value in Bolt().parameters())
    assert everything > parameters  # each weight is used once at least


RIGHT = {"sizes": SIZES, "accuracy": ACCURACY, "studio": STUDIO}
WRONG = [
    (flag, content)
    for flag, right in RIGHT.items()
    for content in ({}, [1], None, *(other for other in RIGHT.values() if other is not right))
]


@pytest.mark.parametrize(("flag", "content"), WRONG, ids=str)
def test_a_file_of_another_script_is_named(files, flag, content):
    files[flag].write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"{flag}.json is not what"):
        card.figures(**files)


def test_a_file_that_is_no_json_is_named(files):
    files["studio"].write_text("nothing")
    with pytest.raises(ValueError, match=r"studio\.json is not what"):
        card.figures(**files)


def test_half_of_the_files_are_not_enough(capsys):
    with pytest.raises(SystemExit):
        card.main(["--name", "x", "--accuracy", "accuracy.json"])
    assert "go together" in capsys.readouterr().err


KEPT = sorted(folder for folder in card.KEPT.iterdir() if card.network_of(folder.name).exists())


def test_what_ships_came_of_a_run_that_is_kept():
    assert card.SHIPPED in [card.network_of(folder.name) for folder in KEPT]


def test_a_network_of_a_run_that_does_not_ship_is_in_its_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(card, "KEPT", tmp_path)
    assert card.network_of("mine") == tmp_path / "mine" / "bolt.onnx"
    shipped = card.SHIPPED.with_suffix(".md").read_text(encoding="utf-8").partition("\n")[0].split()[-1]
    assert card.network_of(shipped) == card.SHIPPED
    (tmp_path / shipped).mkdir()
    (tmp_path / shipped / "bolt.onnx").touch()
    assert card.network_of(shipped) == tmp_path / shipped / "bolt.onnx"


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: Path(folder).name)
def test_kept_runs_are_whole(folder):
    assert card.kept(folder.name) == (folder / card.CARD).read_text(encoding="utf-8")
    assert card.network_of(folder.name).stat().st_size <= 4_000_000
    measured = json.loads((folder / card.FIGURES).read_text())
    assert set(measured["accuracy"]) == {"ecssd-300-00.tar"}
    last = json.loads((folder / "curve.jsonl").read_text().splitlines()[-1])
    assert last["step"] == card.recipes.read(folder / "recipe.json").steps
    assert 0 < last["mae"] < 1


def test_kept_networks_can_be_gone_on_from():
    torch = pytest.importorskip("torch")
    images = torch.randn(4, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    for folder in KEPT:
        path = card.network_of(folder.name)
        network, model = unfold.read(path, [images]), onnx.load(path)
        looks = Mirrored(network) if export.is_mirrored(model) else network
        assert export.differences(model, looks).max() < 0.02


def test_a_teacher_and_a_mirror_are_told(recipe, files):
    measured = card.figures(**files)
    plain = card.render("first", recipe, CURVE, measured | {"bytes": 1, "mirrored": False})
    assert "No other network is a teacher." in plain
    assert "mirror image" not in plain
    assert "close-ups" not in plain
    taught = replace(recipe, close_up=0.3, teaching=Teaching(0.25, 0.5))
    text = card.render("first", taught, CURVE, measured | {"bytes": 1, "mirrored": True})
    assert "its masks are 25% of what is to be answered" in text
    assert "30% are close-ups. 20% of the\nothers show a whole photo" in text
    assert "it saw" not in text
    shown = {
        "scenes": 3,
        "seed": 1,
        "views": {"studio": 0.2, "close_up": 0.1, "whole": 0.4, "smallest": 0.75},
    }
    told = [row | {"lessons": [shown, shown | {"scenes": 2}]} if "device" in row else row for row in CURVE]
    text = card.render("first", taught, told, measured | {"bytes": 1, "mirrored": True})
    assert "Of each photo it saw 3 scenes: 20% on a made background, 10% close-ups, 40% of the others" in text
    assert "Of each photo it saw 2 scenes" in text
    one, two = (float(re.search(r"([\d.]+) GMAC", found)[1]) for found in (plain, text))
    assert two == pytest.approx(2 * one, abs=0.02)
