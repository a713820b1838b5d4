"""Networks that sessions are made of."""

from __future__ import annotations

from pathlib import Path

import networks
import pytest

from rembolt.models.catalogue import find_model
from rembolt.models.store import weights


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A small network in the place of u2netp."""
    return networks.saliency(tmp_path / "u2netp.onnx")


@pytest.fixture
def bolt() -> Path:
    """The embedded network."""
    return weights(find_model("bolt"))[0]
