"""How many CPU threads a session should use."""

from __future__ import annotations

import logging
import os

from rembolt.cores import usable_cores
from rembolt.errors import UsageError
from rembolt.settings import MOST_THREADS

log = logging.getLogger(__name__)

RUNTIME_DEFAULT = 0
"""ONNX Runtime's own choice: one thread for each physical core, each bound to its core."""


def thread_count(asked: int | None) -> int:
    """Threads for one session; 0 leaves the choice to ONNX Runtime.

    What was asked for wins, then `OMP_NUM_THREADS` (as in rembg), but never more threads than cores: they
    spin, so more would take turns and a photo many seconds. Otherwise the runtime's default is right on a
    whole machine, but in a container or under `taskset` it would start a thread for every core of the
    host, so there the cores that may really be used are counted.

    Raises:
        UsageError: `OMP_NUM_THREADS` is not a number of threads.
    """
    usable = usable_cores()
    wanted = threads_asked_for(asked)
    if wanted is None:
        return RUNTIME_DEFAULT if usable >= (os.cpu_count() or 1) else usable
    if wanted > usable:
        log.warning("using %d threads, one for each core, instead of %d.", usable, wanted)
    return min(wanted, usable)


def threads_asked_for(asked: int | None) -> int | None:
    """What was asked for, else what `OMP_NUM_THREADS` says, else None.

    Raises:
        UsageError: `OMP_NUM_THREADS` is not a number of threads.
    """
    if asked:
        return asked
    variable = os.environ.get("OMP_NUM_THREADS")
    if not variable:
        return None
    plain = variable.isascii() and variable.isdecimal() and len(variable) < 9
    if not plain or not 1 <= int(variable) <= MOST_THREADS:
        raise UsageError(
            f"OMP_NUM_THREADS must be a whole number from 1 to {MOST_THREADS}, not {variable[:40]!r}."
        )
    return int(variable)
