"""What Prometheus is told. With several processes each writes to files that any of them reads for all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from rembolt.server.settings import METRICS_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import Metric

CONTENT_TYPE = CONTENT_TYPE_LATEST

STAGE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

requests = Counter(
    "rembolt_requests", "Requests for a cut-out, by dialect and outcome (the status)", ["dialect", "outcome"]
)
request_seconds = Histogram(
    "rembolt_request_seconds", "Seconds from a request's first byte to its answer", ["dialect"]
)
stage_seconds = Histogram(
    "rembolt_stage_seconds", "Seconds of each stage of a photo", ["stage"], buckets=STAGE_SECONDS
)
results = Counter(
    "rembolt_results",
    "Results by where they came from: computed, memory, shared (Redis) or joined",
    ["source"],
)
photos = Counter("rembolt_photos", "Photos cut out, by model and device", ["model", "device"])
batch_size = Histogram(
    "rembolt_batch_size", "Photos that went through the network together", buckets=(1, 2, 3, 4, 5, 6, 7, 8)
)
abandoned = Counter("rembolt_abandoned", "Requests whose client left before the answer")
queue_depth = Gauge("rembolt_queue_depth", "Requests that wait for their turn", multiprocess_mode="livesum")
at_work = Gauge("rembolt_at_work", "Photos that are worked on", multiprocess_mode="livesum")
body_bytes = Gauge("rembolt_body_bytes", "Bytes of request bodies held", multiprocess_mode="livesum")
cache_bytes = Gauge("rembolt_cache_bytes", "Bytes of results kept in memory", multiprocess_mode="livesum")
sessions = Gauge("rembolt_sessions", "Models loaded", multiprocess_mode="livesum")
resident_bytes = Gauge(
    "rembolt_resident_bytes", "Memory of the serving processes", multiprocess_mode="livesum"
)


def exposition() -> bytes:
    """All metrics of all processes, in Prometheus's text format."""
    return generate_latest(registry())


def registry() -> CollectorRegistry:
    """What is collected: of all processes that share a folder, else of this one."""
    if not os.environ.get(METRICS_FOLDER):
        return REGISTRY
    shared = CollectorRegistry()
    shared.register(_Living())
    return shared


class _Living(MultiProcessCollector):
    """Collects from all processes; gauges of one that died, which cannot take them back, are forgotten."""

    def __init__(self) -> None:
        super().__init__(None)  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        folder = Path(os.environ[METRICS_FOLDER])
        for file in folder.glob("gauge_live*.db"):
            process = file.stem.rpartition("_")[2]
            if not Path(f"/proc/{process}").exists() and Path("/proc/self").exists():
                mark_process_dead(int(process), str(folder))  # type: ignore[no-untyped-call]
        metrics: Iterable[Metric] = super().collect()  # type: ignore[no-untyped-call]
        return metrics


def note_memory() -> None:
    """Tell how much memory this process has, where the system says."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError):
        return
    resident_bytes.set(pages * os.sysconf("SC_PAGE_SIZE"))
