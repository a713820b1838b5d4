"""NVIDIA's driver and libraries: what is there, and what keeps CUDA from starting."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from rembolt.engine.runtime import NOT_YET

log = logging.getLogger(__name__)

OLDEST_DRIVERS = {11: 450, 12: 525, 13: 580}
"""CUDA's major version and the driver's that it needs at least (NVIDIA's table of CUDA compatibility)."""

SECONDS = 10
"""How long `nvidia-smi` may take; it hangs where a driver is broken."""


class Gpu(NamedTuple):
    """One GPU: its name and its driver's version, as `nvidia-smi` gives them."""

    name: str
    driver: str


class Driver(NamedTuple):
    """What `nvidia-smi` says: the GPUs, or one clause about why there are none."""

    gpus: tuple[Gpu, ...]
    reason: str


class Trouble(NamedTuple):
    """What is wrong and what to do about it, one clause each."""

    what: str
    remedy: str


def driver() -> Driver:
    """Ask `nvidia-smi`, which comes with the driver."""
    import subprocess

    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603
    except FileNotFoundError:
        return Driver((), "there is no nvidia-smi, so NVIDIA's driver is not installed")
    except subprocess.TimeoutExpired:
        return Driver((), f"nvidia-smi did not answer within {SECONDS} seconds")
    except OSError as error:
        return Driver((), f"nvidia-smi cannot be run ({error.strerror or error})")
    rows = [line.rpartition(",") for line in done.stdout.splitlines() if "," in line]
    if done.returncode or not rows:
        said = (done.stderr or done.stdout).strip().partition("\n")[0].rstrip(".")
        return Driver((), f"nvidia-smi finds no GPU ({said[:200] or 'it says nothing'})")
    return Driver(tuple(Gpu(name.strip(), number.strip()) for name, _, number in rows), "")


def cuda_major(runtime: Any) -> int | None:
    """The CUDA version that the installed `onnxruntime` is built for, its first number; None without CUDA."""
    number = re.match(r"\d+", str(getattr(runtime, "cuda_version", None) or ""))
    return int(number[0]) if number else None


def trouble(runtime: Any, state: Driver | None = None, *, device: str = "cuda") -> Trouble | None:
    """Say what keeps a device from starting; None when nothing can be seen.

    Args:
        runtime: the module `onnxruntime`.
        state: what `driver` says, where it has been asked already.
        device: `cuda` or `tensorrt`.
    """
    major = cuda_major(runtime)
    state = state or driver()
    if not state.gpus:
        return Trouble(
            state.reason, "install NVIDIA's driver, or start the container with --gpus all where this is one"
        )
    oldest = OLDEST_DRIVERS.get(major or 0, 0)
    number = re.match(r"\d+", state.gpus[0].driver)
    if number and int(number[0]) < oldest:
        return Trouble(
            f"NVIDIA's driver {state.gpus[0].driver} is too old for CUDA {major}, which the runtime needs",
            f"update the driver to {oldest} or newer",
        )
    capi = Path(runtime.__file__).parent / "capi"
    missing = missing_libraries(capi, f"libonnxruntime_providers_{device}.so")
    if any("nvinfer" in name or "nvonnxparser" in name for name in missing):
        return Trouble(
            f"the TensorRT libraries {', '.join(missing)} are missing",
            "install TensorRT and put the folder of its libraries into LD_LIBRARY_PATH",
        )
    if missing:
        return Trouble(
            f"the CUDA libraries {', '.join(missing)} are missing",
            'install them with pip install "onnxruntime-gpu[cuda,cudnn]"',
        )
    return None


def missing_libraries(capi: Path, library: str = "libonnxruntime_providers_cuda.so") -> list[str]:
    """Names of the shared libraries that a provider's library needs and that are nowhere to be found.

    Args:
        capi: the folder of the provider's library.
        library: its name. Linux only: elsewhere, and where it is not there, nothing is missing.
    """
    import subprocess

    path = capi / library
    if not sys.platform.startswith("linux") or not path.is_file():
        return []
    try:
        # Not loaded into this process: a library whose own needs are missing may end it.
        done = subprocess.run(  # noqa: S603
            ["ldd", str(path)],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    names = re.findall(r"^\s*(\S+) => not found", done.stdout, re.MULTILINE)
    # NVIDIA's own packages lie beside onnxruntime, where `preload` finds them and ldd does not.
    packages = capi.parent.parent / "nvidia"
    return [name for name in dict.fromkeys(names) if not any(packages.glob(f"**/lib/{name}"))]


_preloaded: set[str] = set()
_preloading = threading.Lock()


def preload(runtime: Any) -> None:
    """Load CUDA's libraries from NVIDIA's Python packages, once a process; without them nothing happens."""
    if cuda_major(runtime) is None or not hasattr(runtime, "preload_dlls"):
        return
    with _preloading:
        if runtime.__file__ in _preloaded:
            return
        _preloaded.add(runtime.__file__)
        warnings.filterwarnings("ignore", NOT_YET)
        # It prints what it does not find, and stdout may be the pipe of a picture. Only the module's own
        # `print` is changed, since stdout belongs to all threads.
        runtime.print = _debug
        try:
            runtime.preload_dlls()
        except Exception as error:  # noqa: BLE001 - the provider says itself what it lacks
            _debug(error)
        finally:
            del runtime.print


def _debug(*words: object) -> None:
    log.debug("CUDA's libraries: %s", " ".join(map(str, words)))


def tensorrt_version() -> str:
    """TensorRT's version: of its Python package, else of the system's library, else `unknown`."""
    from importlib.metadata import PackageNotFoundError, version

    for name in ("tensorrt", "tensorrt-cu13", "tensorrt-cu12"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    from ctypes.util import find_library

    library = find_library("nvinfer")
    return os.path.basename(library) if library else "unknown"  # noqa: PTH119 - a name, of a file or not
