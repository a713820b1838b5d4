"""`rembolt doctor`: what is installed, what really runs, what to do about the rest."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

import click

EXTRAS = {"matting": ("pymatting",), "heif": ("pillow_heif",), "fp16": ("onnx", "onnxconverter_common")}
"""The modules that an extra brings."""


@click.command("doctor", context_settings={"help_option_names": ["--help", "-h"]})
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def command(as_json: bool) -> int:
    """Say what is installed, which devices really ran a network, and what clashes.

    The exit code is 5 when no device works or two runtimes clash, else 0.
    """
    report = examine()
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        _print(report)
    return 5 if report["problems"] else 0


def examine() -> dict[str, Any]:
    """All findings; `problems` holds one sentence for each thing to be put right."""
    from rembolt import __version__
    from rembolt.cores import usable_cores
    from rembolt.engine.packages import clash, installed_runtimes
    from rembolt.engine.threads import thread_count

    runtimes = installed_runtimes()
    devices = _devices()
    problems = [sentence for sentence in (clash(runtimes),) if sentence]
    if not any(device["works"] for device in devices):
        problems += [device["reason"] for device in devices]
    return {
        "rembolt": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "runtimes": runtimes,
        "devices": devices,
        "cores": usable_cores(),
        "threads": thread_count(None) or "one for each physical core",
        "memory": _memory(),
        "extras": {extra: all(map(_importable, modules)) for extra, modules in EXTRAS.items()},
        "weights": _weights(),
        "problems": problems,
    }


def _devices() -> list[dict[str, Any]]:
    """Every device of the installed runtime, each after really running the embedded network."""
    from dataclasses import asdict

    from rembolt.engine.device import available
    from rembolt.engine.trial import Trial, try_device
    from rembolt.errors import MissingExtraError
    from rembolt.models.catalogue import DEFAULT_MODEL, find_model
    from rembolt.models.store import weights

    try:
        names = available()
    except MissingExtraError as error:
        return [asdict(Trial("none", works=False, seconds=None, reason=str(error)))]
    spec = find_model(DEFAULT_MODEL)
    return [asdict(try_device(name, spec, weights(spec)[0])) for name in names]


def _weights() -> dict[str, str]:
    from rembolt.models.catalogue import MODELS
    from rembolt.models.store import where

    found = ((name, where(spec).path) for name, spec in MODELS.items())
    return {name: str(path) for name, path in found if path is not None}


def _importable(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def _memory() -> dict[str, int | None]:
    """Bytes of memory: in all, and free for programs; None where the system does not say."""
    sizes: dict[str, int | None] = {"total": None, "free": None}
    if sys.platform == "linux":
        for line in Path("/proc/meminfo").read_text().splitlines():
            name, _, rest = line.partition(":")
            key = {"MemTotal": "total", "MemAvailable": "free"}.get(name)
            if key:
                sizes[key] = int(rest.split()[0]) * 1024
    return sizes


def _print(report: dict[str, Any]) -> None:
    echo = click.echo
    echo(f"rembolt {report['rembolt']}, Python {report['python']}, {report['system']}")
    runtimes = ", ".join(f"{name} {number}" for name, number in report["runtimes"].items())
    echo(f"runtime   {runtimes or 'none'}")
    for device in report["devices"]:
        state = f"ran bolt in {device['seconds'] * 1000:.1f} ms" if device["works"] else device["reason"]
        echo(f"device    {device['device']}: {state}")
    echo(f"cores     {report['cores']} usable, threads of a session: {report['threads']}")
    memory = report["memory"]
    if memory["total"] and memory["free"]:
        echo(f"memory    {memory['free'] / 1e9:.1f} GB free of {memory['total'] / 1e9:.1f} GB")
    extras = ", ".join(f"{name} {'yes' if there else 'no'}" for name, there in report["extras"].items())
    echo(f"extras    {extras}")
    for name, path in report["weights"].items():
        echo(f"weights   {name}: {path}")
    for problem in report["problems"]:
        echo(f"PROBLEM   {problem}")
    if not report["problems"]:
        working = [device["device"] for device in report["devices"] if device["works"]]
        echo(
            "All well."
            if len(working) == len(report["devices"])
            else f"Works on {', '.join(working)}; see above."
        )
