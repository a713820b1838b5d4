"""What a service counted, asked of the service itself."""

from __future__ import annotations

import time
from typing import NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families


class Counted(NamedTuple):
    """Since the service began."""

    uploads: int
    """Requests for a cut-out, however they ended."""
    computed: int
    """Results that were computed for one of them."""

    def since(self, before: Counted) -> Counted:
        """What came in addition."""
        return Counted(self.uploads - before.uploads, self.computed - before.computed)


SETTLING = 0.3
"""Seconds. A request is counted when its answer was sent, so a client may be a little earlier."""


def counted(url: str) -> Counted:
    """Ask `/metrics` of the service under `url` until it says the same twice."""
    before, now = None, _ask(url)
    while now != before:
        time.sleep(SETTLING)
        before, now = now, _ask(url)
    return now


def _ask(url: str) -> Counted:
    text = httpx.get(f"{url}/metrics", timeout=60).raise_for_status().text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    uploads = sum(sample.value for sample in samples if sample.name == "rembolt_requests_total")
    computed = sum(
        sample.value
        for sample in samples
        if sample.name == "rembolt_results_total" and sample.labels["source"] == "computed"
    )
    return Counted(int(uploads), int(computed))
