"""How much a network knows by heart."""

from dataclasses import replace

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch", reason="training has requirements of its own: training/requirements.txt")
pytest.importorskip("cv2", reason="training has requirements of its own: training/requirements.txt")

from training import gap, lessons
from training.photos import load
from training.recipe import Teaching
from training.run import Run
from training.trainer import Trainer


class Light(torch.nn.Module):
    """Finds what is lighter than the middle of grey, surely."""

    def forward(self, image):
        return image.mean(1, keepdim=True) * 1e3


def test_what_is_found_is_compared_with_what_is_there():
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, :32] = 255
    mask = np.zeros((64, 64), np.uint8)
    mask[:, :16] = 255
    nothing = np.zeros_like(mask)
    assert gap.known(Light(), [(picture, mask)]) == pytest.approx((0.25, 0.5), abs=1e-6)
    assert gap.known(Light(), [(picture, picture[..., 0])]) == pytest.approx((0, 1), abs=1e-6)
    assert gap.known(Light(), [(picture * 0, nothing)]) == pytest.approx((0, 1), abs=1e-6)
    assert gap.known(Light(), [(picture, mask), (picture * 0, nothing)]).iou == pytest.approx(0.75)


@pytest.fixture
def taught(tmp_path, shards, recipe):
    """A run, and the lessons it could have had: of no teacher, for only their scenes are looked at."""
    run = Run(tmp_path / "run")
    replace(recipe, teaching=Teaching(0.5, 0.0)).write(run.folder / "recipe.json")
    run.save(Trainer(recipe, torch.device("cpu")))
    folder = tmp_path / "lessons"
    folder.mkdir()
    photos = load(shards, ["discs"])
    (folder / lessons.SETTINGS).write_text(
        '{"sets": ["discs"], "views": {"studio": 0.2, "close_up": 0.3}, "seed": 4, "scenes": 2, '
        '"layers": [], "statistics": []}'
    )
    np.save(folder / lessons.MASKS, np.zeros((2 * len(photos), 8, 8), np.uint8))
    return ["--run", str(run.folder), "--data", str(shards), "--lessons", str(folder)]


def test_a_row_for_each_kind_of_scene(taught, capsys):
    assert gap.main([*taught, "--photos", "3"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row[:30].strip() for row in rows] == [
        "lessons",
        "new scenes, same photos",
        "new photos (discs)",
    ]
    assert len({row[30:] for row in rows}) == 3
    assert gap.main([*taught, "--photos", "3"]) == 0
    assert capsys.readouterr().out.splitlines() == rows


def test_how_far_it_is_from_a_teacher(taught, tmp_path, capsys):
    """From one that finds nothing at all it is as far as its own answers are large."""
    nothing = onnx.helper.make_graph(
        [
            onnx.helper.make_node("ReduceMax", ["image", "channels"], ["one"]),
            onnx.helper.make_node("Sub", ["one", "one"], ["mask"]),
        ],
        "nothing",
        [onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, "h", "w"])],
        [onnx.helper.make_tensor_value_info("mask", onnx.TensorProto.FLOAT, [1, 1, "h", "w"])],
        [onnx.numpy_helper.from_array(np.array([1]), "channels")],
    )
    path = tmp_path / "nothing.onnx"
    onnx.save(
        onnx.helper.make_model(nothing, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9), path
    )
    assert gap.main([*taught, "--photos", "3", "--teacher", str(path)]) == 0
    for row in capsys.readouterr().out.splitlines():
        from_truth, from_teacher = (float(part.split()[0]) for part in row.split("MAE ")[1:])
        assert from_teacher == pytest.approx(0.5, abs=0.1)  # one that is untrained is of no opinion
        assert from_teacher != from_truth


def test_a_run_that_is_none_is_refused(taught, tmp_path, capsys):
    taught[1] = str(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        gap.main(taught)
    assert stopped.value.code == 2
    assert "recipe.json" in capsys.readouterr().err
