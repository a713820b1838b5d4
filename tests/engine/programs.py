"""Small programs on PATH that stand for those of a driver: real processes, with answers of ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

needs_a_shell = pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")


def program(folder: Path, name: str, script: str) -> Path:
    """Write an executable shell script."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def first_on_path(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let programs be looked for in `folder` before all others."""
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def smi(folder: Path, *rows: str) -> Path:
    """An `nvidia-smi` that lists GPUs: rows such as `NVIDIA H200, 580.65.06`."""
    return program(folder, "nvidia-smi", "cat <<'END'\n" + "\n".join(rows) + "\nEND")
