"""Providers that are plugged into ONNX Runtime, with Intel's real one on this machine's CPU."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import networks
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from rembolt.engine import device as devices
from rembolt.engine.device import CPU_PROVIDER
from rembolt.engine.loading import load_on_best, session_options
from rembolt.engine.nodes import nodes_of
from rembolt.engine.plugins import PLUGINS, Plugin, hardware, is_registered, plugin_of
from rembolt.engine.session import Placement, Session
from rembolt.engine.trial import try_device
from rembolt.errors import DeviceError
from rembolt.models.catalogue import find_model

pytest.importorskip("onnxruntime_ep_openvino", reason="the OpenVINO plug-in is not installed")

U2NETP = find_model("u2netp")
PLUGGED = Placement(device="openvino", runtime="onnxruntime", threads=1)
PROVIDER = "OpenVINOExecutionProvider"


def chain(path: Path, *operators: str) -> Path:
    """A network on 8 x 8 matrices that applies operators one after another.

    OpenVINO does not have Microsoft's `Inverse`; ONNX Runtime's CPU provider does.
    """
    names = ["image", *(f"step{place}" for place in range(1, len(operators))), "mask"]
    nodes = [
        helper.make_node(
            kind, [names[place]], [names[place + 1]], domain="com.microsoft" * (kind == "Inverse")
        )
        for place, kind in enumerate(operators)
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 8, 8]) for name in ("image", "mask")
    ]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def test_a_network_runs_in_the_plug_in(tmp_path: Path) -> None:
    path = networks.saliency(tmp_path / "u2netp.onnx")
    session = Session(U2NETP, path, PLUGGED)
    assert (session.device, session.runtime) == ("openvino", "onnxruntime")
    assert session.inner.get_providers()[0] == PROVIDER
    nodes = nodes_of(session.inner)
    assert nodes is not None
    assert nodes.taken[PROVIDER] == nodes.total > 0
    assert nodes.cpu_operators == {}
    photo = np.random.default_rng(0).normal(size=(1, 3, 320, 320)).astype(np.float32)
    masks = session.predict(photo)
    assert masks.max() == 1
    on_cpu = Session(U2NETP, path, Placement("cpu", threads=1)).predict(photo)
    assert abs(masks - on_cpu).mean() < 1 / 255


def test_its_options_are_really_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "home"))
    Session(U2NETP, networks.saliency(tmp_path / "u2netp.onnx"), PLUGGED)
    assert list((tmp_path / "home" / "cache" / "openvino").iterdir()), "the compiled network was kept"


def test_what_falls_to_the_cpu_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = chain(tmp_path / "net.onnx", "Tanh", "Inverse", "Tanh")
    with caplog.at_level(logging.INFO, "rembolt"):
        inner, name = load_on_best(path, lambda: session_options(1), "openvino")
    assert name == "openvino"
    assert "device openvino runs 2 of 3 operators, the CPU the others (1 Inverse)" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    feeds = {"image": np.eye(8, dtype=np.float32)[None, None]}
    on_cpu, _ = load_on_best(path, lambda: session_options(1), "cpu")
    np.testing.assert_allclose(inner.run(None, feeds)[0], on_cpu.run(None, feeds)[0], atol=1e-5)


def test_it_is_a_warning_when_most_falls_to_the_cpu(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = chain(tmp_path / "net.onnx", "Tanh", "Inverse", "Inverse")
    with caplog.at_level(logging.WARNING, "rembolt"):
        load_on_best(path, lambda: session_options(1), "openvino")
    assert "device openvino runs 1 of 3 operators, the CPU the others (2 Inverse)" in caplog.text


def test_a_device_that_runs_nothing_of_the_network_is_an_error(tmp_path: Path) -> None:
    path = chain(tmp_path / "net.onnx", "Inverse")
    with pytest.raises(
        DeviceError, match=r"it can run none of the network's 1 operators.*device auto or cpu"
    ):
        load_on_best(path, lambda: session_options(1), "openvino")


def test_a_plug_in_changes_nothing_for_auto(tmp_path: Path) -> None:
    path = networks.saliency(tmp_path / "u2netp.onnx")
    Session(U2NETP, path, PLUGGED)
    # From here on ONNX Runtime lists the provider as if it were its own.
    assert PROVIDER in onnxruntime.get_available_providers()
    assert is_registered(PROVIDER)
    assert "openvino" not in devices.built()
    assert "openvino" in devices.available()
    assert Session(U2NETP, path, Placement(threads=1)).device == "cpu"


def test_options_may_be_used_for_several_networks(tmp_path: Path) -> None:
    options = session_options(1)
    for seed in (1, 2):
        path = networks.saliency(tmp_path / f"{seed}.onnx", seed=seed)
        inner, _ = load_on_best(path, lambda: options, "openvino")
        assert inner.get_providers() == [PROVIDER, CPU_PROVIDER]


@pytest.mark.filterwarnings("error")
def test_auto_goes_on_after_a_plug_in_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # As with onnxruntime-gpu, whose CUDA is a plug-in that it registers itself.
    plugin = plugin_of("openvino")
    assert plugin is not None
    hardware(onnxruntime, PROVIDER, plugin)
    monkeypatch.setattr("rembolt.engine.plugins._registered", set())
    assert devices.built() == ("cpu", "openvino")
    path = chain(tmp_path / "net.onnx", "Inverse")
    with caplog.at_level(logging.WARNING, "rembolt"):
        inner, name = load_on_best(path, lambda: session_options(1), "auto")
    assert name == "cpu"
    assert inner.get_providers() == [CPU_PROVIDER]
    assert "auto runs on cpu: device 'openvino' is not available (it can run none" in caplog.text


def test_a_plug_in_without_hardware_says_so() -> None:
    plugin = plugin_of("openvino")
    assert plugin is not None
    with pytest.raises(DeviceError, match="finds no hardware that it can use"):
        hardware(onnxruntime, PROVIDER, plugin._replace(hardware={"ov_device": "abacus"}))


def test_a_broken_plug_in_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = tmp_path / "library.so"
    library.write_text("not a library")
    (tmp_path / "broken_plug_in.py").write_text(f"def get_library_path():\n    return {str(library)!r}\n")
    monkeypatch.syspath_prepend(tmp_path)
    broken = Plugin("onnxruntime-ep-broken", "broken_plug_in", "openvino")
    with pytest.raises(DeviceError, match="plug-in onnxruntime-ep-broken cannot be loaded"):
        hardware(onnxruntime, "BrokenProvider", broken)
    assert not is_registered("BrokenProvider")
    missing = broken._replace(module="no_such_module")
    with pytest.raises(DeviceError, match="cannot be loaded"):
        hardware(onnxruntime, "BrokenProvider", missing)


def test_plug_ins_are_found_without_importing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for plugin in PLUGINS:
        monkeypatch.delitem(sys.modules, plugin.module, raising=False)
        assert plugin_of(plugin.device) == plugin
        assert plugin.module not in sys.modules
    assert plugin_of("cuda") is None


def test_a_trial_tells_what_fell_to_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rembolt.engine.openvino_runtime.installed", lambda: False)
    trial = try_device("openvino", U2NETP, networks.saliency(tmp_path / "u2netp.onnx"))
    assert trial.works
    assert trial.runtime == "onnxruntime"
    assert trial.operators
    assert trial.cpu_operators == {}
    on_cpu = try_device("cpu", U2NETP, networks.saliency(tmp_path / "u2netp.onnx"))
    assert (on_cpu.operators, on_cpu.cpu_operators) == (None, None)
