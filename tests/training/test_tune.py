import numpy as np
import pytest

pytest.importorskip("cv2", reason="training has requirements of its own: training/requirements.txt")

from benchmarks.metrics import Accuracy
from training import tune


def test_levels_are_judged_as_the_metric_would(photos):
    random = np.random.default_rng(0)
    truth = photos[0].mask
    alpha = np.clip(truth / 255 * 0.6 + random.uniform(0, 0.4, truth.shape), 0, 1).astype(np.float32)
    errors = tune._errors(alpha, truth)
    for row, low in enumerate(tune.LOW):
        for column, high in enumerate(tune.HIGH):
            accuracy = Accuracy()
            accuracy.add(np.clip((alpha - low) / (high - low), 0, 1).astype(np.float32), truth)
            assert errors[row, column] == pytest.approx(accuracy.scores().mae, abs=2e-3)
    assert errors.argmin() != 0  # the bare values are not the best here


def test_what_is_missing_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        tune.main(["--model", str(tmp_path / "none.onnx"), "--data", str(tmp_path)])
    assert stopped.value.code == 2
    assert "none.onnx is not a file" in capsys.readouterr().err
