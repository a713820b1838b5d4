"""A remover for frames, and how many workers share it."""

from __future__ import annotations

from typing import Any

from rembolt.images.memory import keep_for
from rembolt.pipeline import crew
from rembolt.remover import Remover
from rembolt.segmenters.opening import measured_choice
from rembolt.settings import SessionOptions, pick


def crewed_remover(options: dict[str, Any], workers: int | None) -> tuple[Remover, int]:
    """Load a model for several workers at a time.

    Args:
        options: of `Remover`; `threads`, when not given, is what `crew` says.
        workers: how many, or None for what suits the cores.
    """
    measured = None if options.get("exact") else measured_choice(pick(SessionOptions, options))
    staff = crew(workers, options.get("threads"), measured)
    keep_for(staff.workers)
    return Remover(**{**options, "threads": staff.threads}), staff.workers
