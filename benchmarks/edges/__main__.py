"""The command line: which part is measured."""

from __future__ import annotations

import sys
from functools import partial

from benchmarks.parts import run

PARTS = {
    "alpha": "alpha",
    "masks": "masks",
    "time": "clock",
    "colours": "colours",
    "page": "page",
}
"""The module of each part."""

main = partial(run, "benchmarks.edges", PARTS)

if __name__ == "__main__":
    sys.exit(main())
