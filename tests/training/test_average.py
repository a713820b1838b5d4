import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch", reason="training has requirements of its own: training/requirements.txt")

from onnx import numpy_helper

from rembolt.models.convert import unpack
from training.average import average, main
from training.compact import compact, halve
from training.export import fold, to_onnx
from training.network import Bolt, Mirrored


def exported(seed, *, mirrored=False):
    torch.manual_seed(seed)
    network = fold(Bolt().eval())
    return compact(to_onnx(Mirrored(network) if mirrored else network))


def weights(model):
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in unpack(opened).graph.initializer}


@pytest.fixture(scope="module")
def networks():
    return [exported(1), exported(2)]


def test_every_weight_is_the_mean(networks):
    one, other, mean = map(weights, [*networks, average(networks, [1, 3])])
    assert any(not np.array_equal(one[name], other[name]) for name in one)
    for name, value in mean.items():
        assert value.dtype == one[name].dtype
        if value.dtype.kind == "f":
            expected = 0.25 * one[name].astype(float) + 0.75 * other[name].astype(float)
            # Rounded once more: to 8 bits of each output channel's largest, or to half precision.
            largest = np.abs(expected).max(tuple(range(1, value.ndim)), keepdims=True)
            assert (np.abs(value - expected) <= largest / 250 + 1e-6).all(), name


def test_a_network_alone_stays_what_it_is(networks):
    before, after = weights(networks[0]), weights(average(networks[:1], [0.3]))
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_allclose(after[name], value, rtol=1e-6)


def test_files_of_more_bytes_can_be_averaged_with_those_of_fewer(networks):
    wide = halve(to_onnx(fold(Bolt().eval())))
    assert len(average([wide, networks[0]], [1, 1]).SerializeToString()) < len(wide.SerializeToString()) * 0.6


def test_what_cannot_be_averaged_is_said(networks, tmp_path, capsys):
    with pytest.raises(ValueError, match="different shapes"):
        average([networks[0], exported(1, mirrored=True)], [1, 1])
    for shares in ([1], [1, 0], [1, -1]):
        with pytest.raises(ValueError, match="as many shares"):
            average(networks, shares)
    nothing = tmp_path / "nothing.onnx"
    nothing.write_bytes(b"nothing")
    for path, sentence in ((nothing, "is not written"), (tmp_path / "gone.onnx", "gone.onnx")):
        with pytest.raises(SystemExit) as stopped:
            main(["--models", str(path), "--shares", "1", "--out", str(tmp_path / "out.onnx")])
        assert stopped.value.code == 2
        assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out.onnx").exists()


def test_the_command_writes_the_mean(networks, tmp_path):
    for name, network in zip("ab", networks, strict=True):
        onnx.save(network, tmp_path / f"{name}.onnx")
    files = [str(tmp_path / "a.onnx"), str(tmp_path / "b.onnx")]
    assert main(["--models", *files, "--shares", "1", "3", "--out", str(tmp_path / "out.onnx")]) == 0
    assert onnx.load(tmp_path / "out.onnx") == average(networks, [1, 3])
