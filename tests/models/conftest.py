"""A mirror of our own, and a machine without any home."""

from __future__ import annotations

import hashlib

import pytest
from mirror_server import Mirror, digest_of

from rembolt.models import download as download_module
from rembolt.models import licence
from rembolt.models.download import Patience
from rembolt.models.spec import Asset, ModelSpec


@pytest.fixture
def make_mirror():
    mirrors = []

    def make() -> Mirror:
        mirrors.append(Mirror())
        return mirrors[-1]

    yield make
    for mirror in mirrors:
        mirror.close()


@pytest.fixture
def mirror(make_mirror, monkeypatch):
    """The only mirror, in place of the default one."""
    only = make_mirror()
    monkeypatch.setattr(download_module, "DEFAULT_BASE", only.url)
    return only


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A home of its own; nothing of the real one is looked at, no proxy stands before loopback."""
    for name in (
        *("REMBOLT_HOME", "REMBG_HOME", "U2NET_HOME", "XDG_DATA_HOME", "MODEL_CHECKSUM_DISABLED"),
        *("REMBOLT_OFFLINE", "REMBOLT_MODEL_BASE_URL", "http_proxy", "https_proxy", "all_proxy"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "*")
    user = tmp_path / "user"
    user.mkdir()
    monkeypatch.setenv("HOME", str(user))
    monkeypatch.setenv("USERPROFILE", str(user))
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "rembolt"))
    monkeypatch.setattr(download_module, "DEFAULT_BASE", "http://127.0.0.1:9")
    monkeypatch.setattr(download_module, "USUAL", Patience(timeout=0.6, pauses=(0.0, 0.0, 0.0)))
    licence._announced.clear()
    return tmp_path


@pytest.fixture
def weights_file():
    """Some bytes that stand for a network: 600 kB, nowhere repeating."""
    return b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(18750))


@pytest.fixture
def tiny(weights_file):
    """A model of one file, named differently at the mirror."""
    asset = Asset(
        file="tiny.onnx", source="tiny-epoch_1.onnx", hash=digest_of(weights_file), size=len(weights_file)
    )
    return ModelSpec(name="tiny", title="For tests", assets=(asset,))
