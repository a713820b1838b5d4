"""A teacher's answers: written, read, and learnt from."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

torch = pytest.importorskip("torch", reason="training has requirements of its own: training/requirements.txt")
cv2 = pytest.importorskip("cv2", reason="training has requirements of its own: training/requirements.txt")

from training import lessons, train
from training.batches import batch, stream
from training.lessons import Lessons
from training.network import SEEN
from training.photos import load
from training.recipe import Teaching
from training.teacher import Teacher
from training.trainer import Trainer

SIZE = 64
LAYERS = ["coarse", "features", "fine"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A teacher that finds what is light: averages of 16 x 16 pixels, three features, and a mask."""
    weights = {
        "pool": np.full((3, 3, 16, 16), 1 / 256, np.float32) * np.eye(3, dtype=np.float32)[..., None, None],
        "mix": np.full((1, 3, 1, 1), 2.0, np.float32),
        "scales": np.array([1, 1, 16, 16], np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["image", "pool"], ["features"], strides=[16, 16]),
        helper.make_node("MaxPool", ["features"], ["coarse"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("AveragePool", ["image"], ["fine"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Conv", ["features", "mix"], ["logits"]),
        helper.make_node("Resize", ["logits", "", "scales"], ["large"], mode="nearest"),
        helper.make_node("Sigmoid", ["large"], ["mask"]),
    ]
    # As in a quantised file, the sides are fixed, and not to the size that is asked for.
    graph = helper.make_graph(
        nodes,
        "teacher",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 320, 320])],
        [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, 320, 320])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    path = tmp_path_factory.mktemp("teacher") / "teacher.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def settings(**changes):
    views = {"studio": 0.3, "close_up": 0.3}
    return {"sets": ["discs"], "views": views, "size": SIZE, "seed": 4, "scenes": 2} | changes


@pytest.fixture
def folder(tmp_path, model, photos):
    lessons.write(tmp_path / "lessons", model, LAYERS, photos, settings())
    return tmp_path / "lessons"


@pytest.fixture
def taught(recipe):
    return replace(recipe, studio=0.3, close_up=0.3, teaching=Teaching(masks=0.5, features=0.1))


def test_the_answers_are_the_teachers_to_the_photos_scenes(folder, photos):
    learnt = Lessons([folder])
    assert (learnt.sets, learnt.channels, len(learnt)) == (("discs",), (3, 3, 3), len(photos))
    asked = [(1, 5), (1, 2), (2, 2), (7, 3)]
    answers = learnt.answers(asked, SIZE)
    for row, (epoch, index) in enumerate(asked):
        picture, _ = learnt.scene(photos, epoch, index, SIZE)
        light = cv2.resize(picture, (4, 4), interpolation=cv2.INTER_AREA).astype(float)
        seen = cv2.resize(answers.masks[row], (4, 4), interpolation=cv2.INTER_NEAREST)
        assert np.corrcoef(light.mean(-1).ravel(), seen.ravel())[0, 1] > 0.8
        told = answers.features[1][row].transpose(1, 2, 0)
        assert np.corrcoef(light.ravel(), told.ravel())[0, 1] > 0.5
    assert [layer.shape for layer in answers.features] == [(4, 3, 2, 2), (4, 3, 4, 4), (4, 3, 8, 8)]


def test_epochs_show_scene_after_scene_in_turns(folder, photos):
    learnt = Lessons([folder])
    pictures, masks = zip(*(learnt.scene(photos, epoch, 2, SIZE) for epoch in range(3)), strict=True)
    assert not np.array_equal(masks[0], masks[1])
    for shown in (pictures, masks):
        assert np.array_equal(shown[0], shown[2])
    first, other, again = (learnt.answers([(epoch, 2)], SIZE) for epoch in range(3))
    assert not np.array_equal(first.masks, other.masks)
    assert np.array_equal(first.masks, again.masks)
    for layer, same in zip(first.features, again.features, strict=True):
        assert np.array_equal(layer, same)


def test_several_folders_are_shown_in_turns(folder, tmp_path, model, photos):
    whole = settings(seed=5, scenes=1, views={"studio": 0.0, "whole": 1.0})
    lessons.write(tmp_path / "more", model, LAYERS, photos, whole)
    alone, learnt = Lessons([folder]), Lessons([folder, tmp_path / "more"])
    assert [(kind["scenes"], kind["seed"], kind["views"]["whole"]) for kind in learnt.kinds] == [
        (2, 4, 0.2),
        (1, 5, 1.0),
    ]
    shown = [learnt.scene(photos, epoch, 3, SIZE)[1] for epoch in range(3)]
    mask = cv2.resize(photos[3].mask, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    assert [np.array_equal(one, mask) or np.array_equal(one, mask[:, ::-1]) for one in shown] == [
        False,
        False,
        True,
    ]
    # The answers go with the scenes.
    for epoch, own in ((0, 1), (1, 0)):
        assert np.array_equal(shown[epoch], alone.scene(photos, own, 3, SIZE)[1])
        assert np.array_equal(learnt.answers([(epoch, 3)], SIZE).masks, alone.answers([(own, 3)], SIZE).masks)
        for told, same in zip(
            learnt.answers([(epoch, 3)], SIZE).features, alone.answers([(own, 3)], SIZE).features, strict=True
        ):
            assert np.array_equal(told, same)


def test_folders_about_other_photos_are_not_learnt_together(folder, tmp_path, model, photos):
    lessons.write(tmp_path / "few", model, LAYERS, photos[:5], settings())
    with pytest.raises(ValueError, match=r"few are about 5 photos .* only the like can be learnt together"):
        Lessons([folder, tmp_path / "few"])


def test_channels_are_told_with_mean_0_and_deviation_1(folder, photos):
    seen = [(epoch, index) for epoch in range(2) for index in range(len(photos))]
    for layer in Lessons([folder]).answers(seen, SIZE).features:
        assert layer.mean((0, 2, 3)) == pytest.approx(0, abs=0.01)
        assert layer.std((0, 2, 3)) == pytest.approx(1, abs=0.01)


def test_a_batch_shows_what_the_teacher_saw(folder, taught, photos):
    learnt = Lessons([folder])
    made = batch(taught, photos, 0, learnt)
    again = batch(replace(taught, seed=9), photos, 0, learnt)
    assert made.answers.masks.shape == (4, SIZE, SIZE)
    light = cv2.resize(made.answers.masks[0], (4, 4), interpolation=cv2.INTER_NEAREST).ravel()
    seen = cv2.resize(made.pictures[0], (4, 4), interpolation=cv2.INTER_AREA).mean(-1).ravel()
    assert np.corrcoef(light, seen)[0, 1] > 0.8
    assert not np.array_equal(made.pictures, again.pictures)


def test_a_share_of_each_batch_is_lessons_and_the_rest_is_new(folder, taught, photos):
    learnt = Lessons([folder])
    half = replace(taught, teaching=replace(taught.teaching, share=0.5))
    all_, some, none = (
        batch(recipe, photos, 0, given) for recipe, given in ((taught, learnt), (half, learnt), (half, None))
    )
    assert some.answers.masks.shape == (2, SIZE, SIZE)
    assert [len(layer) for layer in some.answers.features] == [2, 2, 2]
    for one, lesson, new in zip(some[:2], all_[:2], none[:2], strict=True):
        assert np.array_equal(one[:2], lesson[:2])
        assert np.array_equal(one[2:], new[2:])
        assert not np.array_equal(lesson[2:], new[2:])
    assert len(batch(replace(half, teaching=Teaching(0.5, 0.1, 0.01)), photos, 0, learnt).answers.masks) == 1


def test_who_is_no_lesson_is_not_taught(folder, taught, photos):
    """Of photos and teacher that say the opposite of each other, a batch follows both, each for its share."""
    taught = replace(taught, teaching=Teaching(1.0, 0.0, share=0.5))
    made = batch(taught, photos, 0, Lessons([folder]))
    torn = made._replace(
        masks=np.full_like(made.masks, 255),
        answers=made.answers._replace(masks=np.zeros_like(made.answers.masks)),
    )
    masks = torn.masks.copy()
    masks[:2] = 0
    trainer = Trainer(taught, torch.device("cpu"), channels=(3, 3, 3))
    plain = Trainer(replace(taught, teaching=None), torch.device("cpu"))
    told = float(plain.learn(torn._replace(masks=masks, answers=None)))
    assert float(trainer.learn(torn)) == pytest.approx(told, abs=1e-6)


def test_the_stream_brings_the_answers(folder, taught, photos):
    learnt = Lessons([folder])
    for step, made in enumerate(stream(taught, photos, 0, 2, learnt)):
        assert np.array_equal(made.answers.masks, batch(taught, photos, step, learnt).answers.masks)


def test_the_pupil_comes_to_see_what_the_teacher_sees(folder, taught, photos):
    learnt = Lessons([folder])
    trainer = Trainer(
        replace(taught, teaching=Teaching(0.0, 5.0)), torch.device("cpu"), channels=learnt.channels
    )
    alone = Trainer(
        replace(taught, teaching=Teaching(0.0, 0.0)), torch.device("cpu"), channels=learnt.channels
    )
    same = batch(taught, photos, 0, learnt)
    distances = [float(trainer.learn(same)) - float(alone.learn(same)) for _ in range(6)]
    assert distances[-1] < 0.8 * distances[0]
    assert len(trainer.lenses) == len(SEEN)


def test_a_teachers_mask_takes_its_share(folder, taught, photos):
    """All of it where photo and teacher say the opposite of each other, none, or half."""
    made = batch(taught, photos, 0, Lessons([folder]))
    torn = made._replace(
        masks=np.full_like(made.masks, 255),
        answers=made.answers._replace(masks=np.zeros_like(made.answers.masks)),
    )
    losses = {}
    for share in (0.0, 0.5, 1.0):
        trainer = Trainer(
            replace(taught, teaching=Teaching(share, 0.0)), torch.device("cpu"), channels=(3, 3, 3)
        )
        losses[share] = float(trainer.learn(torn))
    plain = Trainer(replace(taught, teaching=None), torch.device("cpu"))
    nothing = Trainer(replace(taught, teaching=None), torch.device("cpu"))
    assert losses[0.0] == pytest.approx(float(plain.learn(torn)), abs=1e-6)
    assert losses[1.0] == pytest.approx(float(nothing.learn(torn._replace(masks=torn.masks * 0))), abs=1e-6)
    assert losses[0.0] != losses[0.5] != losses[1.0]


def test_from_photos_over_lessons_to_a_network(shards, model, taught, tmp_path, capsys):
    out, run = tmp_path / "lessons", tmp_path / "run"
    asked = [
        "--data",
        str(shards),
        "--model",
        str(model),
        "--out",
        str(out),
        "--sets",
        "discs",
        "--size",
        "64",
    ]
    views = ["--studio", "0.3", "--close-up", "0.3"]
    assert lessons.main([*asked, *views, "--features", *LAYERS]) == 0
    taught.write(tmp_path / "taught.json")
    flags = ["--data", str(shards), "--recipe", str(tmp_path / "taught.json"), "--out", str(run)]
    assert train.main([*flags, "--lessons", str(out), "--device", "cpu"]) == 0
    assert (run / "weights.pt").exists()
    lessons.write(tmp_path / "few", model, LAYERS, load(shards, ["discs"])[:5], settings())
    with pytest.raises(SystemExit):
        train.main([*flags, "--lessons", str(tmp_path / "few"), "--device", "cpu"])
    assert "about 5 photos, and there are 12" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        lessons.main([*asked, "--features", "205"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == f"{model} has no tensor 205.\n"
    for flag, value, sentence in (
        ("--whole", "2", "whole must be from 0 to 1, not 2.0."),
        ("--smallest", "0", "smallest must be above 0 and at most 1, not 0.0."),
    ):
        with pytest.raises(SystemExit):
            lessons.main([*asked, flag, value])
        assert capsys.readouterr().err == f"{sentence}\n"


@pytest.mark.parametrize(
    ("given", "change", "sentence"),
    [
        (True, {"teaching": None}, "needs its answers"),
        (False, {}, "needs its answers"),
        (True, {"sets": ("cubes",)}, "and the recipe about"),
    ],
)
def test_lessons_and_recipe_must_fit(folder, taught, given, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        train._lessons([folder] if given else None, replace(taught, **change))


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1])
def test_a_share_of_nothing_or_of_too_much_is_refused(share):
    with pytest.raises(ValueError, match="the share of lessons must be above 0 and at most 1"):
        Teaching(0.5, 0.1, share)


def test_layers_that_the_network_does_not_have_are_refused(tmp_path, model, photos, taught):
    lessons.write(tmp_path, model, LAYERS[:2], photos, settings())
    with pytest.raises(ValueError, match="keep 2 layers of features: write them with none or with 3"):
        train._lessons([tmp_path], taught)


def test_a_folder_of_something_else_is_refused(tmp_path, folder):
    with pytest.raises(FileNotFoundError):
        Lessons([tmp_path])
    found = json.loads((folder / "lessons.json").read_text())
    (folder / "lessons.json").write_text(json.dumps({key: found[key] for key in found if key != "views"}))
    with pytest.raises(ValueError, match="says nothing of lessons"):
        Lessons([folder])


def test_a_tensor_that_is_not_there_is_named(tmp_path, model, photos):
    with pytest.raises(ValueError, match=r"teacher\.onnx has no tensor 205\."):
        lessons.write(tmp_path, model, ["features", "205"], photos, settings())


def test_a_teacher_that_is_no_network_is_refused(tmp_path):
    path = tmp_path / "notes.onnx"
    path.write_text("no network at all")
    with pytest.raises(ValueError, match=r"notes\.onnx is no ONNX file\."):
        Teacher(path, ())
