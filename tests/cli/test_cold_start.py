"""What a photo on the CPU starts, opens and imports, beside what its packages do themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WATCHED = """
import json, os, sys
import click, numpy, onnxruntime, PIL.ImageCms, PIL.JpegImagePlugin
before = set(sys.modules)
seen = {"subprocess.Popen": [], "open": []}
sys.addaudithook(lambda event, given: event in seen and seen[event].append(str(given[0])))
from rembolt.cli.main import run
code = run(["remove", *sys.argv[1:], "-q"])
started, opened = seen["subprocess.Popen"], [os.path.abspath(path) for path in seen["open"]]
print(json.dumps([code, started, opened, sorted(set(sys.modules) - before)]))
"""

DEAR = {
    *("asyncio", "concurrent.futures.process", "csv", "email", "hashlib", "http", "importlib.metadata"),
    *("importlib.resources", "json", "multiprocessing", "onnx", "openvino", "rich", "statistics"),
    *("subprocess", "unittest", "urllib.request", "zipfile"),
}
"""Modules that take long to import and that a photo on the CPU does not need."""

OTHERS = {
    *("rembolt.engine.accelerator", "rembolt.engine.compiled", "rembolt.engine.machine"),
    *("rembolt.engine.openvino_runtime", "rembolt.engine.packages", "rembolt.engine.presets"),
    *("rembolt.quantise", "rembolt.tune"),
}
"""Ours for other devices and other commands."""


@pytest.fixture
def watched(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Cut out a photo in a process of its own: what it started, opened and imported."""
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REMBOLT_CONFIG", str(tmp_path / "config"))
    line = [sys.executable, "-c", WATCHED, str(photo), str(tmp_path / "out.png")]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    code, *rest = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    assert (tmp_path / "out.png").exists()
    return rest


def test_a_photo_on_the_cpu_starts_nothing_and_imports_little(watched: Any) -> None:
    started, _, imported = watched
    assert started == []
    assert set(imported) & (DEAR | OTHERS) == set()
    assert "rembolt.segmenters.placing" in imported, "the names above are names of modules"


def test_without_profile_and_int8_nothing_of_them_is_opened_or_made(watched: Any, tmp_path: Path) -> None:
    _, opened, _ = watched
    assert not [
        path for path in opened if path.startswith((str(tmp_path / "home"), str(tmp_path / "config")))
    ]
    assert not [path for path in opened if path.endswith((".onnx", ".json"))], "nothing is hashed"
    assert not (tmp_path / "home").exists()
    assert not (tmp_path / "config").exists()
