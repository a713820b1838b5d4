"""Help, version, aliases, and that nothing is loaded before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from cli.rembolt_command import assert_refused, process

import rembolt.__main__
from rembolt import __version__
from rembolt.cli.main import ALIASES, COMMANDS
from rembolt.setting import settings_of
from rembolt.settings import GROUPS

HEAVY = {"numpy", "PIL", "onnxruntime", "pymatting", "numba", "scipy", "onnx", "rich"}


def modules_after(*statements: str) -> set[str]:
    """Names of the top-level modules a fresh interpreter has loaded after some statements."""
    code = "\n".join([*statements, "import json, sys", "print('\\n' + json.dumps(sorted(sys.modules)))"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], [], ["models"], ["models", "--json"], ["remove", "--help"], ["nonsense"]],
)
def test_light_commands_load_nothing_heavy(arguments):
    loaded = modules_after("from rembolt.cli.main import run", f"run({arguments!r})")
    assert "click" in loaded
    assert not loaded & HEAVY


def test_import_rembolt_loads_nothing_heavy():
    loaded = modules_after("import rembolt")
    assert "rembolt" in loaded
    assert not loaded & (HEAVY | {"click"})


def test_removing_needs_neither_matting_nor_onnx(tmp_path, cat):
    cat.save(tmp_path / "cat.png")
    arguments = ["remove", str(tmp_path / "cat.png"), str(tmp_path / "out.png")]
    loaded = modules_after("from rembolt.cli.main import run", f"assert run({arguments!r}) == 0")
    assert "onnxruntime" in loaded
    assert not loaded & {"pymatting", "numba", "scipy", "onnx", "cv2", "skimage", "rembg"}


def test_help_names_every_command(run):
    done = run("--help")
    assert done.code == 0
    assert done.err == ""
    for name, entry in COMMANDS.items():
        assert f"  {name} " in done.out.decode()
        assert entry.help.split()[0] in done.out.decode()
    assert run("-h").out == done.out


@pytest.mark.parametrize("name", [*COMMANDS, *ALIASES])
def test_every_command_has_help(run, name):
    done = run(name, "--help")
    assert done.code == 0
    assert done.out.decode().startswith(f"Usage: rembolt {name} ")
    if name not in ("serve", "s"):  # there -h is the host, as in rembg
        assert run(name, "-h").out == done.out


def test_help_lists_every_setting_with_all_its_flags(run):
    text = " ".join(run("remove", "--help").out.decode().split())
    for name, setting in settings_of(*GROUPS).items():
        assert ", ".join([*setting.flags, f"--{name.replace('_', '-')}"]) in text
        # Long words are broken at their hyphens.
        assert setting.help.replace(" ", "") in text.replace(" ", "")
        for choice in setting.choices:
            assert choice in text
    for flag in ("-x, --extras", "--json", "-q, --quiet", "-v, --verbose"):
        assert flag in text


def test_rembgs_flags_are_all_there(run):
    command = pytest.importorskip("rembg.commands.i_command").i_command
    text = run("i", "--help").out.decode()
    for option in command.params:
        for flag in option.opts if option.param_type_name == "option" else ():
            assert f"{flag} " in text.replace(",", " ")


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(run, flag):
    done = run(flag)
    assert (done.code, done.err) == (0, "")
    assert done.out.decode() == f"rembolt, version {__version__}\n"


def test_module_and_script_are_the_same_command():
    done = process("--version")
    assert (done.code, done.err) == (0, "")
    assert __version__ in done.out.decode()
    (script,) = entry_points(group="console_scripts", name="rembolt")
    assert script.load() is rembolt.__main__.main


def test_without_a_command_there_is_help_and_an_error_code(run):
    done = run()
    assert done.code == 2
    assert done.out == b""
    assert done.err.encode() == run("--help").out


@pytest.mark.parametrize(("typed", "meant"), [("remov", "remove"), ("docter", "doctor")])
def test_a_mistyped_command_gets_the_nearest(run, typed, meant):
    assert_refused(run(typed), 2, typed, f"did you mean '{meant}'?")


def test_an_unknown_command_gets_the_list(run):
    assert_refused(run("frobnicate"), 2, *COMMANDS)
