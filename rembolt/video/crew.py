"""A remover for frames, and how many workers share it."""

from __future__ import annotations

import os
from typing import Any

from rembolt.pipeline import crew
from rembolt.remover import Remover


def crewed_remover(options: dict[str, Any], workers: int | None) -> tuple[Remover, int]:
    """Load a model for several workers at a time.

    Args:
        options: of `Remover`; `threads`, when given, is kept, as is `OMP_NUM_THREADS`. Otherwise the cores
            are shared out among the workers.
        workers: how many, or None for what suits the cores.
    """
    staff = crew(workers, options.get("threads"))
    if not os.environ.get("OMP_NUM_THREADS"):
        options = {"threads": staff.threads, **options}
    return Remover(**options), staff.workers
