"""What OpenVINO leaves behind: compiled networks in rembolt's own folder, and nothing told to anyone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import networks
import numpy as np
import pytest
from PIL import Image

from rembolt.engine import openvino_runtime
from rembolt.engine.session import Placement, Session
from rembolt.models.catalogue import find_model
from rembolt.models.store import home
from rembolt.segmenters.prepare import prepare

pytest.importorskip("openvino")

U2NETP = find_model("u2netp")
BOLT = find_model("bolt")
NATIVE = Placement(runtime="openvino")


def photo() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(1, 3, 320, 320)).astype(np.float32)


def kept() -> list[Path]:
    return sorted((home() / "cache" / "openvino").glob("*.blob"))


def test_a_compiled_network_is_kept_and_a_broken_one_made_anew(bolt: Path, cat: Image.Image) -> None:
    batch = prepare(cat, BOLT, exact=False)
    expected = Session(BOLT, bolt, NATIVE).predict(batch)
    assert expected.max() > 0.9
    (blob,) = kept()
    whole = blob.stat().st_size
    again = Session(BOLT, bolt, NATIVE)
    assert again.inner.get_property("LOADED_FROM_CACHE")
    np.testing.assert_array_equal(again.predict(batch), expected)
    for left in (0, 50, whole // 2, whole - 100):
        blob.chmod(0o600)  # OpenVINO writes them for reading only
        os.truncate(blob, left)
        np.testing.assert_array_equal(Session(BOLT, bolt, NATIVE).predict(batch), expected)
        assert kept() == [blob]
        assert blob.stat().st_size > whole // 2 + 1


def test_other_weights_of_the_same_name_are_kept_beside(network: Path) -> None:
    Session(U2NETP, network, NATIVE)
    Session(U2NETP, networks.saliency(network, seed=1), NATIVE)
    assert len(kept()) == 2


def test_a_home_that_cannot_be_written(network, tmp_path, monkeypatch, caplog) -> None:
    (tmp_path / "file").write_text("a file, where a folder should be")
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "file"))
    session = Session(U2NETP, network, NATIVE)
    assert session.predict(photo()).max() == 1
    assert "compiled networks cannot be kept" in caplog.text


# --- telemetry

TELLTALE = """
from pathlib import Path
Path({marker!r}).touch()
raise ImportError("this stands for the package that sends")
"""
CUT_OUT = (
    "import numpy as np; from rembolt import remove; remove(np.zeros((9, 9, 3), np.uint8), device='openvino')"
)
CONVERTER = """
import openvino
assert callable(openvino.convert_model)
"""


def run_with_a_telltale(script: str, folder: Path) -> bool:
    """Run some Python; whether it imported OpenVINO's telemetry, of which only a telltale is there."""
    marker = folder / "imported"
    (folder / "openvino_telemetry.py").write_text(TELLTALE.format(marker=str(marker)))
    user = folder / "user"
    user.mkdir()
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    environment = {**kept, "PYTHONPATH": str(folder), "HOME": str(user), "REMBOLT_HOME": str(folder / "own")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not list(user.iterdir()), "something was written into the user's home"
    return marker.exists()


def test_importing_openvino_would_start_its_telemetry(tmp_path: Path) -> None:
    assert run_with_a_telltale("import openvino", tmp_path), "the switch is no longer needed"


def test_telemetry_is_never_imported(tmp_path: Path) -> None:
    assert not run_with_a_telltale(CUT_OUT + CONVERTER, tmp_path)


def test_who_has_it_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = type(sys)("openvino_telemetry")
    monkeypatch.setitem(sys.modules, "openvino_telemetry", theirs)
    for name in [name for name in sys.modules if name.partition(".")[0] == "openvino"]:
        monkeypatch.delitem(sys.modules, name)
    (stand_in := type(sys)("openvino")).Core = object  # type: ignore[attr-defined]
    seen = []

    def load(*_: object, **__: object) -> Any:
        seen.append(sys.modules["openvino_telemetry"])
        return stand_in

    monkeypatch.setattr(openvino_runtime, "load_extra", load)
    assert openvino_runtime.openvino() is stand_in
    assert seen == [None]
    assert sys.modules["openvino_telemetry"] is theirs
