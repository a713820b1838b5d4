"""Tells the user, once, that a model may not be used commercially.

The notice goes to the logger `rembolt.models` as a warning: without any logging set up, Python writes it to
stderr as the bare sentence, and a program that sets up logging decides for itself.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rembolt.models.spec import ModelSpec

LOGGER: Final = "rembolt.models"

_announced: set[str] = set()
_guard = threading.Lock()


def announce(spec: ModelSpec) -> None:
    """Say once per process that `spec` is not for commercial use; silent for every other model."""
    if spec.commercial:
        return
    with _guard:
        if spec.name in _announced:
            return
        _announced.add(spec.name)
    import logging

    logging.getLogger(LOGGER).warning(
        "The weights of %s may not be used commercially (%s).", spec.name, spec.licence
    )
