"""`rembolt remove --server`: the same command, with the work done elsewhere."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cli.rembolt_command import (
    assert_refused,
    files_in,
    packages_without,
    process,
    process_without_site,
)
from client.odd_server import answer, odd_server
from PIL import Image
from server.serving import Serving, free_port, serving

import rembolt

KEY = "open-sesame"

SERVER = ("fastapi", "starlette", "granian", "prometheus_client", "redis")
"""Packages that only a service needs."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("serve"), "--api-keys", KEY) as made:
        yield made


@pytest.fixture
def by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMBOLT_API_KEY", KEY)


def pixels(data: bytes | Path) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data) if isinstance(data, bytes) else data))


def test_no_runtime_is_needed_here(service: Serving, folder: Path, photo: Path, tmp_path: Path) -> None:
    environment = {**packages_without(tmp_path / "packages", "onnxruntime", *SERVER), "REMBOLT_API_KEY": KEY}
    done = process_without_site("remove", photo, "--server", service.url, env=environment, cwd=folder)
    assert done.code == 0, done.err
    assert done.out == b""
    assert f"{photo} -> " in done.err
    assert "151x97, bolt on cpu" in done.err
    assert files_in(folder) == {"cat.jpg", "cat.out.png"}
    assert np.array_equal(pixels(folder / "cat.out.png"), pixels(rembolt.remove(photo.read_bytes())))
    assert process_without_site("remove", photo, env=environment, cwd=folder).code == 5


@pytest.mark.usefixtures("by_key")
def test_options_format_and_json_are_as_they_are_here(run, service: Serving, photo: Path) -> None:
    flags = ("-bgc", 255, 0, 0, 255, "-x", '{"only_mask": false}', "--crop", "--json")
    here = run("remove", photo, "here.webp", *flags)
    there = run("remove", photo, "there.webp", *flags, "--server", service.url)
    assert (here.code, there.code, there.err) == (0, 0, "")
    assert np.array_equal(pixels(Path("here.webp")), pixels(Path("there.webp")))
    assert there.report.keys() == here.report.keys()
    for name in ("size", "bytes", "model", "device"):
        assert there.report[name] == here.report[name]
    assert there.report["runtime"] == "service"
    assert there.report["timings"].keys() == {"request"}


@pytest.mark.usefixtures("by_key")
def test_pipes(service: Serving, folder: Path, photo: Path) -> None:
    done = process("remove", "-", "-", "--server", service.url, input=photo.read_bytes())
    assert done.code == 0, done.err
    assert np.array_equal(pixels(done.out), pixels(rembolt.remove(photo.read_bytes())))
    assert files_in(folder) == {"cat.jpg"}


@pytest.mark.usefixtures("by_key")
def test_a_background_photo_is_sent_along(run, service: Serving, photo: Path) -> None:
    Image.new("RGB", (30, 30), (0, 0, 255)).save("blue.png")
    assert run("remove", photo, "out.png", "--background", "blue.png", "--server", service.url).code == 0
    assert tuple(pixels(Path("out.png"))[0, 0][:3]) == (0, 0, 255)


@pytest.mark.usefixtures("by_key")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["cat.jpg", "--device", "cuda"], 2, ["device", "operator"]),
        (["cat.jpg", "--quality", "101"], 2, ["quality"]),
        (["cat.jpg", "-m", "u2nett"], 4, ["u2nett"]),
        (["text.jpg"], 3, ["not"]),
        (["empty.jpg"], 3, ["empty"]),
        (["missing.jpg"], 3, ["missing.jpg", "does not exist"]),
        (["cat.jpg", "--api-key", "wrong"], 1, ["API key is not known"]),
    ],
    ids=str,
)
def test_exit_codes_are_the_same(run, service: Serving, photo: Path, arguments, code, words) -> None:
    Path("text.jpg").write_text("no photo")
    Path("empty.jpg").touch()
    before = files_in(Path())
    assert_refused(run("remove", *arguments, "--server", service.url), code, *words)
    assert files_in(Path()) == before


def test_the_key_is_given_or_missing(run, service: Serving, photo: Path) -> None:
    assert_refused(run("remove", photo, "--server", service.url), 1, "X-Api-Key")
    assert run("remove", photo, "--server", service.url, "--api-key", KEY).code == 0
    refused = run("remove", photo, "--api-key", KEY)
    assert refused.code == 2
    assert "--server" in refused.err
    assert KEY not in refused.err


def test_nobody_there_and_somebody_else_there(run, photo: Path) -> None:
    done = run("remove", photo, "--server", f"http://127.0.0.1:{free_port()}")
    assert_refused(done, 1, "no service answers", "rembolt serve")
    assert_refused(run("remove", photo, "--server", "localhost:7000"), 2, "http://localhost:7000")
    with odd_server(answer("200 OK", b"<html>", "Content-Type: text/html")) as other:
        assert_refused(run("remove", photo, "--server", other.url), 1, other.url, "rembolt service")
    assert files_in(Path()) == {"cat.jpg"}


def test_the_extra_is_named_where_it_is_missing(folder: Path, photo: Path, tmp_path: Path) -> None:
    environment = packages_without(tmp_path / "packages", "httpx")
    line = ("remove", photo, "--server", "http://localhost:7000")
    done = process_without_site(*line, env=environment, cwd=folder)
    assert_refused(done, 5, "httpx", "rembolt[client]")
    assert files_in(folder) == {"cat.jpg"}
