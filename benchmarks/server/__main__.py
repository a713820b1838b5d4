"""The command line: which part is measured; the rest of the flags are the part's own."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from benchmarks import server

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTS = {
    "load": "benchmarks.server.load",
    "memory": "benchmarks.server.memory",
    "cache": "benchmarks.server.cached",
    "overload": "benchmarks.server.overload",
    "stop": "benchmarks.server.stop",
}
"""The module of each part."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one part and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.server", description=(server.__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("part", choices=PARTS, help="what is measured")
    parser.add_argument("flags", nargs=argparse.REMAINDER, help="of the part: PART --help lists them")
    asked = parser.parse_args(arguments)
    code: int = import_module(PARTS[asked.part]).main(asked.flags)
    return code


if __name__ == "__main__":
    sys.exit(main())
