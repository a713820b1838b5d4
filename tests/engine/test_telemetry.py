"""Nothing is told to anyone: ONNX Runtime's telemetry stays off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = "import numpy as np; from rembolt import Remover; Remover().cutout(np.zeros((64, 64, 3), np.uint8))"


@pytest.mark.parametrize("asked", [None, "0"])
def test_telemetry_is_off_unless_it_is_asked_for(asked: str | None, tmp_path: Path) -> None:
    # With CI set the runtime would keep still by itself.
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    environment = {**kept, "TMPDIR": str(tmp_path)} | ({"ORT_DISABLE_TELEMETRY": asked} if asked else {})
    script = f"{SCRIPT}; import os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == (asked or "1"), done.stderr
    if not asked:
        assert not list(tmp_path.iterdir()), "the runtime left the file of its telemetry"
