"""What is in a file, as its hash: read once for all that ask, and again when it changes."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from rembolt.models import verified


@pytest.fixture
def reads(monkeypatch):
    """The files that were read, in order."""
    seen: list[Path] = []
    digest = verified.digest
    monkeypatch.setattr(verified, "digest", lambda path, *rest: seen.append(path) or digest(path, *rest))
    verified._content.cache_clear()
    return seen


@pytest.fixture
def network(tmp_path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"weights")
    return path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_it_is_read_once_for_all_processes(network, tmp_path, reads):
    home = tmp_path / "home"
    for _ in range(3):
        assert verified.content(network, home) == sha256(b"weights")
        verified._content.cache_clear()  # as another process begins
    assert reads == [network]


def test_a_file_that_was_replaced_is_read_again(network, tmp_path, reads):
    assert verified.content(network, tmp_path / "home") == sha256(b"weights")
    network.write_bytes(b"WEIGHTS")
    os.utime(network, ns=(1, 1))
    assert verified.content(network, tmp_path / "home") == sha256(b"WEIGHTS")
    assert len(reads) == 2


def test_it_is_kept_beside_the_published_hash(network, tmp_path, reads):
    home = tmp_path / "home"
    published = f"md5:{hashlib.md5(b'weights').hexdigest()}"
    for _ in range(2):
        verified.check(network, published, home)
        verified.content(network, home)
        verified._content.cache_clear()
    assert len(reads) == 2, "once for each kind of hash"
    (entry,) = json.loads((home / "verified.json").read_text()).values()
    assert entry[2:] == [published, f"sha256:{sha256(b'weights')}"]


def test_a_published_sha256_is_believed(network, tmp_path, reads):
    home = tmp_path / "home"
    verified.check(network, f"sha256:{sha256(b'weights')}", home)
    assert verified.content(network, home) == sha256(b"weights")
    assert len(reads) == 1


@pytest.mark.parametrize("entry", [3, [], [7], {"a": 1}, [7, None, 5], "text", [7, 0, ["sha256:0"]]], ids=str)
def test_a_broken_memory_is_not_believed(network, tmp_path, reads, entry):
    home = tmp_path / "home"
    home.mkdir()
    os.utime(network, ns=(0, 0))
    (home / "verified.json").write_text(json.dumps({str(network): entry}))
    assert verified.content(network, home) == sha256(b"weights")
    assert reads == [network]


def test_where_nothing_can_be_remembered_a_process_reads_it_once(network, tmp_path, reads):
    (tmp_path / "file").write_bytes(b"a file, not a folder")
    for _ in range(3):
        assert verified.content(network, tmp_path / "file") == sha256(b"weights")
    assert reads == [network]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        verified.content(tmp_path / "missing.onnx", tmp_path / "home")
