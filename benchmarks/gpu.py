"""Photos a second of networks in half precision on a GPU, batch by batch, beside what the card can multiply.

    python -m benchmarks.gpu

A device that is not there is said, and the exit code is 5. Networks whose weights are not at hand have random
ones of the same shape; those made for one photo at a time are measured so. Nodes that fall to the CPU are
counted, and masks compared with the CPU's in float32.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks import report
from rembolt.bench import random_networks
from rembolt.bench.limits import multiply_adds
from rembolt.bench.photos import photo
from rembolt.engine.nodes import nodes_of
from rembolt.engine.session import Placement, Session
from rembolt.errors import RemboltError
from rembolt.models.catalogue import find_model
from rembolt.models.convert import convert_to_fp16
from rembolt.models.store import where
from rembolt.segmenters.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rembolt.models.spec import ModelSpec

BATCHES = (1, 2, 4, 8, 16, 32)

SIDE = 8192
"""Of the matrices whose product says what the card can multiply."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; returns the exit code."""
    parser = report.flags(__doc__, rounds=20)
    parser.add_argument("--models", nargs="+", default=["u2net", "bolt"], metavar="MODEL")
    parser.add_argument("--device", default="cuda", help="a device of rembolt, default cuda")
    parser.add_argument("--precision", choices=["fp16", "fp32"], default="fp16")
    parser.add_argument("--batches", nargs="+", type=report.positive, default=list(BATCHES), metavar="N")
    parser.add_argument("--side", type=report.positive, default=SIDE, help=f"of the matrices, default {SIDE}")
    asked = parser.parse_args(arguments)
    report.introduce()
    try:
        with tempfile.TemporaryDirectory() as folder:
            peak = _peak(Path(folder), asked.device, asked.precision, asked.side)
            found = {name: _measure(name, Path(folder), asked) for name in asked.models}
    except RemboltError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for name, rows in found.items():
        report.table(
            f"{name} on {asked.device} in {asked.precision}, which multiplies {peak / 1e12:.2f} TFLOP/s; "
            f"it runs {rows['nodes']}; masks differ from the CPU's by {rows['difference'] * 255:.3f} of 255",
            ("batch", "ms", "photos/s", "share of the peak"),
            [
                (
                    str(row["batch"]),
                    f"{row['seconds'] * 1000:.2f}",
                    f"{row['batch'] / row['seconds']:.1f}",
                    f"{2 * rows['multiply_adds'] * row['batch'] / row['seconds'] / peak:.1%}",
                )
                for row in rows["batches"]
            ],
        )
    report.write(asked.json, {"rounds": asked.rounds, "peak": peak, "models": found})
    return 0


def _measure(name: str, folder: Path, asked: Any) -> dict[str, Any]:
    spec = find_model(name)
    own = where(spec).path
    if own is None:
        own = folder / f"{name}.onnx"
        random_networks.write(name, own)
    path, run_as = own, spec
    if asked.precision == "fp16":
        path, run_as = convert_to_fp16(own, folder / f"{name}-fp16.onnx"), replace(spec, precision="fp16")
    session = Session(run_as, path, Placement(device=asked.device, precision=asked.precision))
    tensor = prepare(photo(640, 480), spec, exact=False)
    exact = Session(spec, own, Placement("cpu")).predict(tensor)
    rows = []
    fixed = session.inner.get_inputs()[0].shape[0]
    for size in [fixed] if isinstance(fixed, int) else asked.batches:
        batch = np.ascontiguousarray(np.repeat(tensor, size, axis=0))
        rows.append({"batch": size, "seconds": _seconds(session, batch, asked.rounds)})
    nodes = nodes_of(session.inner)
    return {
        "batches": rows,
        "multiply_adds": multiply_adds(own, spec.input_size),
        "nodes": str(nodes) if nodes else "not told by the runtime",
        "difference": float(np.abs(session.predict(tensor) - exact).mean()),
    }


def _seconds(session: Session, batch: npt.NDArray[np.float32], rounds: int) -> float:
    for _ in range(3):  # the first run of a size chooses its kernels
        session.predict(batch)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        session.predict(batch)
        times.append(time.perf_counter() - start)
    return median(times)


def _peak(folder: Path, device: str, precision: str, side: int) -> float:
    """Operations a second of a large matrix product, made and summed up on the device itself."""
    import onnx
    from onnx import TensorProto, helper

    kind = TensorProto.FLOAT16 if precision == "fp16" else TensorProto.FLOAT
    nodes = [
        helper.make_node("Expand", ["number", "shape"], ["wide"]),
        helper.make_node("Cast", ["wide"], ["matrix"], to=kind),
        helper.make_node("MatMul", ["matrix", "matrix"], ["product"]),
        helper.make_node("Cast", ["product"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["floats"], ["sum"], keepdims=0),
    ]
    taken = helper.make_tensor_value_info("number", TensorProto.FLOAT, [1, 1])
    given = helper.make_tensor_value_info("sum", TensorProto.FLOAT, [])
    shape = onnx.numpy_helper.from_array(np.array([side, side]), "shape")
    graph = helper.make_graph(nodes, "product", [taken], [given], [shape])
    path = folder / "product.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    spec = _bare(side)
    session = Session(spec, path, Placement(device=device, precision=spec.precision))
    times = []
    for _ in range(8):
        start = time.perf_counter()
        session.run({"number": np.full((1, 1), 1e-3, np.float32)})
        times.append(time.perf_counter() - start)
    return 2 * side**3 / min(times)


def _bare(side: int) -> ModelSpec:
    """A model of no family that checks its input."""
    return replace(find_model("bolt"), name=f"a product of {side}", family="sam", precision="fp32")


if __name__ == "__main__":
    sys.exit(main())
