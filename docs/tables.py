"""The tables in the documentation, made from the package's own data.

    python docs/tables.py        # writes them anew between their markers

A test fails when a page no longer says what the code says.
"""

from __future__ import annotations

import re
from pathlib import Path

from rembolt.images.encode import OUTPUT_FORMATS
from rembolt.images.formats import SOURCE_FORMATS
from rembolt.models.catalogue import MODELS
from rembolt.server.settings import ServerOptions
from rembolt.setting import settings_of
from rembolt.settings import GROUPS

PAGES = Path(__file__).resolve().parent
MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def options() -> str:
    """Every option: Python keyword, flags, type, default, limits, help."""
    rows = []
    for setting in settings_of(*GROUPS).values():
        flags = ", ".join(f"`{flag}`" for flag in (*setting.flags, *setting.long_flags))
        limits = ", ".join(setting.choices)
        if setting.minimum is not None:
            limits = f"from {setting.minimum}" + (f" to {setting.maximum}" if setting.maximum else "")
        rows.append((f"`{setting.name}`", flags, f"`{setting.default}`", limits, setting.help))
    return table(("option", "flags", "default", "allowed", "what it does"), rows)


def models() -> str:
    """Every model with size, input and licence."""
    rows = []
    for spec in MODELS.values():
        size = f"{spec.size / 1e6:.0f} MB" if spec.size else ""
        pixels = "x".join(map(str, spec.input_size)) if spec.family != "service" else ""
        licence = spec.licence if spec.commercial else f"{spec.licence}, **not for commercial use**"
        rows.append((f"`{spec.name}`", spec.title, size, pixels, licence))
    return table(("model", "what it is", "size", "input", "licence"), rows)


def sources() -> str:
    """Every format that is read."""
    rows = [
        (
            known.name,
            " ".join(known.extensions),
            f"`rembolt[{known.extra}]`" if known.extra else "",
            known.note,
        )
        for known in SOURCE_FORMATS
    ]
    return table(("format", "usual names", "extra", "remarks"), rows)


def outputs() -> str:
    """Every format that is written."""
    rows = [
        (
            f"`{known.name}`",
            " ".join(known.extensions),
            "yes" if known.alpha else "no, put on a colour",
            str(known.quality or ""),
        )
        for known in OUTPUT_FORMATS.values()
    ]
    return table(("format", "file names", "transparency", "default quality"), rows)


def server() -> str:
    """Every setting of the service."""
    rows = []
    for setting in settings_of(ServerOptions).values():
        flags = ", ".join(f"`{flag}`" for flag in (*setting.flags, *setting.long_flags))
        default = "" if setting.default in (None, False) else f"`{setting.default}`"
        rows.append((flags, f"`REMBOLT_{setting.name.upper()}`", default, setting.help))
    return table(("flag", "variable", "default", "what it does"), rows)


TABLES = {"options": options, "models": models, "sources": sources, "outputs": outputs, "server": server}


def renewed(text: str) -> str:
    """A page's text with its tables made anew."""
    return MARKED.sub(lambda match: match[1] + TABLES[match[2]]() + match[3], text)


if __name__ == "__main__":
    for page in PAGES.glob("*.md"):
        page.write_text(renewed(page.read_text()))
