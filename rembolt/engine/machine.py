"""What the speed of a network depends on: the processor, its cores, the versions that run it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from rembolt import __version__
from rembolt.cores import usable_cores
from rembolt.engine.processor import this_processor

if TYPE_CHECKING:
    from collections.abc import Callable


def machine() -> dict[str, Any]:
    """All that they depend on, as plain data."""
    processor = this_processor()
    return {
        "processor": processor.name,
        "features": sorted(processor.features),
        "cores": usable_cores(),
        "rembolt": __version__,
        **_runtimes(),
    }


@cache  # `remove` asks at every photo
def _runtimes() -> dict[str, str]:
    """Versions of the packages that run networks; empty for those that are not installed."""
    from importlib.metadata import PackageNotFoundError, version

    from rembolt.engine.packages import installed_runtimes

    try:
        openvino = version("openvino")
    except PackageNotFoundError:
        openvino = ""
    own = " ".join(f"{name} {number}" for name, number in sorted(installed_runtimes().items()))
    return {"onnxruntime": own, "openvino": openvino}


def difference(then: dict[str, Any], now: dict[str, Any]) -> str:
    """What was otherwise then than it is now, for a sentence; empty when nothing was.

    Args:
        then: what `machine` gave, or was made of it.
        now: what `machine` gives.
    """
    names = [name for name in now if then.get(name) != now[name]]
    if not names:
        return ""
    words: dict[str, Callable[[Any], str]] = {
        "processor": lambda of: f"the processor {of or 'of no name'}",
        "features": lambda of: f"processor features {' '.join(map(str, of)) if of else '(none)'}",
        "cores": lambda of: f"{of} {'core' if of == 1 else 'cores'}",
        "rembolt": lambda of: f"rembolt {of}",
        "onnxruntime": lambda of: str(of or "no ONNX Runtime"),
        "openvino": lambda of: f"openvino {of}" if of else "no openvino",
    }
    return " and ".join(f"{words[name](then.get(name))}, not {words[name](now[name])}" for name in names)
