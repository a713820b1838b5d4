import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2", reason="training has requirements of its own: training/requirements.txt")

from benchmarks.metrics import Accuracy
from rembolt.models.catalogue import find_model
from rembolt.models.store import where
from training import tune


def test_levels_are_judged_as_the_metric_would(photos):
    random = np.random.default_rng(0)
    soft = Image.fromarray(photos[0].mask).resize((50, 60), Image.Resampling.BILINEAR)
    truth = np.asarray(soft)
    alpha = np.rint(truth * 0.6 + random.uniform(0, 100, truth.shape)).astype(np.uint8)
    errors = tune.levelled_errors(alpha, truth)
    for row, low in enumerate(tune.LOW):
        for column, high in enumerate(tune.HIGH):
            accuracy = Accuracy()
            accuracy.add(np.clip((alpha / 255 - low) / (high - low), 0, 1), truth)
            assert errors[row, column] == pytest.approx(accuracy.scores().mae, abs=2e-3)
    assert errors.argmin() != 0  # the bare values are not the best here


@pytest.fixture
def pairs(photos, tmp_path):
    for number, photo in enumerate(photos[:2]):
        Image.fromarray(photo.picture).save(tmp_path / f"{number}.jpg")
        Image.fromarray(photo.mask).save(tmp_path / f"{number}.png")
    return tmp_path


def test_a_row_for_each_size(pairs, tmp_path, capsys):
    network = where(find_model("bolt")).path  # takes any size
    written = tmp_path / "sizes.json"
    flags = ["--model", str(network), "--data", str(pairs), "--sizes", "160", "320", "--json", str(written)]
    assert tune.main(flags) == 0
    rows = json.loads(written.read_text())
    assert [row["size"] for row in rows] == [160, 320]
    assert all(0 <= row["levelled_mae"] <= row["mae"] <= 1 for row in rows)
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_what_is_missing_or_broken_is_named(pairs, capsys):
    (pairs / "broken.onnx").write_bytes(b"no network")
    for name in ("none.onnx", "broken.onnx"):
        with pytest.raises(SystemExit) as stopped:
            tune.main(["--model", str(pairs / name), "--data", str(pairs)])
        assert stopped.value.code == 2
        assert name in capsys.readouterr().err
