"""Each benchmark script runs: one round on a small photo. How fast is not a test's business."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("benchmarks.startup", reason="needs the repository, not only the package")
from rembolt.bench import children

SIZE = "96x64"
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def weights(shared: Path) -> list[str]:
    path = shared / "models" / "u2netp.onnx"
    if not path.is_file():
        pytest.skip("needs the weights of u2netp in the shared folder")
    return ["--u2netp", str(path)]


@pytest.fixture
def run_script(measured: Run) -> Run:
    """Runs a script by name, one round, and gives the JSON it writes."""
    pytest.importorskip("skimage", reason="needs scikit-image's photos")

    def run(script: str, *arguments: str) -> dict[str, Any]:
        document = measured(import_module(f"benchmarks.{script}").main, "--rounds", "1", *arguments)
        assert document["machine"]["cores"] >= 1
        assert document["rounds"] == 1
        return document

    return run


def small_photo(tmp_path: Path) -> str:
    pytest.importorskip("skimage", reason="needs scikit-image's photos")
    from benchmarks.photos import photo
    from rembolt.bench.photos import jpeg

    path = tmp_path / "small.jpg"
    path.write_bytes(jpeg(photo(96, 64, "chelsea")))
    return str(path)


def needs_children() -> None:
    if not children.can_measure():
        pytest.skip("this system does not tell what a child process used")


def needs_rembg() -> None:
    pytest.importorskip("rembg", reason="needs rembg")
    if children.script("rembg") is None:
        pytest.skip("needs rembg's command")


def test_startup_measures_both_sides(run_script: Run, tmp_path: Path, weights: list[str]) -> None:
    needs_children()
    needs_rembg()
    numbers = run_script("startup", "--photo", small_photo(tmp_path), *weights)
    assert {"rembolt remove", "rembolt remove -m u2netp", "rembg i -m u2netp"} <= set(numbers["usages"])
    for usage in numbers["usages"].values():
        assert usage[0]["wall"] > 0
        assert usage[0]["peak"] > 1e6


def test_startup_says_what_it_skips(
    run_script: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs_children()
    numbers = run_script("startup", "--photo", small_photo(tmp_path))
    assert "rembg i -m u2netp" not in numbers["usages"]
    assert "no weights of u2netp" in " ".join(capsys.readouterr().out.split())


def test_png_compares_writers(run_script: Run) -> None:
    numbers = run_script("png", "--sizes", SIZE)
    assert {"rembolt", "Pillow"} <= set(numbers["writers"][SIZE])


def test_gpu_on_the_device_that_is_here(run_script: Run) -> None:
    small = ["--device", "cpu", "--precision", "fp32", "--batches", "1", "2", "--side", "64"]
    document = run_script("gpu", *small, "--models", "bolt")
    bolt = document["models"]["bolt"]
    assert [row["batch"] for row in bolt["batches"]] == [1, 2]
    assert all(row["seconds"] > 0 for row in bolt["batches"])
    assert bolt["multiply_adds"] > 1e8
    assert bolt["difference"] == 0
    assert document["peak"] > 0


def test_gpu_says_when_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    if "DmlExecutionProvider" in pytest.importorskip("onnxruntime").get_available_providers():
        pytest.skip("DirectML is there")
    assert import_module("benchmarks.gpu").main(["--device", "directml"]) == 5
    assert "directml" in capsys.readouterr().err
