import signal
import subprocess
import sys
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="training has requirements of its own: training/requirements.txt")
cv2 = pytest.importorskip("cv2", reason="training has requirements of its own: training/requirements.txt")

from training import export
from training.batches import batch
from training.losses import loss
from training.network import Bolt
from training.recipe import Phase
from training.run import Run
from training.train import main
from training.trainer import Trainer


def common(folder):
    return ["--data", str(folder), "--recipe", str(folder / "tiny.json"), "--device", "cpu"]


def test_it_learns(recipe, photos):
    trainer = Trainer(recipe, torch.device("cpu"))
    same = batch(recipe, photos, 0)
    losses = [float(trainer.learn(same)) for _ in range(4)]
    assert losses[-1] < losses[0] - 0.2


def test_resuming_gives_the_weights_of_an_unbroken_run(recipe, shards, tmp_path):
    recipe.write(tmp_path / "tiny.json")
    assert main([*common(shards), "--out", str(tmp_path / "whole")]) == 0
    broken = [*common(shards), "--out", str(tmp_path / "broken"), "--minutes", "0"]
    for _ in range(recipe.steps):  # each run does one step, then its time is over
        assert main(broken) == 0
    for name in ("checkpoint.pt", "weights.pt"):
        whole, pieces = (torch.load(tmp_path / run / name, weights_only=True) for run in ("whole", "broken"))
        assert _same(whole, pieces)
    curve = Run(tmp_path / "whole").curve()
    assert [row["step"] for row in curve] == [0, 2, 4, 6, 7]
    assert 0 <= curve[-1]["mae"] <= 1
    kept = [(tmp_path / run / "recipe.json").read_text() for run in ("whole", "broken")]
    assert kept[0] == kept[1] == (tmp_path / "tiny.json").read_text()


def _same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda folder: (folder / "discs-00.tar").unlink(), "no shard of discs"),
        (lambda folder: (folder / "tiny.json").write_text('{"phases": [], "sets": [], "sats": []}'), "sats"),
        (lambda folder: (folder / "tiny.json").unlink(), "tiny.json"),
        (lambda folder: (folder / "run").write_text("a file"), "run"),
        (lambda folder: _write(folder / "run" / "checkpoint.pt", b"nothing"), "cannot be gone on from"),
    ],
)
def test_what_is_missing_or_wrong_is_named(recipe, shards, change, sentence, capsys):
    recipe.write(shards / "tiny.json")
    change(shards)
    with pytest.raises(SystemExit) as stopped:
        main([*common(shards), "--out", str(shards / "run")])
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert sentence in message
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--init", "none.onnx"], "none.onnx"),
        (["--init", "tiny.json"], "is not a network"),
        (["--device", "abacus"], "abacus"),
    ],
)
def test_wrong_flags_are_named(recipe, shards, flags, sentence, capsys, monkeypatch):
    monkeypatch.chdir(shards)
    recipe.write(shards / "tiny.json")
    with pytest.raises(SystemExit) as stopped:
        main([*common(shards), "--out", str(shards / "run"), *flags])
    assert stopped.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_said(recipe, shards, capsys):
    recipe.write(shards / "tiny.json")
    with pytest.raises(SystemExit):
        main([*common(shards), "--out", str(shards / "run"), "--device", "cuda"])
    assert "finds no CUDA device" in capsys.readouterr().err


def test_two_trainings_do_not_share_a_folder(recipe, shards, capsys):
    recipe.write(shards / "tiny.json")
    with Run(shards / "run").lock(), pytest.raises(SystemExit):
        main([*common(shards), "--out", str(shards / "run")])
    assert "in use by another training" in capsys.readouterr().err


def _write(path, data):
    path.parent.mkdir()
    path.write_bytes(data)


def test_a_curve_that_ran_ahead_of_its_checkpoint_is_cut_back(recipe, shards):
    recipe.write(shards / "tiny.json")
    out = shards / "run"
    main([*common(shards), "--out", str(out), "--minutes", "0"])
    with (out / "curve.jsonl").open("a") as curve:
        curve.write('{"step": 2, "loss": 1.0}\n{"step": 3, "lo')
    main([*common(shards), "--out", str(out)])
    assert [row["step"] for row in Run(out).curve()] == [0, 1, 1, 2, 4, 6, 7]


def test_a_run_goes_on_from_a_file_that_ships(recipe, shards, capsys):
    long = replace(recipe, phases=(Phase(60, 64, 4, (0.002, 0.0005)),), measure_every=60)
    long.write(shards / "tiny.json")
    main([*common(shards), "--out", str(shards / "run")])
    export.main(["--run", str(shards / "run"), "--out", str(shards / "bolt.onnx")])
    capsys.readouterr()
    main(
        [
            *common(shards),
            "--out",
            str(shards / "next"),
            "--init",
            str(shards / "bolt.onnx"),
            "--minutes",
            "0",
        ]
    )
    start, first = Run(shards / "next").curve()
    assert start["init"].endswith("bolt.onnx")
    before = Run(shards / "run").curve()[-1]
    main([*common(shards), "--out", str(shards / "chance"), "--minutes", "0"])
    chance = Run(shards / "chance").curve()[-1]
    assert before["mae"] < chance["mae"] / 2
    assert first["mae"] < (before["mae"] + chance["mae"]) / 2


def test_the_loss_prefers_the_truth():
    truth = torch.zeros(1, 1, 64, 64)
    truth[..., 16:48, 16:48] = 1
    boundaries = torch.zeros_like(truth)
    answers = [(torch.nn.functional.avg_pool2d(truth, factor) - 0.5) * 20 for factor in (1, 8, 16)]
    right = loss(answers, truth, boundaries)
    wrong = loss([-answer for answer in answers], truth, boundaries)
    nothing = loss([torch.zeros_like(answer) for answer in answers], truth, boundaries)
    assert right < 0.01 < nothing < wrong


def test_answers_have_the_sizes_they_promise():
    network = Bolt()
    assert [tuple(answer.shape) for answer in network(torch.zeros(2, 3, 64, 96))] == [
        (2, 1, 64, 96),
        (2, 1, 8, 12),
        (2, 1, 4, 6),
    ]
    assert network.eval()(torch.zeros(1, 3, 64, 96)).shape == (1, 1, 64, 96)


def test_a_signal_ends_it_after_the_step_with_a_checkpoint(recipe, shards, tmp_path):
    replace(recipe, phases=(Phase(10_000, 64, 4, (0.001, 0.001)),)).write(shards / "tiny.json")
    out = tmp_path / "run"
    command = [sys.executable, "-u", "-m", "training.train", *common(shards), "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        first = next(process.stdout)
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(60) == 0
    assert "'photos': 12" in first
    step = torch.load(out / "checkpoint.pt", weights_only=True)["step"]
    assert 1 <= step < 10_000
    assert f"'step': {step}," in rest
