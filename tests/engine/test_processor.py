"""What is read of a processor, and what follows from it, on machines made of text."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from rembolt.cores import usable_cores
from rembolt.engine import loading
from rembolt.engine.processor import (
    QuantisationTypes,
    is_small,
    of_files,
    of_sysctl,
    quantisation_types,
    sysctl,
    this_processor,
)
from rembolt.engine.threads import RUNTIME_DEFAULT, best_count

A76 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
A78AE = f"{A76} uscat ilrcpc flagm paca pacg"
V1 = f"{A76} sha512 sve svebf16 i8mm bf16 dgh rng"
A72 = "fp asimd evtstrm crc32 cpuid"
X86 = "fpu vme sse sse2 ssse3 sse4_1 sse4_2 avx f16c avx2 bmi2 erms"
VNNI = f"{X86} avx512f avx512_bf16 avx512_vnni amx_bf16"


def machine(
    root: Path,
    blocks: list[str],
    *,
    cores: list[str] | None = None,
    capacities: list[int] | None = None,
    kilobytes: int = 8_000_000,
    limit: str = "max",
    last: str = "",
) -> Path:
    """A tree with `proc` and `sys`: a block of cpuinfo, a core and perhaps a capacity for each CPU."""
    (root / "proc").mkdir(parents=True)
    numbered = [f"processor\t: {number}\n{block}\n" for number, block in enumerate(blocks)]
    (root / "proc/cpuinfo").write_text("\n".join(numbered) + last)
    (root / "proc/meminfo").write_text(f"MemTotal:       {kilobytes} kB\nMemFree:         1 kB\n")
    (root / "sys/fs/cgroup").mkdir(parents=True)
    (root / "sys/fs/cgroup/memory.max").write_text(f"{limit}\n")
    for number in range(len(blocks)):
        folder = root / f"sys/devices/system/cpu/cpu{number}"
        (folder / "topology").mkdir(parents=True)
        core = cores[number] if cores else str(number)
        (folder / "topology/thread_siblings_list").write_text(f"{core}\n")
        if capacities:
            (folder / "cpu_capacity").write_text(f"{capacities[number]}\n")
    (root / "sys/devices/system/cpu/cpufreq").mkdir()
    return root


def arm(part: str, features: str) -> str:
    return f"BogoMIPS\t: 108.00\nFeatures\t: {features}\nCPU implementer\t: 0x41\nCPU part\t: {part}\n"


def x86(name: str, flags: str) -> str:
    return f"vendor_id\t: Some\nmodel name\t: {name}\nflags\t\t: {flags}\n"


def test_raspberry_pi_5(tmp_path):
    root = machine(tmp_path, [arm("0xd0b", A76)] * 4, last="\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n")
    processor = of_files(root, "aarch64")
    assert processor.name == "Cortex-A76"
    assert processor.features == {"asimddp"}
    assert (processor.cores, processor.big_cores) == (4, 4)
    assert not processor.has_bf16
    assert quantisation_types(processor) == QuantisationTypes("int8", "int8", False)
    assert best_count(None, 4, whole=True, root=root) == RUNTIME_DEFAULT


def test_jetson_orin(tmp_path):
    root = machine(tmp_path, [arm("0xd42", A78AE)] * 12, capacities=[1024] * 12)
    processor = of_files(root, "aarch64")
    assert processor.name == "Cortex-A78AE"
    assert (processor.cores, processor.big_cores) == (12, 12)
    assert quantisation_types(processor) == QuantisationTypes("int8", "int8", False)
    assert best_count(None, 12, whole=True, root=root) == RUNTIME_DEFAULT
    # In its power mode of 15 W four of the cores are switched off: they have no topology.
    for number in range(8, 12):
        (root / f"sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list").unlink()
    assert of_files(root, "aarch64").cores == 8


def test_a_board_with_big_and_little_cores(tmp_path):
    blocks = [arm("0xd05", A76)] * 4 + [arm("0xd0b", A76)] * 4
    root = machine(tmp_path, blocks, capacities=[530] * 4 + [1024] * 4)
    processor = of_files(root, "aarch64")
    assert processor.name == "Cortex-A55 + Cortex-A76"
    assert (processor.cores, processor.big_cores) == (8, 4)
    assert best_count(None, 8, whole=True, root=root) == 4
    assert best_count({0, 1, 2, 3}, 4, whole=False, root=root) == 4
    assert best_count({0, 1, 6, 7}, 4, whole=False, root=root) == 2
    assert best_count(None, 1, whole=False, root=root) == 1


@pytest.mark.parametrize("part", ["0xd08", "0xfff"])
def test_an_older_arm_and_one_of_no_name(tmp_path, part):
    processor = of_files(machine(tmp_path, [arm(part, A72)] * 4), "aarch64")
    assert processor.name == {"0xd08": "Cortex-A72", "0xfff": "Arm 0x41/0xfff"}[part]
    assert processor.features == set()
    assert quantisation_types(processor) == QuantisationTypes("int8", "int8", False)


def test_an_arm_server(tmp_path):
    processor = of_files(machine(tmp_path, [arm("0xd40", V1)] * 2), "aarch64")
    assert processor.features == {"asimddp", "i8mm", "bf16", "sve"}
    assert not processor.has_bf16  # which is what OpenVINO can, and that is x86 only


def test_x86_with_vnni_and_two_threads_a_core(tmp_path):
    root = machine(tmp_path, [x86("Quick 9", VNNI)] * 4, cores=["0,2", "1,3", "0,2", "1,3"])
    processor = of_files(root, "x86_64")
    assert processor.name == "Quick 9"
    assert processor.features == {"avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16"}
    assert (processor.cores, processor.big_cores) == (2, 2)
    assert processor.has_bf16
    assert quantisation_types(processor) == QuantisationTypes("uint8", "int8", False)
    assert best_count(None, 4, whole=True, root=root) == RUNTIME_DEFAULT
    assert best_count({0, 2}, 2, whole=False, root=root) == 1
    assert best_count({0, 1, 2, 3}, 3, whole=False, root=root) == 2


def test_x86_without_vnni_takes_weights_of_7_bits(tmp_path):
    processor = of_files(machine(tmp_path, [x86("Old 4", X86)] * 2), "x86_64")
    assert processor.features == {"avx2"}
    assert not processor.has_bf16
    assert quantisation_types(processor) == QuantisationTypes("uint8", "int8", True)


def test_a_system_that_says_nothing(tmp_path):
    processor = of_files(tmp_path, "amd64")
    assert processor.name == (platform.processor() or "amd64")
    assert processor[2:] == (frozenset(), None, None)
    assert quantisation_types(processor).reduce_range
    assert best_count(None, 6, whole=True, root=tmp_path) == RUNTIME_DEFAULT
    assert best_count(None, 6, whole=False, root=tmp_path) == 6


def test_files_full_of_nonsense(tmp_path):
    root = machine(tmp_path, ["flags\t: avx2"], limit="nonsense")
    (root / "proc/cpuinfo").write_bytes(b"\xff\xfe\n\n:\n::::\nFeatures\n\x00")
    (root / "sys/devices/system/cpu/cpu0/cpu_capacity").write_text("many\n")
    (root / "proc/meminfo").write_text("MemTotal: lots\n")
    processor = of_files(root, "aarch64")
    assert processor[2:] == (frozenset(), 1, 1)
    assert not is_small(root)


M1 = {
    "hw.physicalcpu": "8",
    "hw.perflevel0.physicalcpu": "4",
    "hw.optional.arm.FEAT_DotProd": "1",
    "hw.optional.arm.FEAT_I8MM": "0",
    "hw.optional.arm.FEAT_BF16": "0",
    "machdep.cpu.brand_string": "Apple M1",
}


def test_a_mac():
    processor = of_sysctl(M1, "arm64")
    assert processor == ("Apple M1", "arm64", frozenset({"asimddp"}), 8, 4)
    assert quantisation_types(processor) == QuantisationTypes("int8", "int8", False)
    assert of_sysctl({}, "arm64") == ("arm64", "arm64", frozenset(), None, None)


KERNEL = """
#include <string.h>
#include <stdint.h>

int sysctlbyname(const char *name, void *value, size_t *size, void *new_value, size_t new_size) {
    if (new_value || new_size) return 1;
    if (!strcmp(name, "machdep.cpu.brand_string")) {
        *size = sizeof "Apple M1";
        memcpy(value, "Apple M1", *size);
        return 0;
    }
    int32_t number = !strcmp(name, "hw.physicalcpu") ? 8 : !strcmp(name, "hw.perflevel0.physicalcpu") ? 4
        : !strcmp(name, "hw.optional.arm.FEAT_DotProd") ? 1 : 0;
    if (!number && !strstr(name, ".arm.")) return -1;
    *size = sizeof number;
    memcpy(value, &number, *size);
    return 0;
}
"""
"""As macOS's."""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_a_mac_is_asked(tmp_path):
    (tmp_path / "kernel.c").write_text(KERNEL)
    library = tmp_path / "kernel.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "kernel.c"], check=True)
    assert sysctl(str(library)) == M1
    assert sysctl(str(tmp_path / "missing.so")) == {}


@pytest.mark.parametrize(
    ("kilobytes", "limit", "small"),
    [
        (1_900_000, "max", True),
        (8_000_000, "max", False),
        (8_000_000, str(2**30), True),
        (8_000_000, str(2**33), False),
    ],
)
def test_small_machines_keep_no_arena(tmp_path, monkeypatch, kilobytes, limit, small):
    root = machine(tmp_path, [arm("0xd08", A72)], kilobytes=kilobytes, limit=limit)
    assert is_small(root) is small
    monkeypatch.setattr(loading, "is_small", lambda: is_small(root))
    assert loading.session_options(1).enable_cpu_mem_arena is not small


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="not Linux")
def test_this_machine():
    processor = this_processor()
    assert processor.name
    assert processor.architecture == platform.machine().lower()
    if processor.cores is not None:
        assert 1 <= processor.big_cores <= processor.cores <= (os.cpu_count() or 1)
        assert 0 <= best_count(os.sched_getaffinity(0), usable_cores(), whole=False) <= usable_cores()
