"""The documentation says what the code says, and its examples run."""

from __future__ import annotations

import importlib
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from rembolt import errors
from rembolt.cli.main import ALIASES, COMMANDS
from rembolt.settings import OutputOptions

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
TABLES = runpy.run_path(str(ROOT / "docs" / "tables.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_are_those_of_the_code(page: Path) -> None:
    text = page.read_text()
    assert TABLES["renewed"](text) == text, "run: python docs/tables.py"


def test_every_table_is_on_a_page() -> None:
    text = "".join(page.read_text() for page in PAGES)
    assert set(re.findall(r"<!-- table: (\w+) -->", text)) == set(TABLES["TABLES"])


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text()
    for name in COMMANDS:
        assert f"`rembolt {name}" in text
    for alias in ALIASES:
        assert f"| `{alias}` |" in text


@pytest.mark.parametrize("name", ["stream", "video"])
def test_every_flag_of_the_video_commands_is_documented(name: str) -> None:
    section = (ROOT / "docs" / "video.md").read_text().partition(f"`rembolt {name} ")[2].partition("\n## ")[0]
    options = (ROOT / "docs" / "options.md").read_text()
    command = importlib.import_module(COMMANDS[name].module).command
    for parameter in command.params:
        for flag in parameter.opts if parameter.param_type_name == "option" else ():
            assert f"`{flag}`" in section or f"`{flag}`" in options, flag


def test_every_flag_and_part_of_bench_is_documented() -> None:
    from rembolt.bench.plan import PARTS

    page = (ROOT / "docs" / "speed.md").read_text()
    for parameter in importlib.import_module(COMMANDS["bench"].module).command.params:
        for flag in parameter.opts:
            assert f"| `{flag}" in page, flag
    for part in PARTS:
        assert f"| `{part}` |" in page, part


def test_every_flag_of_batch_is_documented() -> None:
    page = (ROOT / "docs" / "batch.md").read_text()
    options = (ROOT / "docs" / "options.md").read_text()
    for parameter in importlib.import_module(COMMANDS["batch"].module).command.params:
        for flag in parameter.opts if parameter.param_type_name == "option" else ():
            assert f"`{flag}`" in page or f"`{flag}`" in options, flag


def test_every_device_and_its_options_are_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rembolt.engine.device import DEVICES
    from rembolt.engine.plugins import PLUGINS
    from rembolt.engine.presets import MEMORY_LIMIT, Wanted, preset

    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(MEMORY_LIMIT, "1G")
    network = tmp_path / "network.onnx"
    network.touch()
    inputs = (("image", ("batch", 3, 320, 320)),)
    page = (ROOT / "docs" / "devices.md").read_text()
    for device in DEVICES:
        # What to install and what it runs with; the CPU has no provider options.
        assert page.count(f"\n| `{device}` |") == (1 if device == "cpu" else 2), device
        for precision in ("fp32", "fp16", "int8"):
            options = preset(device, Wanted(network, "1.31", precision, 2, inputs, (320, 320)))
            # Those of OpenVINO are inside one that is a JSON object.
            for name in (options.keys() - {"load_config"}) | set(
                re.findall(r'"([A-Z_]{4,})":', options.get("load_config", ""))
            ):
                assert f"`{name}`" in page, name
    for plugin in PLUGINS:
        assert f"| `{plugin.package}` | `{plugin.device}` |" in page
    for text in (page, (ROOT / "docs" / "models.md").read_text()):
        assert f"| `{MEMORY_LIMIT}` |" in text


def test_every_argument_of_the_client_and_flag_of_remove_is_documented() -> None:
    import inspect

    from rembolt.client import Client

    page = (ROOT / "docs" / "client.md").read_text()
    for name in inspect.signature(Client).parameters:
        assert f"| `{name}` |" in page, name
    pages = page + "".join(
        (ROOT / "docs" / name).read_text() for name in ("command-line.md", "options.md", "backgrounds.md")
    )
    for parameter in importlib.import_module(COMMANDS["remove"].module).command.params:
        for flag in parameter.opts if parameter.param_type_name == "option" else ():
            assert f"`{flag}" in pages, flag


def test_every_field_of_rembgs_dialect_is_documented() -> None:
    from rembolt.server.dialects.rembg import EXTRAS, FIELDS

    page = (ROOT / "docs" / "from-rembg.md").read_text()
    for name in (*FIELDS, *EXTRAS):
        assert f"`{name}`" in page, name


def test_every_field_and_code_of_remove_bgs_dialect_is_documented() -> None:
    from rembolt.server.dialects.removebg.refusals import CODES
    from rembolt.server.dialects.removebg.schema import FIELDS

    page = (ROOT / "docs" / "removebg.md").read_text()
    for name in FIELDS:
        assert page.count(f"\n| `{name}` |") == 1, name
    for code in CODES.values():
        assert f"`{code}`" in page, code


def test_every_route_metric_and_error_of_the_service_is_documented() -> None:
    from prometheus_client.metrics import MetricWrapperBase

    from rembolt.server import metrics
    from rembolt.server.app import create_app
    from rembolt.server.errors import OverloadedError, ServerError, code_of
    from rembolt.server.settings import ServerOptions
    from rembolt.settings import SessionOptions

    page = (ROOT / "docs" / "server.md").read_text()
    dialects = "".join((ROOT / "docs" / name).read_text() for name in ("from-rembg.md", "removebg.md"))
    for path in create_app(ServerOptions(), SessionOptions()).openapi()["paths"]:
        assert f" {path}`" in page or f"{path}" in dialects, path
    figures = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    for figure in figures:
        for metric in figure.describe():
            kind = "_total" if metric.type == "counter" else ""
            assert f"`{metric.name}{kind}`" in page, metric.name
    assert figures
    bases = (ServerError, OverloadedError, errors.InputError)
    for kind in (kind for base in bases for kind in base.__subclasses__()):
        if kind.__module__.endswith(".errors") and kind.__name__ not in ("ListenError", "ServiceError"):
            assert f"`{code_of(kind)}`" in page, kind


def test_every_part_of_the_benchmark_of_the_service_is_documented() -> None:
    parts = importlib.import_module("benchmarks.server.__main__").PARTS
    page = (ROOT / "docs" / "server.md").read_text()
    for part in parts:
        assert f"python -m benchmarks.server {part} " in page, part


def test_every_flag_of_tune_is_documented() -> None:
    page = (ROOT / "docs" / "tune.md").read_text()
    for parameter in importlib.import_module(COMMANDS["tune"].module).command.params:
        for flag in parameter.opts if parameter.param_type_name == "option" else ():
            assert f"`{flag}" in page, flag


def test_every_flag_and_method_of_quantise_is_documented() -> None:
    from rembolt.quantise.calibration import METHODS

    page = (ROOT / "docs" / "quantise.md").read_text()
    for parameter in importlib.import_module(COMMANDS["quantise"].module).command.params:
        for flag in parameter.opts if parameter.param_type_name == "option" else ():
            assert f"`{flag}" in page, flag
    for method in METHODS:
        assert f"| `{method}` |" in page, method


def test_every_option_of_the_clean_up_is_documented() -> None:
    page = (ROOT / "docs" / "edges.md").read_text()
    for name in ("remove_islands", "fill_holes", "smooth_mask", "shift_edge", "feather"):
        assert f"| `{name}`, `--{name.replace('_', '-')}` |" in page


def test_every_exit_code_is_documented() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text()
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    for code in {kind.exit_code for kind in kinds if issubclass(kind, errors.RemboltError)} | {0, 130}:
        assert f"| {code} |" in text


def test_every_page_is_linked_and_every_link_leads_somewhere() -> None:
    readme = (ROOT / "README.md").read_text()
    for page in PAGES:
        assert f"docs/{page.name}" in readme
    for source in (ROOT / "README.md", *PAGES):
        for target in re.findall(r"\]\(([^)#]+)\)", source.read_text()):
            if not target.startswith("http"):
                assert (source.parent / target).exists(), f"{source.name} links to {target}"


def snippets(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


@pytest.mark.parametrize("code", snippets("README.md", "python"))
def test_the_readmes_python_runs(code: str, cat: Image.Image, tmp_path: Path) -> None:
    cat.save(tmp_path / "photo.jpg")
    cat.save(tmp_path / "other.jpg")
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("code", snippets("docs/edges.md", "python"))
def test_the_python_about_edges_runs(code: str, cat: Image.Image, tmp_path: Path) -> None:
    test_the_readmes_python_runs(code, cat, tmp_path)


@pytest.mark.parametrize(
    "line", [line for block in snippets("README.md", "console") for line in block.splitlines()]
)
def test_the_readmes_commands_run(line: str, cat: Image.Image, tmp_path: Path) -> None:
    if not line.startswith("rembolt "):
        pytest.skip("not a rembolt command: the installation is tried by the scripts themselves")
    cat.save(tmp_path / "photo.jpg")
    command = line.split("#")[0].replace("rembolt", f"{sys.executable} -m rembolt", 1)
    result = subprocess.run(command, cwd=tmp_path, shell=True, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_every_way_to_arrange_is_documented_and_its_examples_run(cat: Image.Image, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "backgrounds.md").read_text()
    for name in (*OutputOptions(background="red", shadow=1, crop=True).arrangement, "scale", "position"):
        assert f"`--{name}" in page or f"`{name}`" in page, name
    for name in ("background_fit", "background_blur", "crop_margin"):
        assert f"`--{name.replace('_', '-')}" in page, name
    cat.save(tmp_path / "photo.jpg")
    cat.rotate(90).save(tmp_path / "other.jpg")
    lines = [line for block in snippets("docs/backgrounds.md", "console") for line in block.splitlines()]
    commands = [[sys.executable, "-m", *shlex.split(line)] for line in lines]
    commands += [[sys.executable, "-c", code] for code in snippets("docs/backgrounds.md", "python")]
    for command in commands:
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert result.returncode == 0, (command, result.stderr)
    made = (
        "shop.jpg",
        "soft.jpg",
        "card.png",
        "mask.png",
        "blue.png",
        "inside.png",
        "cropped.png",
        "small.webp",
    )
    assert all((tmp_path / name).stat().st_size > 1000 for name in made)


def test_the_example_runs(tmp_path: Path) -> None:
    script = ROOT / "examples" / "before_after.py"
    result = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    with (
        Image.open(tmp_path / "demo" / "before-after.png") as pair,
        Image.open(tmp_path / "demo" / "cutout.png") as cutout,
    ):
        assert pair.size == (2 * cutout.width, cutout.height)
        assert cutout.mode == "RGBA"
    assert "infer" in result.stdout
