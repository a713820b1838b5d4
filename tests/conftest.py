"""What all tests share: an empty home, real photos, small networks."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
"""Weights and photos that are not part of the project; tests that need them skip without."""


@pytest.fixture(autouse=True)
def _empty_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or changes the developer's own models and settings."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in list(os.environ):
        if name.startswith(("REMBOLT_", "REMBG_", "U2NET_", "XDG_")) or name in (
            "MODEL_CHECKSUM_DISABLED",
            "OMP_NUM_THREADS",
        ):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real weights and photos."""
    if not SHARED.is_dir():
        pytest.skip("the shared folder with weights and photos is not there")
    return SHARED


def sample_photo(name: str) -> Image.Image:
    """One of scikit-image's photos (in its package, public domain or CC0), as RGB."""
    data = pytest.importorskip("skimage.data")
    return Image.fromarray(np.ascontiguousarray(getattr(data, name)()[..., :3]))


@pytest.fixture(scope="session")
def cat() -> Image.Image:
    """A cat, 451 x 300."""
    return sample_photo("chelsea")


@pytest.fixture(scope="session")
def astronaut() -> Image.Image:
    """A portrait, 512 x 512."""
    return sample_photo("astronaut")
