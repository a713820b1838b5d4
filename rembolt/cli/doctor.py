"""`rembolt doctor`: what is installed, what really runs, what to do about the rest."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command("doctor", context_settings={"help_option_names": ["--help", "-h"]})
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def command(as_json: bool) -> int:
    """Say what is installed, which devices really ran a network, and what clashes.

    The exit code is 5 when no device works or two runtimes clash, else 0.
    """
    from rembolt.cli.options import set_up_messages
    from rembolt.diagnosis.examine import examine

    set_up_messages(quiet=False, verbose=False)
    report = examine()
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        _print(report)
    return 5 if report["problems"] else 0


def _print(report: dict[str, Any]) -> None:
    echo = click.echo
    echo(f"rembolt {report['rembolt']}, Python {report['python']}, {report['system']}")
    runtimes = ", ".join(f"{name} {number}" for name, number in report["runtimes"].items())
    echo(f"runtime   {runtimes or 'none'}")
    for plugin in report["plugins"]:
        echo(f"plug-in   {plugin['package']} {plugin['version']}: {plugin['state']}")
    for gpu in report["nvidia"]["gpus"]:
        echo(f"gpu       {gpu['name']}, driver {gpu['driver']}")
    for device in report["devices"]:
        echo(f"device    {device['device']}: {_outcome(device)}")
    echo(f"cores     {report['cores']} usable, threads of a session: {report['threads']}")
    memory = report["memory"]
    if memory["total"] and memory["free"]:
        echo(f"memory    {memory['free'] / 1e9:.1f} GB free of {memory['total'] / 1e9:.1f} GB")
    extras = ", ".join(f"{name} {'yes' if there else 'no'}" for name, there in report["extras"].items())
    echo(f"extras    {extras}")
    if report["profile"]["remark"]:
        echo(f"profile   {report['profile']['remark']}")
    for name, sentence in report["profile"]["models"].items():
        echo(f"profile   {name} runs {sentence}")
    for name, state in report["telemetry"].items():
        echo(f"telemetry {name}: {state}")
    for name, path in report["weights"].items():
        echo(f"weights   {name}: {path}")
    for sentence in report["advice"]:
        echo(f"ADVICE    {sentence}")
    for problem in report["problems"]:
        echo(f"PROBLEM   {problem}")
    if not report["problems"]:
        working = [device["device"] for device in report["devices"] if device["works"]]
        well = len(working) == len(report["devices"]) and not report["advice"]
        echo("All well." if well else f"Works on {', '.join(working)}; see above.")


def _outcome(device: dict[str, Any]) -> str:
    if not device["works"]:
        return str(device["reason"])
    runtime = " in OpenVINO" if device["runtime"] == "openvino" else ""
    said = f"ran bolt in {device['seconds'] * 1000:.1f} ms{runtime}"
    if device["operators"] is None:
        return said
    kinds = ", ".join(f"{number} {kind}" for kind, number in device["cpu_operators"].items())
    left = sum(device["cpu_operators"].values())
    return f"{said}, {left} of {device['operators']} operators on the CPU{f' ({kinds})' if kinds else ''}"
