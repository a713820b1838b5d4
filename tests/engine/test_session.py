"""Loading a network on a device, or saying why not."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import networks
import numpy as np
import onnx
import onnxruntime
import pytest

from rembolt.engine import device as devices
from rembolt.engine import runtime
from rembolt.engine.loading import session_options
from rembolt.engine.packages import clash, installed_runtimes
from rembolt.engine.session import Placement, Session
from rembolt.engine.trial import try_device
from rembolt.errors import BrokenWeightsError, DeviceError, MissingExtraError
from rembolt.models.catalogue import find_model

U2NETP = find_model("u2netp")


def batch(count: int = 1, side: int = 320) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 3, side, side)).astype(np.float32)


def test_masks_have_the_networks_size_and_lie_between_0_and_1(network: Path) -> None:
    masks = Session(U2NETP, network).predict(batch())
    assert masks.shape == (1, 320, 320)
    assert masks.dtype == np.float32
    assert (masks.min(), masks.max()) == (0, 1)


def test_auto_says_where_it_runs(network: Path) -> None:
    session = Session(U2NETP, network)
    assert session.device == "cpu"
    assert session.precision == "fp32"
    assert session.runtime == "onnxruntime"
    assert session.on_cpu
    assert session.inner.get_providers() == ["CPUExecutionProvider"]


def test_our_options_are_set() -> None:
    options = session_options(1)
    assert options.intra_op_num_threads == 1
    assert options.inter_op_num_threads == 1
    assert options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"
    assert options.enable_cpu_mem_arena


def test_own_options_and_providers_are_used_as_they_are(network: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = Session(U2NETP, network, runtime_options=options, providers=["CPUExecutionProvider"])
    assert session.inner.get_session_options().intra_op_num_threads == 1
    assert session.device == "cpu"


def test_a_device_the_runtime_does_not_have_is_an_error_with_the_remedy(network: Path) -> None:
    assert "cuda" not in devices.available(), "this machine has CUDA: the test is for those without"
    with pytest.raises(DeviceError, match=r"'cuda' is not available .* install \"rembolt\[gpu\]\"") as caught:
        Session(U2NETP, network, Placement(device="cuda"))
    assert caught.value.exit_code == 5


def claim_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the runtime list CUDA, as onnxruntime-gpu does where its libraries are missing."""
    built = [*onnxruntime.get_available_providers(), "CUDAExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built)


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_the_runtimes_silent_fall_back_is_an_error(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim_cuda(monkeypatch)
    with pytest.raises(DeviceError, match="did not start"):
        Session(U2NETP, network, Placement(device="cuda"))


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_auto_goes_on_to_what_works_and_says_so(
    network: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    claim_cuda(monkeypatch)
    with caplog.at_level(logging.WARNING, "rembolt"):
        assert Session(U2NETP, network).device == "cpu"
    assert "auto runs on cpu: device 'cuda' is not available" in caplog.text


class Particular(onnxruntime.InferenceSession):
    """As a session with a provider that does not know one of our options; for want of it, on the CPU."""

    def __init__(self, *arguments: Any, providers: Sequence[Any], **others: Any) -> None:
        if providers[0] != "MIGraphXExecutionProvider" and "CPUExecutionProvider" not in providers[0]:
            raise RuntimeError("Unknown provider option: migraphx_model_cache_dir.")
        super().__init__(*arguments, providers=["CPUExecutionProvider"], **others)

    def get_providers(self) -> list[str]:
        return ["MIGraphXExecutionProvider", "CPUExecutionProvider"]

    def get_provider_graph_assignment_info(self) -> Any:
        raise RuntimeError("not recorded")


def test_a_provider_that_refuses_our_options_runs_with_its_own_and_that_is_said(
    network: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    built = ["MIGraphXExecutionProvider", *onnxruntime.get_available_providers()]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Particular)
    with caplog.at_level(logging.WARNING, "rembolt"):
        session = Session(U2NETP, network, Placement(device="migraphx"))
    assert session.device == "migraphx"
    assert "device migraphx refuses the options that rembolt chose (Unknown provider option: " in caplog.text


class Direct(onnxruntime.InferenceSession):
    """As a session with DirectML; for want of it, on the CPU."""

    asked: ClassVar[list[Any]] = []

    def __init__(self, *arguments: Any, providers: Sequence[Any] | None, **others: Any) -> None:
        self.asked.append(providers)
        super().__init__(*arguments, providers=["CPUExecutionProvider"], **others)

    def get_providers(self) -> list[str]:
        return ["DmlExecutionProvider", "CPUExecutionProvider"]

    def get_provider_graph_assignment_info(self) -> Any:
        raise RuntimeError("not recorded")


def test_directml_is_asked_for_by_name_where_its_hardware_is_listed_too(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given its hardware, it would take the first adapter and leave the preset unread."""
    built = ["DmlExecutionProvider", *onnxruntime.get_available_providers()]
    listed = [SimpleNamespace(ep_name="DmlExecutionProvider", ep_metadata={})]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built)
    monkeypatch.setattr(onnxruntime, "get_ep_devices", lambda: listed)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Direct)
    Direct.asked.clear()
    assert Session(U2NETP, network, Placement("directml")).device == "directml"
    ((first, last),) = Direct.asked
    assert first[0] == "DmlExecutionProvider"
    assert first[1]["performance_preference"] == "high_performance"
    assert last == "CPUExecutionProvider"


@pytest.mark.parametrize("placement", [Placement("directml", "bf16"), Placement("tensorrt", "bf16")])
def test_bf16_is_for_the_cpu(network: Path, placement: Placement) -> None:
    with pytest.raises(DeviceError, match=r"bf16 runs only in OpenVINO on the CPU: use device cpu .*\.$"):
        Session(U2NETP, network, placement)


@pytest.mark.parametrize("precision", ["int8", "fp16"])
def test_a_precision_that_is_not_there_is_an_error(network: Path, precision: str) -> None:
    with pytest.raises(DeviceError, match=f"no {precision} weights"):
        Session(U2NETP, network, Placement(precision=precision))


def test_a_file_that_is_no_network(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.onnx"
    garbage.write_bytes(b"this is not a network" * 100)
    with pytest.raises(BrokenWeightsError, match="is not a network") as caught:
        Session(U2NETP, garbage)
    assert caught.value.exit_code == 4


def test_a_network_cut_short(network: Path) -> None:
    network.write_bytes(network.read_bytes()[:-20])
    with pytest.raises(BrokenWeightsError, match=r"u2netp\.onnx"):
        Session(U2NETP, network)


def test_a_network_of_another_input_size(tmp_path: Path) -> None:
    other = networks.saliency(tmp_path / "other.onnx", size=224)
    with pytest.raises(BrokenWeightsError, match=r"\[1, 3, 224, 224\].*\[1, 3, 320, 320\]"):
        Session(U2NETP, other)


def test_a_network_of_any_input_size_is_welcome(tmp_path: Path) -> None:
    free = networks.saliency(tmp_path / "free.onnx", size=None)
    assert Session(U2NETP, free).predict(batch()).shape == (1, 320, 320)


def test_a_network_that_does_not_answer_with_a_mask(tmp_path: Path) -> None:
    model = onnx.load(networks.saliency(tmp_path / "flat.onnx"))
    node = onnx.helper.make_node("Flatten", ["mask"], ["flat"])
    model.graph.node.append(node)
    model.graph.output[0].CopyFrom(
        onnx.helper.make_tensor_value_info("flat", onnx.TensorProto.FLOAT, [1, 320 * 320])
    )
    onnx.save(model, tmp_path / "flat.onnx")
    with pytest.raises(BrokenWeightsError, match=r"answered with shape \(1, 102400\)"):
        Session(U2NETP, tmp_path / "flat.onnx").predict(batch())


def test_a_run_that_fails_is_one_of_our_errors(tmp_path: Path) -> None:
    session = Session(replace(U2NETP, family="sam"), networks.saliency(tmp_path / "net.onnx"))
    with pytest.raises(BrokenWeightsError, match="failed"):
        session.run({"nonsense": batch()})


def test_a_trial_really_runs(network: Path) -> None:
    trial = try_device("cpu", U2NETP, network)
    assert trial.works
    assert trial.seconds is not None
    assert trial.seconds > 0
    failed = try_device("cuda", U2NETP, network)
    assert not failed.works
    assert "rembolt[gpu]" in failed.reason


def test_two_runtimes_side_by_side_are_a_clash() -> None:
    assert installed_runtimes(), "the tests need a runtime"
    assert clash({"onnxruntime": "1.31"}) is None
    sentence = clash({"onnxruntime": "1.31", "onnxruntime-gpu": "1.30"})
    assert sentence is not None
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in sentence
    assert sentence.endswith("pip install onnxruntime-gpu.")


def test_a_damaged_runtime_is_told(monkeypatch: pytest.MonkeyPatch, network: Path) -> None:
    monkeypatch.delattr(onnxruntime, "InferenceSession")
    with pytest.raises(MissingExtraError, match="reinstall"):
        Session(U2NETP, network)


def broken_runtime(monkeypatch: pytest.MonkeyPatch, folder: Path, source: str) -> None:
    (folder / "onnxruntime.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "onnxruntime")


def test_a_runtime_that_cannot_be_loaded_is_told(monkeypatch, network, tmp_path) -> None:
    broken_runtime(monkeypatch, tmp_path, "raise ImportError('libcudart.so.13: no such file')")
    with pytest.raises(MissingExtraError, match=r"cannot be loaded \(libcudart\.so\.13.*reinstall"):
        Session(U2NETP, network)


def test_an_interrupt_while_the_runtime_loads_is_an_interrupt(monkeypatch, network, tmp_path) -> None:
    # As pybind11 reports what happens while an extension module starts.
    broken_runtime(
        monkeypatch, tmp_path, "raise ImportError('initialization failed') from KeyboardInterrupt()"
    )
    with pytest.raises(KeyboardInterrupt):
        Session(U2NETP, network)


@pytest.mark.filterwarnings("error")
def test_cuda_that_is_tried_too_early_is_no_warning(monkeypatch, tmp_path) -> None:
    # What the module of onnxruntime-gpu does where CUDA's libraries are in Python packages.
    broken_runtime(
        monkeypatch,
        tmp_path,
        "import warnings\n"
        "warnings.warn('Failed to register bundled CUDA plugin EP from x.so: libcublas.so.13')\n"
        "class InferenceSession: ...\n",
    )
    assert runtime.onnxruntime().__file__ == str(tmp_path / "onnxruntime.py")
