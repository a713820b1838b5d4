"""Which weights are loaded: by name, by profile, by int8's own report; exact keeps to the model's own."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
from segmenters.int8_weights import put, quantised

import rembolt.rembg
from rembolt import Remover, profile
from rembolt.engine.processor import QuantisationTypes
from rembolt.errors import DeviceError
from rembolt.models import variants
from rembolt.models.catalogue import find_model
from rembolt.models.convert import convert_to_fp16
from rembolt.models.store import weights
from rembolt.profile import Choice
from rembolt.segmenters import opening, placing
from rembolt.segmenters.opening import clear_sessions, measured_choice, open_segmenter
from rembolt.settings import SessionOptions

EMBEDDED = variants.embedded


@pytest.fixture(scope="module")
def int8(tmp_path_factory) -> bytes:
    return quantised(tmp_path_factory.mktemp("int8"))


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    """As if nothing came with `bolt` but its own weights; what really did has a section of its own."""
    monkeypatch.setattr(variants, "embedded", lambda source, precision: None)
    monkeypatch.setattr(placing, "_said", set())
    profile._warn.cache_clear()
    clear_sessions()
    yield
    clear_sessions()


@pytest.fixture
def small(cat):
    return cat.resize((96, 64))


def tuned(**choice) -> None:
    profile.keep({weights(find_model("bolt"))[0]: Choice("bolt", **{"date": "today", **choice})})


def session(**options):
    return open_segmenter(SessionOptions(**options)).session


def threads(**options) -> int:
    return session(**options).inner.get_session_options().intra_op_num_threads


# --- int8 by name


def test_int8_that_was_never_made():
    with pytest.raises(DeviceError) as caught:
        Remover(precision="int8")
    assert str(caught.value) == (
        "model 'bolt' has no int8 weights here, only fp32; make them with: "
        "rembolt quantise bolt --photos DIR (or use precision auto)."
    )


def test_int8_by_name_is_loaded_and_its_pixels_are_others(int8, small):
    own = Remover(precision="fp32").cutout(small).rgba
    put(int8)
    remover = Remover(precision="int8")
    assert remover.precision == "int8"
    assert remover.cutout(small).precision == "int8"
    assert not np.array_equal(remover.cutout(small).rgba, own)
    exactly = remover.cutout(small, exact=True)  # asked for by name, so exact runs with it too
    assert exactly.precision == "int8"
    assert not np.array_equal(exactly.rgba, Remover(precision="fp32").cutout(small, exact=True).rgba)


def test_int8_that_was_forced_is_used_and_said_once(int8, caplog):
    put(int8, good=False, forced=True)
    with caplog.at_level(logging.WARNING, "rembolt"):
        assert Remover(precision="int8").precision == "int8"
        Remover(precision="int8", threads=1)
    (record,) = caplog.records
    assert "further from its own than the limit allows" in record.getMessage()


def test_half_precision_that_was_never_made():
    with pytest.raises(
        DeviceError, match=r"has no fp16 weights here.* rembolt quantise bolt --photos DIR --to fp16\b"
    ):
        Remover(precision="fp16")


def test_half_precision_by_name(small, caplog):
    own = Remover(precision="fp32").cutout(small).alpha
    source = weights(find_model("bolt"))[0]
    half = convert_to_fp16(source, variants.place(source, "fp16"))
    half.with_suffix(".json").write_text('{"good": false, "forced": true}')
    with caplog.at_level(logging.WARNING, "rembolt"):
        remover = Remover(precision="fp16")
    assert "the fp16 weights of bolt are further from its own than the limit allows" in caplog.text
    assert remover.cutout(small).precision == "fp16"
    assert 0 < np.abs(remover.cutout(small).alpha.astype(int) - own).max() < 20
    assert Remover().precision == "fp32"  # it is for GPUs: auto leaves it alone
    with pytest.raises(DeviceError, match="has no int8 weights here"):
        Remover(precision="int8")


def test_a_precision_that_nobody_makes():
    with pytest.raises(DeviceError, match="bf16"):
        Remover(precision="bf16", providers=["CPUExecutionProvider"])


# --- auto without a profile


def test_auto_takes_int8_that_is_good_and_was_faster_here(int8, small, caplog):
    own = {exact: Remover().cutout(small, exact=exact) for exact in (False, True)}
    assert {cutout.precision for cutout in own.values()} == {"fp32"}
    put(int8)
    with caplog.at_level(logging.INFO, "rembolt"):
        remover = Remover()
    assert "bolt runs in int8" in caplog.text
    assert remover.precision == "int8"
    quick, exactly = remover.cutout(small), remover.cutout(small, exact=True)
    assert quick.precision == "int8"
    assert not np.array_equal(quick.rgba, own[False].rgba)
    assert exactly.precision == "fp32"
    assert np.array_equal(exactly.rgba, own[True].rgba)
    assert remover.encode(small, exact=True).precision == "fp32"
    assert Remover(exact=True).precision == "fp32"
    many = list(remover.map([small, small], exact=True))
    assert all(np.array_equal(cutout.rgba, own[True].rgba) for cutout in many)
    drop_in = np.asarray(rembolt.rembg.remove(small))
    assert np.array_equal(drop_in, own[True].rgba)


@pytest.mark.parametrize("choice", [{"precision": "int8"}, {"runtime": "openvino"}], ids=str)
def test_the_drop_in_has_the_same_pixels_whatever_the_profile_says(int8, small, choice):
    if "runtime" in choice:
        pytest.importorskip("openvino")
    before = np.asarray(rembolt.rembg.remove(small))
    put(int8)
    tuned(**choice)
    ours = session()
    assert (ours.precision, ours.runtime) != ("fp32", "onnxruntime"), "the profile counts elsewhere"
    theirs = rembolt.rembg.new_session("bolt")
    assert theirs.inner_session.get_providers() == ["CPUExecutionProvider"]
    assert np.array_equal(np.asarray(rembolt.rembg.remove(small, session=theirs)), before)
    assert np.array_equal(np.asarray(rembolt.rembg.remove(small)), before)


@pytest.mark.parametrize(
    "report",
    [
        {"good": False},
        {"forced": True},
        {"time_ratio": 1.0},
        {"time_ratio": None},
        {"time_ratio": "fast"},
        {"processor": "another"},
        {"good": "yes"},
    ],
    ids=str,
)
def test_auto_leaves_other_int8_alone(int8, report):
    put(int8, **report)
    assert Remover().precision == "fp32"


def test_auto_does_without_int8_that_cannot_be_loaded(caplog):
    put(b"this is no network")
    with pytest.raises(rembolt.RemboltError):
        Remover(precision="int8")
    with caplog.at_level(logging.WARNING, "rembolt"):
        assert Remover().precision == "fp32"
    assert "bolt cannot run as it was measured" in caplog.text


def test_own_providers_run_the_models_own_weights(int8):
    put(int8)
    assert Remover(providers=["CPUExecutionProvider"]).precision == "fp32"


# --- what came with the model


@pytest.fixture
def came(monkeypatch):
    """The int8 weights that came with bolt, on a processor that they suit."""
    monkeypatch.setattr(variants, "embedded", EMBEDDED)
    types = {"activation": "uint8", "weight": "int8", "reduce_range": False}
    monkeypatch.setattr(placing, "quantisation_types", lambda: QuantisationTypes(**types))
    return EMBEDDED(weights(find_model("bolt"))[0], "int8")


def test_auto_takes_the_int8_that_came_with_bolt(came, small, caplog):
    with caplog.at_level(logging.INFO, "rembolt"):
        remover = Remover()
    assert "bolt runs in int8" in caplog.text
    own = Remover(precision="fp32")
    assert (remover.precision, own.precision) == ("int8", "fp32")
    apart = np.abs(remover.cutout(small).alpha.astype(int) - own.cutout(small).alpha)
    assert 0 < apart.mean() < 2
    assert Remover(precision="int8").precision == "int8"
    assert Remover(exact=True).precision == "fp32"
    assert np.array_equal(remover.cutout(small, exact=True).rgba, own.cutout(small, exact=True).rgba)


def test_what_came_with_bolt_was_made_of_it(came):
    source = weights(find_model("bolt"))[0]
    assert came.embedded
    report = json.loads(came.path.with_suffix(".json").read_bytes())
    assert report["source"]["sha256"] == variants.place(source, "int8").parent.name
    assert report["bytes"] == came.path.stat().st_size
    assert {name: report[name] for name in came.report} == came.report
    assert report["time_ratio"] > placing.WORTH
    assert report["forced"] is False
    assert variants.find(source, "int8") is None
    assert EMBEDDED(source, "fp16") is None


def test_what_was_made_here_goes_before_what_came(came, int8):
    path = put(int8, time_ratio=1.0)
    assert placing.variant_of(weights(find_model("bolt"))[0], "int8").path == path
    assert Remover().precision == "fp32"


@pytest.mark.parametrize("lacks", [{"reduce_range": True}, {"activation": "int8"}], ids=str)
def test_where_the_processor_has_other_numbers_nothing_came(came, lacks, monkeypatch):
    types = {"activation": "uint8", "weight": "int8", "reduce_range": False, **lacks}
    monkeypatch.setattr(placing, "quantisation_types", lambda: QuantisationTypes(**types))
    assert Remover().precision == "fp32"
    with pytest.raises(DeviceError, match="has no int8 weights here"):
        Remover(precision="int8")


def test_a_copy_of_bolt_elsewhere_has_none(came, tmp_path):
    copied = tmp_path / "bolt.onnx"
    copied.write_bytes(weights(find_model("bolt"))[0].read_bytes())
    assert placing.variant_of(copied, "int8") is None


# --- the profile


def test_the_profile_fills_what_is_left_open():
    tuned(threads=1)
    assert threads() == 1
    assert threads(device="cpu") == 1
    assert threads(precision="fp32") == 1
    assert threads(threads=2) == 2


def test_threads_of_the_environment_win(monkeypatch):
    tuned(threads=1)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert threads() == session(threads=2).inner.get_session_options().intra_op_num_threads


def test_the_profiles_int8(int8, caplog):
    put(int8, time_ratio=0.5, processor="another")
    tuned(precision="int8", workers=3, worker_threads=1)
    assert Remover().precision == "int8"
    assert Remover(precision="fp32").precision == "fp32"
    assert Remover(exact=True).precision == "fp32"
    assert measured_choice(SessionOptions()).workers == 3
    assert measured_choice(SessionOptions(precision="int8")).workers == 3
    assert measured_choice(SessionOptions(precision="fp32")) is None
    variants.place(weights(find_model("bolt"))[0], "int8").unlink()
    clear_sessions()
    with caplog.at_level(logging.WARNING, "rembolt"):
        assert Remover().precision == "fp32"
    assert "the profile has bolt in int8, but those weights are no longer here" in caplog.text


def test_a_profile_of_the_models_own_precision_outweighs_int8s_report(int8):
    put(int8)
    tuned()
    assert Remover().precision == "fp32"


def test_another_runtime(small, caplog):
    pytest.importorskip("openvino")
    tuned(runtime="openvino")
    with caplog.at_level(logging.INFO, "rembolt"):
        remover = Remover()
    assert "bolt runs as the profile of today says" in caplog.text
    assert session().runtime == "openvino"
    assert session(precision="fp32").runtime == "openvino"
    assert (remover.device, remover.precision) == ("cpu", "fp32")
    own = Remover(providers=["CPUExecutionProvider"])
    apart = np.abs(remover.cutout(small).rgba[..., 3].astype(int) - own.cutout(small).rgba[..., 3])
    assert apart.mean() < 1
    assert np.array_equal(remover.cutout(small, exact=True).rgba, own.cutout(small, exact=True).rgba)
    assert open_segmenter(SessionOptions(), exact=True).session.runtime == "onnxruntime"


def test_a_choice_that_does_not_run_here_is_said_and_left(monkeypatch, caplog):
    tuned(precision="bf16", runtime="openvino")
    from rembolt.engine import openvino_runtime

    def lacking() -> None:
        raise DeviceError("precision bf16 is not available: this CPU lacks it.")

    monkeypatch.setattr(openvino_runtime, "check_bf16", lacking)
    monkeypatch.setattr("rembolt.engine.openvino_network.check_bf16", lacking)
    with caplog.at_level(logging.WARNING, "rembolt"):
        assert Remover().precision == "fp32"
    assert "bolt cannot run as it was measured" in caplog.text


def test_the_profile_is_for_the_cpu_alone(monkeypatch):
    tuned(threads=1, workers=3, worker_threads=1)
    assert measured_choice(SessionOptions()) is not None
    assert measured_choice(SessionOptions(device="openvino")) is None
    monkeypatch.setattr(placing, "candidates", lambda _asked: (placing_device("cuda"),))
    assert measured_choice(SessionOptions()) is None
    assert measured_choice(SessionOptions(device="cpu")) is not None


def placing_device(name: str):
    from rembolt.engine.device import DEVICES

    return DEVICES[name]


def test_many_photos_are_shared_out_as_measured(small, monkeypatch):
    tuned(workers=3, worker_threads=1)
    seen = []
    kept = opening._shared
    monkeypatch.setattr(opening, "_shared", lambda place: seen.append(place.placement) or kept(place))
    assert len(list(Remover().map([small] * 4))) == 4
    assert seen[-1].threads == 1
