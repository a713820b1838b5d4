"""Packages that an extra brings, imported only where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from rembolt.errors import MissingExtraError


def load_extra(package: str, title: str, *, absent: str, reinstall: str) -> Any:
    """Import a package.

    Args:
        package: its name in Python.
        title: its name for people.
        absent: the whole sentence for when it is not installed.
        reinstall: what to give to `pip install --force-reinstall` when it is broken.

    Raises:
        MissingExtraError: it is not installed, or cannot be loaded.
        KeyboardInterrupt: Ctrl-C came while it was loading.
    """
    try:
        return import_module(package)
    except ImportError as error:
        # An extension module makes an ImportError of whatever stops it, Ctrl-C too.
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        if error.name == package:
            raise MissingExtraError(absent) from error
        reason = str(error).partition("\n")[0].rstrip(".")
        raise MissingExtraError(
            f"{title} is installed but cannot be loaded ({reason}); "
            f"reinstall it with: pip install --force-reinstall {reinstall}"
        ) from error
