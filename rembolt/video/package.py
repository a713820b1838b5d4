"""PyAV, imported only when a video is really read or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rembolt.errors import MissingExtraError

if TYPE_CHECKING:
    from types import ModuleType


OLDEST = 17
"""Oldest PyAV with all that is needed here."""


def pyav() -> ModuleType:
    """The `av` module.

    Raises:
        MissingExtraError: it is not installed, too old, or cannot be loaded.
        KeyboardInterrupt: Ctrl-C came while it was loading.
    """
    try:
        import av
    except ImportError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        if error.name == "av":
            raise MissingExtraError(
                "PyAV is not installed, so no video can be read; install it with: "
                'pip install "rembolt[video]"'
            ) from error
        reason = str(error).partition("\n")[0].rstrip(".")
        raise MissingExtraError(
            f"PyAV is installed but cannot be loaded ({reason}); "
            "reinstall it with: pip install --force-reinstall av"
        ) from error
    if int(av.__version__.partition(".")[0]) < OLDEST:
        raise MissingExtraError(
            f"PyAV {av.__version__} is too old, at least {OLDEST} is needed; install it with: "
            'pip install --upgrade "rembolt[video]"'
        )
    return av
