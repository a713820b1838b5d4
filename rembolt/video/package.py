"""PyAV, imported only when a video is really read or written."""

from __future__ import annotations

from typing import Any

from rembolt.errors import MissingExtraError
from rembolt.extras import load_extra

OLDEST = 17
"""Oldest PyAV with all that is needed here."""


def pyav() -> Any:
    """The `av` module.

    Raises:
        MissingExtraError: it is not installed, too old, or cannot be loaded.
        KeyboardInterrupt: Ctrl-C came while it was loading.
    """
    av = load_extra(
        "av",
        "PyAV",
        absent="PyAV is not installed, so no video can be read; install it with: "
        'pip install "rembolt[video]"',
        reinstall="av",
    )
    if int(av.__version__.partition(".")[0]) < OLDEST:
        raise MissingExtraError(
            f"PyAV {av.__version__} is too old, at least {OLDEST} is needed; install it with: "
            'pip install --upgrade "rembolt[video]"'
        )
    return av
