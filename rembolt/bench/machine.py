"""What a measurement ran on, without anything that names the machine or its owner."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

from rembolt.cores import usable_cores
from rembolt.engine.processor import this_processor

PACKAGES = ("rembolt", "rembg", "onnxruntime", "numpy", "pillow", "isal", "opencv-python-headless")


@dataclass(frozen=True)
class Machine:
    """The machine and the software.

    Attributes:
        system: operating system and processor architecture.
        processor: name of the CPU's model.
        cores: logical cores this process may use.
        memory_gb: physical memory, None where it cannot be asked for.
        python: implementation and version.
        packages: version of each package that matters and is installed.
    """

    system: str
    processor: str
    cores: int
    memory_gb: float | None
    python: str
    packages: dict[str, str]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """For people, one line."""
        memory = f", {self.memory_gb:g} GB" if self.memory_gb else ""
        packages = ", ".join(f"{name} {number}" for name, number in self.packages.items())
        return f"{self.processor}, {self.cores} cores{memory}, {self.system}, {self.python}; {packages}"


def describe() -> Machine:
    """Describe the machine this runs on."""
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        processor=this_processor().name,
        cores=usable_cores(),
        memory_gb=_memory_gb(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages={name: number for name in PACKAGES if (number := _version(name))},
    )


def busy() -> str | None:
    """A sentence when other processes keep the machine busy, so that times are not to be trusted."""
    if not hasattr(os, "getloadavg"):
        return None
    load = os.getloadavg()[0]
    if load < usable_cores() / 2:
        return None
    return (
        f"the machine was busy in the last minute (load {load:.1f} on {usable_cores()} cores): "
        "numbers may be off."
    )


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, OSError, ValueError):
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
