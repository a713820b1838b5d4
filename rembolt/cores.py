"""How many CPU cores there are to use: for this process, and for one of several workers in it."""

from __future__ import annotations

import math
import os
import threading
from pathlib import Path

_share = threading.local()


def usable_cores() -> int:
    """Cores this process may use, from its CPU affinity and its container's quota, rounded up."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    quota = _container_quota(Path("/sys/fs/cgroup"))
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def own_cores() -> int:
    """Cores this thread may use: its share among workers, else all that are usable."""
    return getattr(_share, "cores", None) or usable_cores()


def take_share(workers: int) -> None:
    """Make this thread one of several workers that share the cores."""
    _share.cores = max(1, usable_cores() // workers)


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
