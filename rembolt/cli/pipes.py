"""Standard input and output: whole images through them, and what to do when they fail."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO

from rembolt.errors import OutputError, UnreadableImageError


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person sits there; a stream is None when it was closed before the command began."""
    return stream is not None and stream.isatty()


def read_image() -> bytes:
    """Everything that comes through standard input.

    Raises:
        UnreadableImageError: it is closed or cannot be read.
    """
    try:
        return sys.stdin.buffer.read()
    except (OSError, AttributeError) as error:
        raise UnreadableImageError(
            f"standard input cannot be read ({_reason(error)}); pipe a photo in or name one."
        ) from error


def write_image(data: bytes) -> None:
    """Write an image to standard output.

    Raises:
        OutputError: it is closed, full, or whoever read it is gone.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except (OSError, AttributeError) as error:
        drop_unwritten()
        raise OutputError(
            f"standard output did not take the whole image ({_reason(error)}); give OUTPUT a file name."
        ) from error


def drop_unwritten() -> None:
    """Forget what stdout could not take, so that the interpreter does not try it again at its end."""
    with suppress(OSError, AttributeError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or "it is closed"
