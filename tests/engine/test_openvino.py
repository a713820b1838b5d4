"""OpenVINO as a runtime of its own: the same answers as ONNX Runtime's, in the precision asked for."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import networks
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from rembolt.engine import openvino_runtime
from rembolt.engine.openvino_runtime import has_bf16
from rembolt.engine.session import Placement, Session
from rembolt.errors import BrokenWeightsError, DeviceError, MissingExtraError, UsageError
from rembolt.models.catalogue import find_model
from rembolt.models.spec import ModelSpec
from rembolt.segmenters.prepare import prepare

openvino = pytest.importorskip("openvino")

U2NETP = find_model("u2netp")
BOLT = find_model("bolt")
NATIVE = Placement(runtime="openvino")
SERIES = np.random.default_rng(0)


def noise(*shape: int) -> np.ndarray:
    return SERIES.normal(size=shape).astype(np.float32)


@pytest.fixture
def photos(cat: Image.Image, astronaut: Image.Image) -> np.ndarray:
    """Three photos as bolt is fed with them."""
    pictures = (cat, astronaut, cat.rotate(180))
    return np.concatenate([prepare(picture, BOLT, exact=False) for picture in pictures])


def property_of(session: Session, name: str) -> Any:
    return session.inner.get_property(name)


# --- the same answers


def points(count: int) -> dict[str, np.ndarray]:
    return {
        "image_embeddings": noise(1, 3, 171, 256),
        "point_coords": noise(1, count, 2),
        "point_labels": noise(1, count),
        "mask_input": noise(1, 1, 256, 256),
        "has_mask_input": noise(1),
        "orig_im_size": noise(2),
    }


FAMILIES: list[tuple[str, str, dict[str, Any], list[dict[str, np.ndarray]]]] = [
    ("saliency", "saliency", {}, [{"image": noise(1, 3, 320, 320)}]),
    ("saliency", "saliency", {"size": None}, [{"image": noise(1, 3, 320, 320)}]),
    ("cloth", "saliency", {"channels": 4}, [{"image": noise(1, 3, 320, 320)}]),
    ("vitmatte", "vitmatte", {}, [{"pixel_values": noise(1, 4, 1024, 1024)}]),
    ("sam", "sam_encoder", {}, [{"input_image": noise(684, 1024, 3)}]),
    ("sam", "sam_decoder", {}, [points(1), points(5), points(2)]),
]


@pytest.mark.parametrize(("family", "kind", "options", "feeds"), FAMILIES)
def test_every_family_gives_what_onnxruntime_gives(family, kind, options, feeds, tmp_path) -> None:
    path = getattr(networks, kind)(tmp_path / f"{kind}.onnx", **options)
    spec = replace(U2NETP, family=family)
    ours = Session(spec, path, NATIVE)
    theirs = Session(spec, path, Placement(runtime="onnxruntime"))
    assert (ours.runtime, theirs.runtime) == ("openvino", "onnxruntime")
    for feed in feeds:
        for answer, expected in zip(ours.run(feed), theirs.run(feed), strict=True):
            assert answer.dtype == expected.dtype
            np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-4)


def test_bolt_gives_the_same_masks_one_by_one_and_in_a_batch(bolt: Path, photos: np.ndarray) -> None:
    session = Session(BOLT, bolt, NATIVE)
    masks = session.predict(photos)
    assert masks.max(axis=(1, 2)).min() > 0.9, "every photo has a subject"
    np.testing.assert_allclose(masks, Session(BOLT, bolt).predict(photos), atol=1e-3)
    one_by_one = [session.predict(photos[place : place + 1])[0] for place in range(3)]
    np.testing.assert_array_equal(masks, one_by_one)


def test_arrays_of_any_layout_are_taken(network: Path) -> None:
    photo = noise(320, 320, 3).transpose(2, 0, 1)[np.newaxis]
    photo.flags.writeable = False
    session = Session(U2NETP, network, NATIVE)
    expected = session.predict(np.ascontiguousarray(photo))
    np.testing.assert_array_equal(session.predict(photo), expected)


def test_weights_in_a_file_of_their_own(tmp_path: Path) -> None:
    model = onnx.load(networks.saliency(tmp_path / "whole.onnx"))
    split = tmp_path / "split.onnx"
    onnx.save(model, split, save_as_external_data=True, location="split.data", size_threshold=0)
    assert (tmp_path / "split.data").stat().st_size
    batch = noise(1, 3, 320, 320)
    np.testing.assert_allclose(
        Session(U2NETP, split, NATIVE).predict(batch), Session(U2NETP, split).predict(batch), atol=1e-4
    )


# --- which runtime, which device


def test_openvino_runs_only_where_it_is_asked_for(network: Path) -> None:
    plain = Session(U2NETP, network)
    assert (plain.device, plain.runtime) == ("cpu", "onnxruntime")
    for device in ("auto", "cpu"):
        session = Session(U2NETP, network, Placement(device, runtime="openvino"))
        assert (session.device, session.runtime, session.on_cpu) == ("cpu", "openvino", True)
        assert isinstance(session.inner, openvino.CompiledModel)
    session = Session(U2NETP, network, Placement("openvino"))
    assert (session.device, session.runtime, session.precision) == ("openvino", "openvino", "fp32")


def test_own_options_and_providers_are_onnxruntimes(network: Path) -> None:
    session = Session(U2NETP, network, Placement("openvino"), providers=["CPUExecutionProvider"])
    assert (session.device, session.runtime) == ("cpu", "onnxruntime")


def test_openvino_runs_on_no_other_device(network: Path) -> None:
    with pytest.raises(DeviceError, match="runtime openvino does not run on device 'cuda'"):
        Session(U2NETP, network, Placement("cuda", runtime="openvino"))


def test_it_says_where_it_runs(network: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "rembolt"):
        Session(U2NETP, network, Placement("openvino"))
    gpu = any(name.startswith("GPU") for name in openvino.Core().available_devices)
    assert f"openvino runs on the {'Intel GPU' if gpu else 'CPU'}" in caplog.text


def test_a_gpu_that_does_not_work_is_told(network, monkeypatch, caplog) -> None:
    if any(name.startswith("GPU") for name in openvino.Core().available_devices):
        pytest.skip("this machine has an Intel GPU")
    monkeypatch.setattr(openvino.Core, "available_devices", property(lambda core: ["CPU", "GPU"]))
    session = Session(U2NETP, network, Placement("openvino"))
    assert session.on_cpu
    assert "openvino runs on the CPU: the Intel GPU does not run the network (" in caplog.text
    assert "Exception from" not in caplog.text
    assert session.predict(noise(1, 3, 320, 320)).max() == 1


# --- precision


@pytest.mark.parametrize("device", ["auto", "cpu", "openvino"])
def test_bf16_where_the_cpu_lacks_it(network: Path, device: str) -> None:
    if has_bf16():
        pytest.skip("the CPU here has bf16")
    with pytest.raises(
        DeviceError, match=r"bf16 is not available: this CPU lacks it \(AVX512_BF16"
    ) as caught:
        Session(U2NETP, network, Placement(device, "bf16"))
    assert caught.value.exit_code == 5


def test_bf16_where_the_cpu_has_it(bolt: Path, photos: np.ndarray) -> None:
    if not has_bf16():
        pytest.skip("the CPU here has no bf16")
    session = Session(BOLT, bolt, Placement(precision="bf16"))
    assert (session.device, session.runtime, session.precision) == ("cpu", "openvino", "bf16")
    assert property_of(session, "INFERENCE_PRECISION_HINT").to_string() == "bf16"
    difference = np.abs(session.predict(photos) - Session(BOLT, bolt).predict(photos)).mean()
    assert 0 < difference < 0.02


def test_bf16_of_weights_that_are_not_fp32(network: Path) -> None:
    with pytest.raises(DeviceError, match="no bf16 weights"):
        Session(replace(U2NETP, precision="int8"), network, Placement(precision="bf16"))


def test_fp32_is_fp32_on_every_cpu(network: Path) -> None:
    assert property_of(Session(U2NETP, network, NATIVE), "INFERENCE_PRECISION_HINT").to_string() == "f32"


def quantised(path: Path, target: Path) -> Path:
    """The network in int8, with QuantizeLinear and DequantizeLinear around its layers."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Photos(CalibrationDataReader):
        def __init__(self) -> None:
            self.left = [{"image": noise(1, 3, 320, 320)} for _ in range(4)]

        def get_next(self) -> dict[str, np.ndarray] | None:
            return self.left.pop() if self.left else None

    quantize_static(path, target, Photos(), quant_format=QuantFormat.QDQ, per_channel=True)
    return target


def test_int8_weights_run_in_both(tmp_path: Path, network: Path) -> None:
    path = quantised(network, tmp_path / "int8.onnx")
    assert "QuantizeLinear" in {node.op_type for node in onnx.load(path).graph.node}
    spec: ModelSpec = replace(U2NETP, precision="int8")
    feed = {"image": noise(1, 3, 320, 320)}
    answers = []
    for runtime in ("openvino", "onnxruntime"):
        session = Session(spec, path, Placement(precision="int8", runtime=runtime))
        assert (session.runtime, session.precision) == (runtime, "int8")
        answers.append(session.run(feed)[0])
    # Both round, but not at the same places; a step of the last layer's output is 2 / 255.
    assert np.abs(answers[0] - answers[1]).mean() < 0.01
    assert np.abs(answers[0] - Session(U2NETP, network).run(feed)[0]).mean() < 0.05


# --- what can go wrong


def test_a_file_that_is_no_network(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    garbage = tmp_path / "garbage.onnx"
    garbage.write_bytes(b"this is not a network" * 100)
    with pytest.raises(BrokenWeightsError, match="is not a network"):
        Session(U2NETP, garbage, NATIVE)
    assert capfd.readouterr() == ("", "")


def test_a_network_of_another_input_size(tmp_path: Path) -> None:
    other = networks.saliency(tmp_path / "other.onnx", size=224)
    with pytest.raises(BrokenWeightsError, match=r"\[1, 3, 224, 224\].*\[1, 3, 320, 320\]"):
        Session(U2NETP, other, NATIVE)


def test_a_layer_that_openvino_does_not_know(network: Path) -> None:
    model = onnx.load(network)
    model.graph.node.append(helper.make_node("Det", ["mask"], ["determinant"]))
    model.graph.output.append(helper.make_tensor_value_info("determinant", TensorProto.FLOAT, [1, 1]))
    onnx.save(model, network)
    assert Session(U2NETP, network).run({"image": noise(1, 3, 320, 320)})
    with pytest.raises(DeviceError, match=r"OpenVINO 20\S+ cannot run .*u2netp\.onnx \(.*use device auto"):
        Session(U2NETP, network, NATIVE)


def test_a_run_that_fails_is_one_of_our_errors_and_the_next_is_well(network: Path) -> None:
    session = Session(U2NETP, network, NATIVE)
    for wrong in ({"nonsense": noise(1, 3, 320, 320)}, {"image": noise(1, 3, 32, 32)}):
        with pytest.raises(BrokenWeightsError, match="of model 'u2netp' failed") as caught:
            session.run(wrong)
        assert "Exception from" not in str(caught.value)
    assert session.predict(noise(1, 3, 320, 320)).shape == (1, 320, 320)


def test_not_installed(monkeypatch: pytest.MonkeyPatch, network: Path) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert not openvino_runtime.installed()
    for placement in (NATIVE, Placement(precision="bf16")):
        with pytest.raises(MissingExtraError, match=r"rembolt\[openvino\]"):
            Session(U2NETP, network, placement)


def test_damaged(monkeypatch: pytest.MonkeyPatch, network: Path) -> None:
    monkeypatch.delattr(openvino, "Core")
    with pytest.raises(MissingExtraError, match="force-reinstall openvino"):
        Session(U2NETP, network, NATIVE)


def test_a_wrong_number_of_threads_is_told_as_such(network, monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    with pytest.raises(UsageError, match="OMP_NUM_THREADS"):
        Session(U2NETP, network, NATIVE)
