"""How the refiners of edges are made: composites, loss, network, training and export."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="training has requirements of its own: training/requirements.txt")
cv2 = pytest.importorskip("cv2", reason="training has requirements of its own: training/requirements.txt")

from training.edges import answers as asking
from training.edges import export, train
from training.edges.composites import coarse, example
from training.edges.losses import loss
from training.edges.network import SHAPES, Refiner, apply
from training.edges.strands import fringed

SIZE = 64


def disc() -> np.ndarray:
    rows, columns = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    return (np.hypot(rows, columns) < SIZE / 4).astype(np.float32)


@pytest.mark.parametrize("seed", range(12))
def test_fringes_are_soft_and_stay_near_the_subject(seed):
    made = fringed(np.random.default_rng(seed), disc())
    assert made.shape == (SIZE, SIZE)
    assert made.dtype == np.float32
    assert made.min() >= 0
    assert made.max() <= 1 + 1e-5
    assert made[0].max() < 0.5  # what is far away stays background
    assert np.array_equal(made, fringed(np.random.default_rng(seed), disc()))


@pytest.mark.parametrize("seed", range(12))
def test_coarse_masks_find_the_subject_without_its_edge(seed):
    alpha = disc()
    mask = coarse(np.random.default_rng(seed), alpha)
    assert mask.dtype == np.uint8
    assert mask.shape == alpha.shape
    assert mask[SIZE // 2, SIZE // 2] > 128
    assert mask[0, 0] < 64
    assert not np.array_equal(mask, np.rint(alpha * 255))


def test_examples_are_a_function_of_the_seed_and_mix_as_they_say(photos):
    for seed in range(6):
        first, second = (example(np.random.default_rng(seed), photos, 0, SIZE, {}) for _ in range(2))
        for one, other in zip(first, second, strict=True):
            assert np.array_equal(one, other)
        assert first.picture.shape == (SIZE, SIZE, 3)
        assert first.mask.shape == first.alpha.shape == (SIZE, SIZE)
        assert first.alpha.max() > 128 > first.alpha.min()


def test_a_networks_answer_is_taken_as_the_mask(photos):
    marked = np.full((30, 30), 77, np.uint8)
    given = [example(np.random.default_rng(seed), photos, 0, SIZE, {0: [marked]}) for seed in range(12)]
    taken = [made for made in given if (made.mask == 77).all()]
    assert 0 < len(taken) < len(given)
    for made in taken:
        assert set(np.unique(made.alpha)) >= {0, 255}


def test_the_loss_is_nothing_at_the_truth_and_grows_with_the_error():
    truth = torch.from_numpy(disc())[None, None]
    assert loss(truth, truth) == 0
    assert loss(truth * 0.9, truth) < loss(truth * 0.5, truth)
    # Beyond 0 and 1 it is clipped, but there is a way back.
    over = (truth * 3).requires_grad_()
    loss(over, truth).backward()
    assert over.grad.abs().sum() > 0


@pytest.mark.parametrize("name", SHAPES)
def test_a_new_network_answers_the_mask(name):
    network = Refiner(SHAPES[name])
    mask = torch.rand(2, 1, 6, 8).repeat_interleave(8, 2).repeat_interleave(8, 3)
    picture = torch.rand(2, 3, 48, 64)
    lines = network(torch.cat([picture, mask], dim=1))
    assert lines.shape == (2, 4, 24, 32)
    alpha = apply(lines, picture)
    inner = np.s_[:, :, 3:5, 3:5]
    torch.testing.assert_close(alpha[inner], mask[inner])
    assert apply(lines, torch.rand(2, 3, 96, 128)).shape == (2, 1, 96, 128)


@pytest.fixture
def shards(photos, tmp_path):
    for family in asking.SETS:
        with tarfile.open(tmp_path / f"{family}-00.tar", "w") as tar:
            for number, photo in enumerate(photos[:4]):
                for pixels, suffix in ((photo.picture, "jpg"), (photo.mask, "png")):
                    data = io.BytesIO()
                    Image.fromarray(pixels).save(data, format="JPEG" if suffix == "jpg" else "PNG")
                    entry = tarfile.TarInfo(f"{family}{number}.{suffix}")
                    entry.size = len(data.getvalue())
                    tar.addfile(entry, io.BytesIO(data.getvalue()))
    return tmp_path


def test_from_photos_to_a_file(shards, capsys):
    answers, weights, file = (shards / name for name in ("answers.npz", "fast.pt", "fast.onnx"))
    assert asking.main(["--data", str(shards), "--out", str(answers), "--models", "bolt:duts-val:3"]) == 0
    read = asking.read(answers)
    assert len(read) == 3
    assert {mask.dtype for masks in read.values() for mask in masks} == {np.dtype(np.uint8)}

    steps = ["--steps", "30", "--batch", "4", "--examples", "16"]
    common = ["--data", str(shards), "--answers", str(answers), "--shape", "fast", *steps]
    assert train.main([*common, "--out", str(weights)]) == 0
    assert train.main([*common, "--init", str(weights), "--out", str(weights)]) == 0
    assert export.main(["--weights", str(weights), "--shape", "fast", "--out", str(file)]) == 0
    assert "within" in capsys.readouterr().out
    assert file.stat().st_size < 200_000


def test_learning_lowers_the_loss(photos):
    torch.manual_seed(0)
    recipe = train.Recipe(steps=60, batch=4, examples=8, size=SIZE, warm_up=5, answered=0.0)
    trainer = train.Trainer(recipe, "fast")
    made = train.examples(recipe, photos, {})
    batch = torch.from_numpy(made[:4]).permute(0, 3, 1, 2).float() / 255
    losses = [trainer.learn(batch, small=step % 3 == 0) for step in range(60)]
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:5])


def test_mistakes_are_one_sentence(shards, capsys):
    with pytest.raises(SystemExit) as ended:
        train.main(["--data", str(shards / "none"), "--shape", "fast", "--out", str(shards / "x.pt")])
    assert ended.value.code == 2
    assert "holds no shard of duts-train" in capsys.readouterr().err

    with pytest.raises(SystemExit):
        asking.main(["--data", str(shards), "--out", str(shards / "x.npz"), "--models", "bolt"])
    assert "is not written" in capsys.readouterr().err

    torch.save(Refiner(SHAPES["best"]).state_dict(), shards / "best.pt")
    with pytest.raises(SystemExit):
        export.main(
            ["--weights", str(shards / "best.pt"), "--shape", "fast", "--out", str(shards / "x.onnx")]
        )
    assert "is not written" in capsys.readouterr().err
    assert not (shards / "x.onnx").exists()
