"""Background removal for photos: fast on a plain CPU, offline, in rembg's place.

from rembolt import remove
png = remove(photo_bytes)          # bytes, path, Pillow image or array in; the same kind out
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rembolt.cutout.result import Cutout as Cutout
    from rembolt.errors import RemboltError as RemboltError
    from rembolt.optimized import OptimizedBackgroundRemover as OptimizedBackgroundRemover
    from rembolt.remover import Remover as Remover
    from rembolt.shortcuts import new_session as new_session
    from rembolt.shortcuts import remove as remove

__version__ = "0.1.0"

_HOME_OF = {
    "Cutout": "rembolt.cutout.result",
    "OptimizedBackgroundRemover": "rembolt.optimized",
    "RemboltError": "rembolt.errors",
    "Remover": "rembolt.remover",
    "new_session": "rembolt.shortcuts",
    "remove": "rembolt.shortcuts",
}

__all__ = [
    "Cutout",
    "OptimizedBackgroundRemover",
    "RemboltError",
    "Remover",
    "__version__",
    "new_session",
    "remove",
]


def __getattr__(name: str) -> Any:
    # Nothing heavy at import: each public name is loaded when it is first used.
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
