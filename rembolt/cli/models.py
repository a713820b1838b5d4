"""`rembolt models`: which models there are."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command("models", context_settings={"help_option_names": ["--help", "-h"]})
@click.option("--json", "as_json", is_flag=True, help="print one JSON list")
def command(as_json: bool) -> None:
    """List the models with size, licence and where their weights are."""
    rows = _rows()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    columns = [("model", "MB", "licence", "weights", "what it is"), *(_columns(row) for row in rows)]
    widths = [max(len(line[place]) for line in columns) for place in range(4)]
    for name, size, licence, state, title in columns:
        left = f"{name:{widths[0]}}  {size:>{widths[1]}}  {licence:{widths[2]}}"
        click.echo(f"{left}  {state:{widths[3]}}  {title}")


def _columns(row: dict[str, Any]) -> tuple[str, str, str, str, str]:
    size = f"{row['bytes'] / 1e6:.0f}" if row["bytes"] else ""
    licence = row["licence"] if row["commercial"] else f"{row['licence']} (not for commercial use)"
    return row["name"], size, licence, row["state"], row["title"]


def _rows() -> list[dict[str, Any]]:
    from rembolt.models.catalogue import MODELS
    from rembolt.models.store import where

    rows = []
    for spec in MODELS.values():
        found = where(spec)
        if spec.needs_path:
            state = "your own"
        elif spec.family == "service":
            state = "not offered"
        else:
            state = str(found.path) if found.path else "not downloaded"
        rows.append(
            {
                "name": spec.name,
                "title": spec.title,
                "family": spec.family,
                "bytes": found.size,
                "licence": spec.licence,
                "commercial": spec.commercial,
                "state": state,
                "path": str(found.path) if found.path else None,
            }
        )
    return rows
