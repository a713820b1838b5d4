"""One model home for rembg and rembolt, filled with small random networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import networks
import pytest

SIZES = {
    "u2net": 320,
    "u2netp": 320,
    "u2net_human_seg": 320,
    "silueta": 320,
    "isnet-general-use": 1024,
    "isnet-anime": 1024,
    "birefnet-general": 1024,
    "birefnet-general-lite": 1024,
    "bria-rmbg": 1024,
    "u2net_custom": 320,
    "dis_custom": 1024,
    "ben_custom": 1024,
}


@pytest.fixture(scope="session")
def model_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`<home>/models/<name>/<name>.onnx` for every family."""
    home = tmp_path_factory.mktemp("rembg-home")
    for seed, (name, size) in enumerate(SIZES.items()):
        path = home / "models" / name / f"{name}.onnx"
        networks.saliency(path, size=size, seed=seed, window=31 if size == 320 else 9)
    cloth = home / "models" / "u2net_cloth_seg" / "u2net_cloth_seg.onnx"
    networks.saliency(cloth, size=768, channels=4, seed=77, window=9)
    networks.sam_encoder(home / "models" / "sam" / "sam_vit_b_01ec64.encoder.onnx")
    networks.sam_decoder(home / "models" / "sam" / "sam_vit_b_01ec64.decoder.onnx")
    networks.vitmatte(home / "models" / "vitmatte" / "vitmatte-small-distinctions-646.onnx")
    return home


@pytest.fixture(autouse=True)
def _same_home(model_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("U2NET_HOME", str(model_home))
    monkeypatch.setenv("MODEL_CHECKSUM_DISABLED", "1")
    yield
    from rembolt.segmenters.opening import clear_sessions

    clear_sessions()
