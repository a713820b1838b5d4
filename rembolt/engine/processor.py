"""What the processor is and can do, and what follows from it. Read from files and asked for by feature.

The choices, each with where it comes from:

* threads: see `rembolt.engine.threads`.
* number types of int8 networks (`quantisation_types`): ONNX Runtime's "Quantize ONNX models". Unsigned
  activations are the fast ones on x86-64; there the 8-bit products are added up in 16 bits, which can
  overflow with full 8-bit weights unless the processor has VNNI, hence 7-bit ones (reduce_range) without it.
  Arm has no such overflow, and its dot product takes signed numbers.
* no memory arena on small machines (`is_small`): ONNX Runtime's "Reduce memory consumption"; the arena keeps
  the largest amount that was ever needed, which a machine with 2 GB would rather have back.
* bf16 (`has_bf16`): OpenVINO's CPU plug-in runs it only where AVX-512 or AMX has instructions for it.
"""

from __future__ import annotations

import functools
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

SYSTEM = Path("/")

X86 = ("x86_64", "amd64", "i386", "i686")
ARM = ("aarch64", "arm64", "armv8l", "armv7l")

FEATURES = frozenset(
    {"avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8"}
    | {"asimddp", "i8mm", "bf16", "sve"}
)
"""Those that something depends on, as Linux spells them."""

SYSCTL_FEATURES = {
    "hw.optional.arm.FEAT_DotProd": "asimddp",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_BF16": "bf16",
    "hw.optional.avx2_0": "avx2",
    "hw.optional.avx512f": "avx512f",
    "hw.optional.avx512vnni": "avx512_vnni",
}
"""How macOS spells them."""

SYSCTL_CORES = ("hw.physicalcpu", "hw.perflevel0.physicalcpu")
"""All cores, and the big ones where there are two kinds."""

SYSCTL_NAME = "machdep.cpu.brand_string"

ARM_PARTS = {
    "0xd03": "Cortex-A53",
    "0xd05": "Cortex-A55",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd40": "Neoverse-V1",
    "0xd41": "Cortex-A78",
    "0xd42": "Cortex-A78AE",
    "0xd49": "Neoverse-N2",
    "0xd4f": "Neoverse-V2",
}
"""Arm's own numbers of its cores, for a name that people know; nothing is decided by them."""

BIG = 0.6
"""A core is big when it does at least this share of what the largest does; little ones do a half or less."""

SMALL_MEMORY = 2 * 2**30
"""Bytes; up to here the memory arena is off."""


class Processor(NamedTuple):
    """The processor.

    Attributes:
        name: for people.
        architecture: as `platform.machine` says it, in lower case.
        features: those of `FEATURES` that it has; empty where the system does not say.
        cores: physical cores, None where the system does not say.
        big_cores: those of them that are not little ones.
    """

    name: str
    architecture: str
    features: frozenset[str]
    cores: int | None
    big_cores: int | None

    @property
    def has_bf16(self) -> bool:
        """Whether OpenVINO can run a network in bf16."""
        return bool(self.features & {"avx512_bf16", "amx_bf16"})

    @property
    def has_vnni(self) -> bool:
        """Whether x86 instructions for 8-bit products add them up without overflow."""
        return bool(self.features & {"avx512_vnni", "avx_vnni"})


class QuantisationTypes(NamedTuple):
    """The number types of an int8 network.

    Attributes:
        activation: `"uint8"` or `"int8"`.
        weight: `"int8"`.
        reduce_range: weights in 7 bits.
    """

    activation: str
    weight: str
    reduce_range: bool


def quantisation_types(processor: Processor | None = None) -> QuantisationTypes:
    """The number types of int8 networks that are fast and right on this processor.

    Args:
        processor: another than this machine's.
    """
    processor = processor or this_processor()
    if processor.architecture in ARM:
        return QuantisationTypes("int8", "int8", reduce_range=False)
    return QuantisationTypes("uint8", "int8", reduce_range=not processor.has_vnni)


@functools.cache
def this_processor() -> Processor:
    """This machine's processor; read once."""
    if sys.platform == "darwin":
        return of_sysctl(sysctl(), platform.machine().lower())
    return of_files(SYSTEM, platform.machine().lower())


def of_files(root: Path, architecture: str) -> Processor:
    """Read Linux's files; elsewhere they are missing and little is known.

    Args:
        root: the folder that has `proc` and `sys`.
        architecture: see `Processor`.
    """
    blocks = _blocks(root / "proc/cpuinfo", first_only=architecture in X86)
    words = {word for block in blocks for key in ("flags", "Features") for word in block.get(key, "").split()}
    cpus = cpus_of(root)
    return Processor(
        _name(blocks) or platform.processor() or architecture,
        architecture,
        frozenset(words) & FEATURES,
        cores_among(cpus) or None,
        cores_among(big_ones(cpus)) or None,
    )


class Cpu(NamedTuple):
    """What Linux calls a CPU: one of the threads that a core runs at a time.

    Attributes:
        number: by which the affinity of a process names it.
        core: the numbers of all CPUs of its core, which identify it.
        capacity: how much it does, 1024 for the largest of the machine; 1024 where the system does not say.
    """

    number: int
    core: str
    capacity: int


def cpus_of(root: Path = SYSTEM) -> tuple[Cpu, ...]:
    """The CPUs that are switched on, in order; none where there is no `sys`."""
    found = []
    for folder in (root / "sys/devices/system/cpu").glob("cpu[0-9]*"):
        number = int(folder.name[3:])
        core = _line(folder / "topology/thread_siblings_list")
        if core is None:  # switched off
            continue
        capacity = _line(folder / "cpu_capacity")
        known = capacity is not None and capacity.isdecimal() and int(capacity) > 0
        found.append(Cpu(number, core, int(capacity) if known and capacity else 1024))
    return tuple(sorted(found))


def big_ones(cpus: tuple[Cpu, ...]) -> tuple[Cpu, ...]:
    """Those that are not little cores."""
    largest = max((cpu.capacity for cpu in cpus), default=0)
    return tuple(cpu for cpu in cpus if cpu.capacity >= BIG * largest)


def cores_among(cpus: tuple[Cpu, ...]) -> int:
    """How many physical cores they belong to."""
    return len({cpu.core for cpu in cpus})


def of_sysctl(values: Mapping[str, str], architecture: str) -> Processor:
    """Read what macOS says.

    Args:
        values: see `sysctl`.
        architecture: see `Processor`.
    """
    features = {feature for name, feature in SYSCTL_FEATURES.items() if values.get(name) == "1"}
    cores, big = (_number(values.get(name)) for name in SYSCTL_CORES)
    return Processor(
        values.get(SYSCTL_NAME) or architecture, architecture, frozenset(features), cores, big or cores
    )


def is_small(root: Path = SYSTEM) -> bool:
    """Whether memory is so scarce that none should be kept between photos; False where the size is not known.

    Args:
        root: the folder that has `proc` and `sys`.
    """
    memory = _memory(root)
    return memory is not None and memory <= SMALL_MEMORY


def sysctl(library: str | None = None) -> dict[str, str]:
    """Ask macOS's kernel for what `of_sysctl` reads; what it does not know is left out.

    Args:
        library: path of a library that has `sysctlbyname`, if not the system's.
    """
    import ctypes

    try:
        ask: Any = ctypes.CDLL(library).sysctlbyname
    except (OSError, AttributeError):
        return {}
    values = {}
    for name in (*SYSCTL_FEATURES, *SYSCTL_CORES, SYSCTL_NAME):
        value = ctypes.create_string_buffer(256)
        size = ctypes.c_size_t(len(value))
        if ask(name.encode(), value, ctypes.byref(size), None, ctypes.c_size_t(0)) == 0:
            said = value.raw[: size.value]
            number = str(int.from_bytes(said, sys.byteorder))
            values[name] = said.rstrip(b"\0").decode(errors="replace") if name == SYSCTL_NAME else number
    return values


def _blocks(path: Path, *, first_only: bool) -> list[dict[str, str]]:
    """The blocks of `cpuinfo`, one a CPU; on x86 all are alike, and for a hundred of them it is long."""
    blocks: list[dict[str, str]] = [{}]
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                name, colon, value = line.partition(":")
                if colon:
                    blocks[-1][name.strip()] = value.strip()
                elif blocks[-1]:
                    if first_only:
                        break
                    blocks.append({})
    except OSError:
        pass
    return blocks


def _name(blocks: list[dict[str, str]]) -> str:
    named = [block["model name"] for block in blocks if block.get("model name")]
    parts = [
        ARM_PARTS.get(block["CPU part"], f"Arm {block.get('CPU implementer', '?')}/{block['CPU part']}")
        for block in blocks
        if "CPU part" in block
    ]
    return " + ".join(dict.fromkeys(named or parts))


def _memory(root: Path) -> int | None:
    limits = [_number(_line(root / "sys/fs/cgroup/memory.max"))]
    try:
        for line in (root / "proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemTotal:"):
                kilobytes = _number(line.split()[1])
                limits.append(kilobytes * 1024 if kilobytes else None)
    except OSError:
        pass
    return min((limit for limit in limits if limit), default=None)


def _line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() else None
