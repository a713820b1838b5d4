"""Every exception rembolt raises on purpose, each with its exit code and HTTP status.

    RemboltError
    ├── UsageError (also a ValueError)      an option is unknown or out of range
    ├── InputError (also a ValueError)      the photo cannot be used
    │   ├── UnreadableImageError            not an image, broken, or not there
    │   ├── UnsupportedImageError           a format or array that is not supported
    │   └── ImageTooLargeError              more pixels than the limit allows
    ├── OutputError (also an OSError)       the result cannot be written
    ├── ModelError                          the model or its weights cannot be used
    │   ├── UnknownModelError (a ValueError)
    │   ├── WeightsUnavailableError         not found and not downloadable
    │   └── BrokenWeightsError              wrong hash, wrong shape, not a network
    └── DeviceError                         the device, precision or runtime is not there
        └── MissingExtraError (also an ImportError)   an optional package is not installed

A message is one sentence that says what is wrong and what to do about it.
"""

from __future__ import annotations

import reprlib
from typing import Any

INTERRUPTED = 130
"""Exit code of a command that a signal ended before its time; it has no exception of its own."""


_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = 200


def brief(value: Any) -> str:
    """A value as messages show it: as `repr` does, but never long, however large or deeply nested it is."""
    return _brief.repr(value)


class RemboltError(Exception):
    """Base of all rembolt errors; `exit_code` is for the shell, `http_status` for the server."""

    exit_code = 1
    http_status = 500


class UsageError(RemboltError, ValueError):
    """An option is unknown, has the wrong type, or is out of range."""

    exit_code = 2
    http_status = 422


class InputError(RemboltError, ValueError):
    """The photo given cannot be used."""

    exit_code = 3
    http_status = 422


class UnreadableImageError(InputError):
    """The input is missing, empty, broken, or not an image."""

    http_status = 415


class UnsupportedImageError(InputError):
    """The input is an image or array of a kind that is not supported."""

    http_status = 415


class ImageTooLargeError(InputError):
    """The image has more pixels than the limit allows."""


class OutputError(RemboltError, OSError):
    """The result could not be written; nothing half-written is left behind."""

    exit_code = 1
    http_status = 507


class ModelError(RemboltError):
    """A model or its weights cannot be used."""

    exit_code = 4
    http_status = 503


class UnknownModelError(ModelError, ValueError):
    """No model has this name."""

    http_status = 422


class WeightsUnavailableError(ModelError):
    """The weights are not on this machine and could not be downloaded."""


class BrokenWeightsError(ModelError):
    """The weights are there but are not the network they should be."""


class DeviceError(RemboltError):
    """The device or precision asked for does not run the network."""

    exit_code = 5
    http_status = 503


class MissingExtraError(DeviceError, ImportError):
    """An optional package is not installed; the message names the extra that brings it."""
