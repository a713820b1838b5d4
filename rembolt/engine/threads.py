"""How many CPU threads a session should use."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from rembolt.cores import usable_cores
from rembolt.engine.processor import SYSTEM, big_ones, cores_among, cpus_of, this_processor
from rembolt.errors import UsageError
from rembolt.settings import MOST_THREADS

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from pathlib import Path

log = logging.getLogger(__name__)

RUNTIME_DEFAULT = 0
"""ONNX Runtime's own choice: one thread for each physical core, each bound to its core."""


def thread_count(asked: int | None) -> int:
    """Threads for one session; 0 leaves the choice to ONNX Runtime.

    What was asked for wins, then `OMP_NUM_THREADS` (as in rembg), but never more threads than cores: they
    spin, so more would take turns and a photo many seconds. Otherwise:

    * On a whole machine whose cores are alike, the runtime's default: a thread for each physical core, bound
      to it (ONNX Runtime, "Thread management").
    * Where some cores are little, a thread for each big one: a layer is done when its slowest thread is, and
      on four big and four little cores eight threads were slower than four (oRKLLM's ork-driver, "Thread
      Count Big Cores"). Linux says how large a core is in `cpu_capacity`, and its scheduler puts busy threads
      on the large ones.
    * In a container or under `taskset` the default would start a thread for every core of the host, so there
      the physical cores that may really be used are counted.

    Raises:
        UsageError: `OMP_NUM_THREADS` is not a number of threads.
    """
    usable = usable_cores()
    wanted = threads_asked_for(asked)
    if wanted is None:
        if sys.platform == "darwin":
            processor = this_processor()
            return (
                RUNTIME_DEFAULT if processor.big_cores == processor.cores else processor.big_cores or usable
            )
        whole = usable >= (os.cpu_count() or 1)
        return best_count(_allowed(), usable, whole=whole)
    if wanted > usable:
        log.warning("using %d threads, one for each core, instead of %d.", usable, wanted)
    return min(wanted, usable)


def best_count(allowed: AbstractSet[int] | None, usable: int, *, whole: bool, root: Path = SYSTEM) -> int:
    """Threads where nothing was asked for; 0 leaves the choice to ONNX Runtime.

    Args:
        allowed: numbers of the CPUs that the process may run on; None: all.
        usable: how many cores its container lets it use.
        whole: whether that is the whole machine.
        root: the folder that has `sys`.
    """
    cpus = tuple(cpu for cpu in cpus_of(root) if allowed is None or cpu.number in allowed)
    big = big_ones(cpus)
    if whole and len(big) == len(cpus):
        return RUNTIME_DEFAULT
    return min(usable, cores_among(big) or usable)


def _allowed() -> AbstractSet[int] | None:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None


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
