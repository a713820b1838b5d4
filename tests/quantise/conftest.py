"""Photos, an own network, and a home for what is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from quantise.small_networks import own_model, photos

from rembolt.segmenters import placing
from rembolt.segmenters.opening import clear_sessions


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    return photos(folder / "in", 9, masks=folder / "masks")


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(placing, "_said", set())
    place = tmp_path / "rembolt"
    monkeypatch.setenv("REMBOLT_HOME", str(place))
    monkeypatch.setenv("REMBOLT_OFFLINE", "1")
    clear_sessions()
    yield place
    clear_sessions()


@pytest.fixture
def mine(tmp_path) -> Path:
    return own_model(tmp_path)
