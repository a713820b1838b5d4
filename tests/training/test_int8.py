import numpy as np
import onnx
import onnxruntime
import pytest

from rembolt.models.catalogue import find_model
from rembolt.models.store import weights
from training import int8


def answer(model, image):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == ["image"]
    return session.run(["logits"], {"image": image})[0]


def test_short_names_change_no_answer():
    model = onnx.load(weights(find_model("bolt"))[0])
    size = len(model.SerializeToString())
    image = np.random.default_rng(0).standard_normal((1, 3, 64, 96), dtype=np.float32)
    before = answer(model, image)
    renamed = int8.renamed(model)
    np.testing.assert_array_equal(answer(renamed, image), before)
    assert len(renamed.SerializeToString()) < size - 10_000


def test_a_processor_without_vnni_is_refused(monkeypatch, tmp_path, capsys):
    without = int8.this_processor()._replace(features=frozenset({"avx2"}))
    monkeypatch.setattr(int8, "this_processor", lambda: without)
    monkeypatch.setattr(int8, "EMBEDDED", tmp_path)
    with pytest.raises(SystemExit) as stopped:
        int8.main(["--data", "nothing.tar"])
    assert stopped.value.code == 2
    assert "no VNNI" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_photos_that_are_not_there_are_named(tmp_path, monkeypatch, capsys):
    capable = int8.this_processor()._replace(features=frozenset({"avx512_vnni"}))
    monkeypatch.setattr(int8, "this_processor", lambda: capable)
    monkeypatch.setattr(int8, "EMBEDDED", tmp_path)
    with pytest.raises(SystemExit) as stopped:
        int8.main(["--data", str(tmp_path / "gone.tar")])
    assert stopped.value.code == 2
    assert "gone.tar" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
