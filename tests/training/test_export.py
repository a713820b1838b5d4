import numpy as np
import onnx
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="training has requirements of its own: training/requirements.txt")
pytest.importorskip("cv2", reason="training has requirements of its own: training/requirements.txt")

from training import unfold
from training.compact import compact
from training.export import TOLERANCE, differences, fold, is_mirrored, main, to_onnx
from training.measure import normalise
from training.network import Bolt


def drawn():
    """Random weights with statistics that are not trivial, so that folding has something to do."""
    torch.manual_seed(0)
    network = Bolt().train()
    for _ in range(3):
        network(torch.randn(4, 3, 96, 96) * 2 + 1)
    return network.eval()


@pytest.fixture(scope="module")
def network():
    return drawn()


@pytest.fixture(scope="module")
def run(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    torch.save(network.state_dict(), folder / "weights.pt")
    return folder


@pytest.fixture
def copy(network):
    again = Bolt().eval()
    again.load_state_dict(network.state_dict())
    return again


def test_folding_leaves_no_normalisation_and_the_same_answers(network, copy):
    image = torch.randn(2, 3, 96, 64)
    folded = fold(copy)
    assert not [module for module in folded.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    torch.testing.assert_close(folded(image), network(image), atol=1e-4, rtol=1e-4)


def test_the_file_answers_as_pytorch_does(run, network, tmp_path, capsys):
    path = tmp_path / "bolt.onnx"
    assert main(["--run", str(run), "--out", str(path)]) == 0
    assert "alpha differs from PyTorch's by" in capsys.readouterr().out
    assert path.stat().st_size < 4_000_000
    assert 0 < differences(onnx.load(path), network).mean() < TOLERANCE
    assert [file.name for file in tmp_path.iterdir()] == ["bolt.onnx"]


def test_the_graph_is_pytorchs_to_the_last_alpha(copy, network):
    assert differences(to_onnx(fold(copy)), network).max() < 1e-4


def test_batches_and_sizes_are_free(copy):
    model = compact(to_onnx(fold(copy)))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).standard_normal((3, 3, 64, 96), dtype=np.float32)
    (together,) = session.run(None, {"image": images})
    alone = [session.run(None, {"image": image[None]})[0] for image in images]
    np.testing.assert_allclose(together, np.concatenate(alone), atol=1e-4)


def test_a_mirrored_network_means_two_answers(copy, network, run, tmp_path):
    path = tmp_path / "bolt.onnx"
    assert main(["--run", str(run), "--out", str(path), "--mirrored"]) == 0
    model = onnx.load(path)
    assert is_mirrored(model)
    assert not is_mirrored(to_onnx(fold(copy)))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    images = torch.randn(3, 3, 64, 96)
    (answers,) = session.run(None, {"image": images.numpy()})
    with torch.inference_mode():
        expected = (network(images) + network(images.flip(3)).flip(3)) / 2
    np.testing.assert_allclose(answers, expected.numpy(), atol=float(expected.std()) / 50)
    (mirrored,) = session.run(None, {"image": images.flip(3).numpy()})
    np.testing.assert_allclose(mirrored[..., ::-1], answers, atol=1e-4)


def test_another_network_is_noticed(copy, network):
    model = to_onnx(fold(copy))
    with torch.no_grad():
        next(network.parameters()).mul_(1.5)
    try:
        assert differences(model, network).max() > TOLERANCE
    finally:
        with torch.no_grad():
            next(network.parameters()).div_(1.5)


def test_a_network_of_nan_is_not_written(tmp_path, capsys):
    broken = Bolt()
    with torch.no_grad():
        broken.stem[0].weight[0, 0, 0, 0] = float("nan")
    torch.save(broken.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(SystemExit):
        main(["--run", str(tmp_path), "--out", str(tmp_path / "bolt.onnx")])
    assert "differs from PyTorch by nan" in capsys.readouterr().err
    assert not (tmp_path / "bolt.onnx").exists()


@pytest.mark.parametrize("content", [None, b"", b"no weights"])
def test_weights_that_are_none_are_named(content, tmp_path, capsys):
    if content is not None:
        (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(SystemExit) as stopped:
        main(["--run", str(tmp_path), "--out", str(tmp_path / "bolt.onnx")])
    assert stopped.value.code == 2
    assert "is not written" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [[], ["--mirrored"]])
def test_training_can_go_on_from_the_file(run, network, tmp_path, flags):
    path = tmp_path / "bolt.onnx"
    main(["--run", str(run), "--out", str(path), *flags])
    images = torch.randn(8, 3, 96, 96)
    again = unfold.read(path, [images])
    with torch.inference_mode():
        expected = network(images)
        near = float(expected.std()) / 20
        assert near > 0
        torch.testing.assert_close(again(images), expected, atol=near, rtol=0)
        # The batch's own statistics are those it was given, so training mode starts where evaluation mode is.
        torch.testing.assert_close(again.train()(images)[0], expected, atol=near, rtol=0)


@pytest.fixture
def shallower_file(monkeypatch, tmp_path):
    """What a network of fewer blocks was exported to."""
    monkeypatch.setattr("training.network.DEPTHS", (1, 2, 4, 3))
    path = tmp_path / "shallower.onnx"
    path.write_bytes(compact(to_onnx(fold(drawn()))).SerializeToString())
    monkeypatch.undo()
    return path


def test_a_network_grows_without_forgetting(shallower_file):
    images = torch.randn(4, 3, 96, 96)
    grown = unfold.read(shallower_file, [images])
    assert len(grown.stages[2].blocks) > 4
    session = onnxruntime.InferenceSession(shallower_file, providers=["CPUExecutionProvider"])
    (before,) = session.run(None, {"image": images.numpy()})
    with torch.inference_mode():
        np.testing.assert_allclose(grown(images).numpy(), before, atol=1e-4 + before.std() / 100)
    grown.train()(images)[0].square().mean().backward()
    assert float(grown.stages[2].blocks[-1].project[1].weight.grad.abs().sum()) > 0


def test_a_network_does_not_shrink(shallower_file, monkeypatch):
    monkeypatch.setattr("training.network.DEPTHS", (1, 1, 4, 3))
    with pytest.raises(ValueError, match=r"not a network that this one can go on from.*stages\.1\.blocks\.1"):
        unfold.read(shallower_file, [torch.randn(4, 3, 96, 96)])


def test_normalisation_is_the_catalogues():
    from rembolt.models.catalogue import find_model

    spec = find_model("bolt")
    picture = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    expected = (picture / 255 - np.float32(spec.mean)) / np.float32(spec.std)
    np.testing.assert_allclose(
        normalise(torch.from_numpy(picture)).numpy(), expected.transpose(0, 3, 1, 2), atol=1e-5
    )
