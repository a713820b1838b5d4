"""The command line: which part is measured."""

from __future__ import annotations

import sys
from functools import partial

from benchmarks.parts import run

PARTS = {
    "load": "load",
    "memory": "memory",
    "cache": "cached",
    "overload": "overload",
    "stop": "stop",
}
"""The module of each part."""

main = partial(run, "benchmarks.server", PARTS)

if __name__ == "__main__":
    sys.exit(main())
