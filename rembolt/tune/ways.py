"""What is tried: runtimes and precisions, numbers of threads, numbers of photos at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from rembolt.engine.openvino_runtime import installed
from rembolt.engine.session import Placement, Session
from rembolt.segmenters.placing import variant_of

if TYPE_CHECKING:
    from pathlib import Path

    from rembolt.engine.processor import Processor
    from rembolt.models.spec import ModelSpec
    from rembolt.pipeline import Crew


class Way(NamedTuple):
    """One network in one runtime.

    Attributes:
        spec: the model, with the precision of `path`.
        path: its ONNX file.
        runtime: `onnxruntime` or `openvino`.
        precision: number format it computes in.
    """

    spec: ModelSpec
    path: Path
    runtime: str
    precision: str

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.precision} in {self.runtime}"

    def open(self, threads: int | None = None) -> Session:
        """Load it on the CPU.

        Raises:
            RemboltError: it does not run here.
        """
        return Session(self.spec, self.path, Placement("cpu", self.precision, threads, self.runtime))


def ways(spec: ModelSpec, path: Path, processor: Processor) -> list[Way]:
    """All that may be faster than the model's own weights in ONNX Runtime, and these first.

    int8 weights are among them when their report says that they are good and nobody forced them; bf16 where
    the processor has it and the weights are fp32.
    """
    runtimes = ["onnxruntime", "openvino"] if installed() else ["onnxruntime"]
    found = [Way(spec, path, runtime, spec.precision) for runtime in runtimes]
    if installed() and processor.has_bf16 and spec.precision == "fp32":
        found.append(Way(spec, path, "openvino", "bf16"))
    variant = variant_of(path, "int8") if spec.precision != "int8" else None
    if variant is not None and variant.report.get("good") is True and not variant.report.get("forced"):
        int8 = replace(spec, precision="int8")
        found += [Way(int8, variant.path, runtime, "int8") for runtime in runtimes]
    return found


def thread_counts(usable: int, cores: int | None) -> list[int]:
    """Numbers of threads to try: powers of two, and all cores, the physical and the usable ones."""
    counts = {2**power for power in range(usable.bit_length())} | {usable, min(cores or usable, usable)}
    return sorted(count for count in counts if count <= usable)


def crews(usable: int, default: Crew) -> list[Crew]:
    """Photos at a time and threads for each, the default first.

    From one photo on all cores to one photo a core, and one more, which has work for a core whose photo
    waits.
    """
    workers = {2**power for power in range(usable.bit_length())} | {usable, usable + 1}
    crew = type(default)
    found = [crew(count, max(1, usable // count)) for count in sorted(workers) if count <= usable + 1]
    return [default, *(one for one in found if one != default)]
