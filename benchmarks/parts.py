"""A benchmark of several parts: its command line names one; the rest of the flags are the part's own."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def run(package: str, parts: Mapping[str, str], arguments: Sequence[str] | None = None) -> int:
    """Measure one part and return the exit code.

    Args:
        package: the benchmark, such as `benchmarks.edges`.
        parts: the module in it, by the name of each part.
        arguments: None for those of this process.
    """
    text = import_module(package).__doc__ or ""
    parser = argparse.ArgumentParser(prog=f"python -m {package}", description=text.partition("\n")[0])
    parser.add_argument("part", choices=parts, help="what is measured")
    parser.add_argument("flags", nargs=argparse.REMAINDER, help="of the part: PART --help lists them")
    asked = parser.parse_args(arguments)
    code: int = import_module(f"{package}.{parts[asked.part]}").main(asked.flags)
    return code
