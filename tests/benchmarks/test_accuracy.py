"""The scripts that measure against true masks, from end to end, on a few small pairs made here."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from rembolt import Remover

accuracy = pytest.importorskip("benchmarks.accuracy", reason="needs the repository, not only the package")
from benchmarks import metrics, sheet, studio  # noqa: E402
from benchmarks.samples import Sample  # noqa: E402

SIZES = ((96, 64), (64, 96), (80, 80), (120, 60))


@pytest.fixture(scope="module")
def remover() -> Remover:
    """The embedded model, as the scripts run it."""
    return Remover(threads=2)


def disc(width: int, height: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright disc with a soft edge on a dark ground, and its alpha."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - height * rng.uniform(0.4, 0.6), x - width * rng.uniform(0.4, 0.6))
    alpha = np.clip((min(width, height) * 0.3 - distance) / 3 + 0.5, 0, 1)[..., np.newaxis]
    photo = alpha * rng.uniform(150, 255, 3) + (1 - alpha) * rng.uniform(0, 90, 3)
    photo = np.clip(photo + rng.normal(0, 3, photo.shape), 0, 255)
    return np.rint(photo).astype(np.uint8), np.rint(alpha[..., 0] * 255).astype(np.uint8)


def file(array: np.ndarray, format_name: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format_name)
    return buffer.getvalue()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Photos of discs with their alphas."""
    folder = tmp_path / "discs"
    folder.mkdir()
    for index, (width, height) in enumerate(SIZES):
        photo, alpha = disc(width, height, index)
        (folder / f"disc-{index}.jpg").write_bytes(file(photo, "JPEG"))
        (folder / f"disc-{index}.png").write_bytes(file(alpha, "PNG"))
    return folder


def test_the_scores_are_those_of_what_a_user_gets(measured, data, remover, capsys):
    numbers = measured(accuracy.main, "--data", data, "--models", "bolt", "--no-time")
    sums = metrics.Accuracy()
    for index in range(len(SIZES)):
        truth = np.asarray(Image.open(data / f"disc-{index}.png"))
        photo = sums.add(remover.cutout((data / f"disc-{index}.jpg").read_bytes()).alpha, truth)
        assert numbers["data"]["discs"]["photos"][f"disc-{index}"]["bolt"] == pytest.approx(photo._asdict())
    assert numbers["data"]["discs"]["models"]["bolt"] == pytest.approx(sums.scores()._asdict())
    assert numbers["network_seconds"] == {}
    assert f"{sums.scores().max_f:.3f}" in capsys.readouterr().out


def test_a_truth_that_is_the_models_own_answer_is_met_without_error(measured, data, remover):
    for index in range(len(SIZES)):
        alpha = remover.cutout((data / f"disc-{index}.jpg").read_bytes(), exact=True).alpha
        (data / f"disc-{index}.png").write_bytes(file(alpha, "PNG"))
    arguments = ("--data", data, "--models", "bolt", "--no-time")
    scores = measured(accuracy.main, *arguments, "--exact")["data"]["discs"]["models"]["bolt"]
    assert (scores["photos"], scores["mae"], scores["boundary_error"]) == (len(SIZES), 0, 0)
    scores = measured(accuracy.main, *arguments)["data"]["discs"]["models"]["bolt"]
    assert 0 < scores["mae"] < 0.02  # rembolt's own way rounds and resizes otherwise


def test_a_limit_takes_the_first_photos(measured, data):
    arguments = ("--data", data, "--models", "bolt", "--no-time", "--limit", 2)
    assert list(measured(accuracy.main, *arguments)["data"]["discs"]["photos"]) == [
        "disc-0",
        "disc-1",
    ]


def test_networks_take_turns_on_the_clock(measured, data):
    numbers = measured(accuracy.main, "--data", data, "--models", "bolt", "--rounds", 2)
    assert list(numbers["network_seconds"]) == ["bolt"]
    assert len(numbers["network_seconds"]["bolt"]) == numbers["rounds"] == 2
    assert min(numbers["network_seconds"]["bolt"]) > 0


def test_without_weights_of_u2netp_it_is_left_out_aloud(measured, data, capsys):
    numbers = measured(accuracy.main, "--data", data, "--rounds", 1)
    assert list(numbers["data"]["discs"]["models"]) == ["bolt"]
    assert "no weights of u2netp" in " ".join(capsys.readouterr().out.split())


def test_any_onnx_file_can_be_measured(measured, tmp_path, data):
    networks = pytest.importorskip("networks", reason="needs onnx")
    first = networks.saliency(tmp_path / "first" / "network.onnx", size=64)
    second = networks.saliency(tmp_path / "second" / "network.onnx", size=64, seed=1)
    numbers = measured(accuracy.main, "--data", data, "--models", first, second, "--rounds", 1)
    models = numbers["data"]["discs"]["models"]
    assert list(models) == ["first/network.onnx", "second/network.onnx"]
    assert models["first/network.onnx"] != models["second/network.onnx"]
    assert sorted(path.name for path in first.parent.iterdir()) == ["network.onnx"]


def test_the_flags_say_how_an_onnx_file_is_read(measured, tmp_path, data):
    networks = pytest.importorskip("networks", reason="needs onnx")
    network = networks.saliency(tmp_path / "any.onnx", size=None)
    arguments = ("--data", data, "--models", network, "--no-time", "--size", "64", "--head", "sigmoid")
    plain = measured(accuracy.main, *arguments)
    spread = measured(accuracy.main, *arguments, "--levels", 0.3, 0.7)
    # What its own JSON file says counts, whatever the flags say.
    network.with_suffix(".json").write_text(
        json.dumps({"input_size": 64, "head": "sigmoid", "levels": [0.3, 0.7]}), "utf-8"
    )
    own = measured(accuracy.main, "--data", data, "--models", network, "--no-time", "--size", "32")
    assert plain["data"] != spread["data"]
    assert spread["data"] == own["data"]


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as ended:
        accuracy.main([*map(str, arguments)])
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_mistakes_are_told_in_a_sentence(tmp_path, data, capsys):
    networks = pytest.importorskip("networks", reason="needs onnx")
    assert "neither a file nor a folder" in refused(capsys, "--data", tmp_path / "no", "--models", "bolt")
    assert "There is no model 'blot'" in refused(capsys, "--data", data, "--models", "blot")
    assert "no network at" in refused(capsys, "--data", data, "--models", tmp_path / "no.onnx")
    assert "there is no model to measure" in refused(capsys, "--data", data, "--models", "u2netp")
    assert "one mask" in refused(capsys, "--data", data, "--models", "u2net_cloth_seg")
    network = networks.saliency(tmp_path / "any.onnx", size=None)
    assert "say with --size" in refused(capsys, "--data", data, "--models", network)
    assert "is given twice" in refused(capsys, "--data", data, data, "--models", "bolt")
    assert "does not end in" in refused(capsys, "--data", data, "--sheet", tmp_path / "sheet.gif")
    assert "no folder" in refused(capsys, "--data", data, "--sheet", tmp_path / "no" / "sheet.png")


def test_a_mask_of_another_size_is_named(data, capsys):
    (data / "disc-1.png").write_bytes(file(np.zeros((5, 5), np.uint8), "PNG"))
    message = refused(capsys, "--data", data, "--models", "bolt", "--no-time")
    assert "discs, disc-1: the alpha is (96, 64) and the true mask (5, 5)" in message


def test_the_sheet_is_drawn(measured, tmp_path, data):
    target = tmp_path / "sheet.png"
    measured(accuracy.main, "--data", data, "--models", "bolt", "--no-time", "--sheet", target)
    with Image.open(target) as drawn:
        # Four photos make three groups of one: photo, truth and one model.
        group = 3 * (sheet.CELL[0] + sheet.GAP) + 2 * sheet.GAP
        row = sheet.CELL[1] + sheet.CAPTION + sheet.GAP
        assert drawn.size == (3 * group, sheet.CAPTION + 2 * sheet.GAP + row + sheet.GAP)
        colours = {colour for _, colour in drawn.convert("RGB").getcolors(1 << 20)}
    assert sheet.GREEN[:3] in colours


def test_the_sheet_shows_the_best_the_middle_and_the_worst():
    errors = [((index * 37) % 100) / 100 for index in range(100)]
    groups = sheet.choose(errors)
    assert [errors[index] for index in groups["best"]] == [index / 100 for index in range(16)]
    assert [errors[index] for index in groups["median"]] == [index / 100 for index in range(42, 58)]
    assert [errors[index] for index in groups["worst"]] == [index / 100 for index in range(84, 100)]
    assert sheet.choose([0.5]) == {"best": [0], "median": [0], "worst": [0]}


def test_u2netp_comes_as_near_as_published(measured, shared):
    weights, shard = shared / "models" / "u2netp.onnx", shared / "data" / "ecssd-300-00.tar"
    if not (weights.is_file() and shard.is_file()):
        pytest.skip("needs u2netp and the photos with masks in the shared folder")
    arguments = ("--data", shard, "--models", "u2netp", "--u2netp", weights, "--no-time", "--limit", 24)
    scores = measured(accuracy.main, *arguments)["data"]["ecssd-300-00.tar"]["models"]["u2netp"]
    assert scores["max_f"] > 0.92
    assert scores["mae"] < 0.06


def test_a_subject_is_put_on_a_background():
    foreground = np.full((1, 3, 3), 200, np.uint8)
    alpha = np.array([[0, 51, 255]], np.uint8)
    background = np.full((1, 3, 3), 100, np.float32)
    assert studio.composite(foreground, alpha, background)[0, :, 0].tolist() == [100, 120, 200]


def test_backgrounds_are_plain_or_run_from_one_colour_to_another():
    assert len(studio.BACKGROUNDS["white"].paint(4, 5).reshape(-1, 3).tolist()) == 20
    assert (studio.BACKGROUNDS["white"].paint(4, 5) == 255).all()
    sweep = studio.Background((0, 0, 0), (100, 50, 0)).paint(5, 2)
    assert sweep[:, 1, 0].tolist() == [0, 25, 50, 75, 100]
    around = studio.Background((0, 0, 0), (100, 50, 0), round=True).paint(5, 5)
    assert around[2, 2].tolist() == [0, 0, 0]
    assert around[0, 0] == pytest.approx([100, 50, 0])


def test_a_scene_keeps_the_subject_and_changes_the_ground():
    photo, alpha = disc(96, 64, 0)
    scenes = studio.scenes(Sample("disc", file(photo, "PNG"), file(alpha, "PNG")))
    assert list(scenes) == list(studio.BACKGROUNDS)
    for scene in scenes.values():
        assert np.array_equal(scene[alpha == 255], photo[alpha == 255])
    assert (scenes["white"][alpha == 0] == 255).all()
    # In a soft edge the dark ground is gone: half subject, half white is brighter than the subject alone.
    half = np.abs(alpha.astype(int) - 128) < 40
    subject = photo[alpha == 255].mean()
    assert scenes["white"][half].mean() > subject > photo[half].mean()


def test_a_model_that_knows_the_truth_finds_every_subject():
    photo, alpha = disc(96, 64, 0)
    knowing = SimpleNamespace(name="knowing", alpha=lambda _: alpha)
    blind = SimpleNamespace(name="blind", alpha=lambda _: np.zeros_like(alpha))
    found = studio.measure([Sample("disc", file(photo, "PNG"), file(alpha, "PNG"))], [knowing, blind])
    assert [one.background for one in found] == list(studio.BACKGROUNDS)
    assert all(one.ious == {"knowing": 1, "blind": 0} for one in found)


def test_the_studio_script_measures_every_subject_on_every_background(measured, tmp_path, data, capsys):
    target = tmp_path / "studio.png"
    numbers = measured(studio.main, "--data", data, "--models", "bolt", "--limit", 2, "--sheet", target)
    found = numbers["found"]
    names = [(one["sample"], one["background"]) for one in found]
    assert names == [(f"disc-{index}", name) for index in range(2) for name in studio.BACKGROUNDS]
    assert all(0 <= one["ious"]["bolt"] <= 1 for one in found)
    mean = np.mean([one["ious"]["bolt"] for one in found])
    reached = sum(one["ious"]["bolt"] >= studio.FOUND for one in found)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.split() == ["all", f"{mean:.3f}", str(reached), "of", "22"]
    with Image.open(target) as drawn:
        group = 2 * (sheet.CELL[0] + sheet.GAP) + 2 * sheet.GAP
        row = sheet.CELL[1] + sheet.CAPTION + sheet.GAP
        assert drawn.size == (11 * group, sheet.CAPTION + 2 * sheet.GAP + 2 * row + sheet.GAP)
