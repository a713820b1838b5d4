"""OpenVINO, imported only when it is to run a network: the module, what this machine's CPU can, its hints."""

from __future__ import annotations

import sys
import threading
from typing import Any

from rembolt.cores import usable_cores
from rembolt.engine.cache import BuildOnceCache
from rembolt.engine.compiled import cache_folder
from rembolt.engine.threads import thread_count
from rembolt.errors import DeviceError, MissingExtraError
from rembolt.extras import load_extra

TELEMETRY = "openvino_telemetry"
"""The package that OpenVINO's converter tells Google Analytics about its import with."""

_cores: BuildOnceCache[Any] = BuildOnceCache(capacity=1)
_importing = threading.Lock()


def installed() -> bool:
    """Whether the package is there; it is not imported for that."""
    from importlib.util import find_spec

    try:
        return find_spec("openvino") is not None
    except ValueError:  # something stands in its place that is no package
        return False


def openvino() -> Any:
    """The `openvino` module, its telemetry off.

    Raises:
        MissingExtraError: it is not installed, or cannot be loaded.
        KeyboardInterrupt: Ctrl-C came while it was loading.
    """
    if "openvino" in sys.modules:
        return _import()
    # Importing it imports its converter, which sends an event and writes an identity into the user's home,
    # with no switch for a program; where the package that sends is not there, it goes on without.
    with _importing:
        theirs = sys.modules.pop(TELEMETRY, None)
        sys.modules[TELEMETRY] = None  # type: ignore[assignment] # Python's way to say: not to be imported
        try:
            return _import()
        finally:
            del sys.modules[TELEMETRY]
            if theirs is not None:
                sys.modules[TELEMETRY] = theirs


def _import() -> Any:
    runtime = load_extra(
        "openvino",
        "OpenVINO",
        absent="OpenVINO, which device openvino and precision bf16 need, is not installed; install it with: "
        'pip install "rembolt[openvino]"',
        reinstall="openvino",
    )
    if not hasattr(runtime, "Core"):
        raise MissingExtraError(
            "The openvino package is damaged (it has no Core); reinstall it with: "
            "pip install --force-reinstall openvino"
        )
    return runtime


def core() -> Any:
    """This process's `openvino.Core`; a forked child gets its own.

    Raises:
        MissingExtraError: OpenVINO is not installed.
    """
    return _cores.get("core", lambda: openvino().Core())


def has_bf16() -> bool:
    """Whether OpenVINO computes in bf16 on this CPU.

    Raises:
        MissingExtraError: OpenVINO is not installed.
    """
    return "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def check_bf16() -> None:
    """Refuse bf16 where the CPU lacks it: OpenVINO says yes to it there too, and computes in fp32.

    Raises:
        DeviceError: the CPU lacks it.
        MissingExtraError: OpenVINO is not installed.
    """
    if not has_bf16():
        raise DeviceError(
            "precision bf16 is not available: this CPU lacks it (AVX512_BF16 or AMX); use precision auto, "
            "fp32 or int8."
        )


def cpu_hints(threads: int | None) -> dict[str, Any]:
    """OpenVINO's properties for a network on the CPU.

    Without `threads` one photo at a time gets all cores (or what `OMP_NUM_THREADS` says). With fewer threads
    than cores several callers share the cores, each with so many threads: a stream for each of them, since
    one stream would run them one after the other.

    Args:
        threads: threads of each run, as asked for.

    Raises:
        UsageError: `OMP_NUM_THREADS` is not a number of threads.
    """
    usable = usable_cores()
    count = thread_count(threads)
    if threads and count < usable:
        streams = usable // count
        return {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": streams * count,
            # A stream bound to a core would wait for that core while its caller decodes or encodes there.
            "ENABLE_CPU_PINNING": False,
        }
    hints: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
    if count:  # otherwise OpenVINO's own choice: a thread for each physical core
        hints["INFERENCE_NUM_THREADS"] = count
    return hints


def cache_hints() -> dict[str, str]:
    """The property that keeps compiled networks, so that they load sooner; empty where nothing can be kept.

    OpenVINO names them by network, properties, version and CPU, and compiles anew those that were cut short.
    """
    folder = cache_folder("openvino")
    return {} if folder is None else {"CACHE_DIR": str(folder)}
