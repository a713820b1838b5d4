"""How many CPU threads a session should use."""

from __future__ import annotations

import math
import os
from pathlib import Path

from rembolt.errors import UsageError

RUNTIME_DEFAULT = 0
"""ONNX Runtime's own choice: one thread for each physical core, each bound to its core."""


def thread_count(asked: int | None) -> int:
    """Threads for one session; 0 leaves the choice to ONNX Runtime.

    What was asked for wins, then `OMP_NUM_THREADS` (as in rembg). Otherwise the runtime's default is
    right on a whole machine, but in a container or under `taskset` it would start a thread for every
    core of the host, so there the cores that may really be used are counted.
    """
    if asked is not None:
        return asked
    variable = os.environ.get("OMP_NUM_THREADS")
    if variable:
        if not variable.isdigit() or int(variable) < 1:
            raise UsageError(f"OMP_NUM_THREADS must be a whole number from 1, not {variable!r}.")
        return int(variable)
    usable = usable_cores()
    return RUNTIME_DEFAULT if usable >= (os.cpu_count() or 1) else usable


def usable_cores() -> int:
    """Cores this process may use, from its CPU affinity and its container's quota, rounded up."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    quota = _container_quota(Path("/sys/fs/cgroup"))
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def _container_quota(control_groups: Path) -> float | None:
    """CPU quota of the container, in cores; None without a limit (Linux control groups, version 2 or 1)."""
    try:
        quota, period = (control_groups / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (control_groups / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (control_groups / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    try:
        cores = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):
        return None
    return cores if cores > 0 else None
