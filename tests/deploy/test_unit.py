"""The shipped systemd unit, and what the page about it names."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rembolt.cli.serve import command
from rembolt.server import metrics
from rembolt.server.settings import ServerOptions, words
from rembolt.setting import settings_of

ROOT = Path(__file__).resolve().parent.parent.parent
UNIT = (ROOT / "deploy" / "rembolt.service").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
JAVASCRIPT = (ROOT / "docs" / "javascript.md").read_text(encoding="utf-8")


def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze") or pytest.skip("systemd is not installed")
    unit = tmp_path / "rembolt.service"
    unit.write_text(UNIT.replace("/opt/rembolt/bin/rembolt", shutil.which("true") or "/bin/true"))
    done = subprocess.run([program, "verify", unit], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_stops_later_than_the_service() -> None:
    patience = re.search(r"TimeoutStopSec=(\d+)", UNIT)
    assert patience is not None
    assert int(patience[1]) > ServerOptions().stop_timeout


def test_it_starts_the_service_as_it_can_be_started() -> None:
    line = re.search(r"ExecStart=\S+ serve (.*)", UNIT)
    assert line is not None
    with command.make_context("serve", line[1].split()) as context:
        assert words(context.params["trusted_proxies"]) == ("127.0.0.1",)


def test_flags_variables_and_figures_on_the_pages_exist() -> None:
    text = PAGE + JAVASCRIPT + UNIT + (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    flags = set(re.findall(r"(?<=[ `(])--[a-z][a-z-]+", text)) - {
        "--data-binary",
        "--now",
    }  # curl's, systemctl's
    assert {"--redis", "--processes", "--metrics-port", "--cors-origins"} <= flags
    assert flags <= {flag for parameter in command.params for flag in parameter.opts}
    variables = set(re.findall(r"REMBOLT_[A-Z_]+", text)) - {"REMBOLT_HOME"}
    assert variables <= {f"REMBOLT_{name.upper()}" for name in settings_of(ServerOptions)}
    figures = set(re.findall(r"\brembolt_[a-z_]+", text))
    assert figures <= set(re.findall(r"# HELP (\S+)", metrics.exposition().decode()))
