"""How near each stage comes to what the machine can do: bytes moved and operations done, over its best."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rembolt.bench.candidates import REMBOLT
from rembolt.bench.tables import note, table
from rembolt.cores import usable_cores
from rembolt.errors import MissingExtraError
from rembolt.models.catalogue import find_model

if TYPE_CHECKING:
    from pathlib import Path

    from rembolt.bench.plan import Photo, Plan

COPIED = 256_000_000
"""Bytes of the array whose copying is measured: far more than a processor's caches hold."""

SIDE = 1536
"""Of the square matrices whose product is measured."""

TRIES = 5


def measure(plan: Plan, jobs: dict[str, Any]) -> dict[str, Any]:
    """Measure the machine and set the stages beside it.

    Args:
        plan: what is asked for.
        jobs: what `rembolt.bench.jobs.measure` gave.

    Returns:
        `bytes_per_second`, `flops`, and in `stages`, by photo, candidate and stage, the median seconds, the
        `least` seconds that the machine would need, and `bytes` or `operations`. `left_out` says why the
        networks are not counted, or is None.
    """
    bandwidth, flops = copy_bandwidth(), multiply_flops()
    candidates = [one for one in plan.candidates if one.side == REMBOLT]
    candidates = [one for one in candidates if one.options == {"precision": find_model(one.model).precision}]
    macs: dict[str, int] = {}
    left_out = None
    try:
        for one in candidates:
            count = multiply_adds(plan.home.path(one.model), find_model(one.model).input_size)
            if count and jobs["devices"][one.name] == "cpu":  # the limit measured is the CPU's
                macs[one.name] = count
    except MissingExtraError as error:
        left_out = str(error)
    stages: dict[str, Any] = {}
    for photo in plan.photos:
        for one in candidates:
            rounds = jobs["photos"][photo.label][one.name]
            works: dict[str, Any] = {}
            for stage in rounds[0]["stages"]:
                seconds = median(job["stages"][stage] for job in rounds)
                moved = least_bytes(photo).get(stage)
                if moved:
                    works[stage] = {"seconds": seconds, "bytes": moved, "least": moved / bandwidth}
                elif stage == "infer" and one.name in macs:
                    work = 2 * macs[one.name]
                    works[stage] = {"seconds": seconds, "operations": work, "least": work / flops}
            stages.setdefault(photo.label, {})[one.name] = works
    return {"bytes_per_second": bandwidth, "flops": flops, "stages": stages, "left_out": left_out}


def least_bytes(photo: Photo) -> dict[str, int]:
    """What each stage of the standard way must move through memory at least, in bytes.

    Decoding writes RGB, preparing reads it once, and so does encoding: mask and colours are joined in the
    cache, a band of rows at a time.
    """
    pixels = photo.width * photo.height
    return dict.fromkeys(("decode", "prepare", "encode"), 3 * pixels)


def copy_bandwidth(size: int = COPIED) -> float:
    """The best of some copies of a large array by all cores: bytes read and written in a second."""
    cores = usable_cores()
    source = np.ones(size // cores * cores, np.uint8)
    target = np.zeros_like(source)
    parts = list(zip(np.split(source, cores), np.split(target, cores), strict=True))

    def copy(part: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]) -> None:
        np.copyto(part[1], part[0])

    with ThreadPoolExecutor(cores) as pool:
        times = []
        for _ in range(TRIES):
            start = time.perf_counter()
            list(pool.map(copy, parts))
            times.append(time.perf_counter() - start)
    return 2 * source.nbytes / min(times)


def multiply_flops(side: int = SIDE) -> float:
    """The best of some products of two large `float32` matrices: operations in a second, all cores."""
    one = np.random.default_rng(0).standard_normal((side, side), dtype=np.float32)
    cores = usable_cores()
    # A share for each core, as the command line keeps NumPy's own threads to one.
    shares = np.array_split(one, cores)
    results = np.array_split(np.empty_like(one), cores)

    def multiply(place: int) -> None:
        np.matmul(shares[place], one, out=results[place])

    with ThreadPoolExecutor(cores) as pool:
        times = []
        for _ in range(TRIES):
            start = time.perf_counter()
            list(pool.map(multiply, range(cores)))
            times.append(time.perf_counter() - start)
    return float(2 * side**3 / min(times))


def multiply_adds(network: Path, size: tuple[int, int]) -> int | None:
    """Multiply-adds of a network's convolutions and matrix products for one photo, counted from its graph.

    Args:
        network: its ONNX file.
        size: width and height it is fed with, in pixels.

    Returns:
        None when the shapes inside do not follow from the graph.

    Raises:
        MissingExtraError: the package onnx is not installed.
    """
    from rembolt.bench.random_networks import require_onnx

    onnx = require_onnx("counting a network's operations")
    model = onnx.load(str(network))
    width, height = size
    dims = model.graph.input[0].type.tensor_type.shape.dim
    for dim, fixed in zip(dims, (1, 3, height, width), strict=False):
        dim.dim_value = dim.dim_value or fixed
    shapes = {each.name: list(each.dims) for each in model.graph.initializer}
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    for each in (*inferred.value_info, *inferred.output, *inferred.input):
        shapes[each.name] = [dim.dim_value for dim in each.type.tensor_type.shape.dim]
    total = 0
    for node in inferred.node:
        if node.op_type not in ("Conv", "MatMul", "Gemm"):
            continue
        made, read = shapes.get(node.output[0]), shapes.get(node.input[0])
        kernel = shapes.get(node.input[1])
        if not made or not read or 0 in (*made, *read) or (node.op_type == "Conv" and not kernel):
            return None
        each_output = math.prod(kernel[1:]) if node.op_type == "Conv" and kernel else read[-1]
        total += math.prod(made) * each_output
    return total


def show(plan: Plan, results: dict[str, Any]) -> None:
    """Print a table for each photo."""
    copying = f"copying {results['bytes_per_second'] / 1e9:.1f} GB/s"
    multiplying = f"multiplying {results['flops'] / 1e9:.0f} GFLOP/s in float32"
    models = {one.name: one.model for one in plan.candidates}
    for label, candidates in results["stages"].items():
        table(
            f"{label}: share of what the machine can do ({copying}, {multiplying}, all cores)",
            ("stage", "ms", "least work", "least ms", "share"),
            [
                (
                    f"{name.replace(models[name], plan.home.label(models[name]))}: {stage}",
                    f"{work['seconds'] * 1000:.1f}",
                    _amount(work),
                    f"{work['least'] * 1000:.2f}",
                    f"{work['least'] / work['seconds']:.0%}" if work["seconds"] else "",
                )
                for name, works in candidates.items()
                for stage, work in works.items()
            ],
        )
    if results["left_out"]:
        note(f"left out: the networks' share ({results['left_out']})")


def _amount(work: dict[str, Any]) -> str:
    if "bytes" in work:
        return f"{work['bytes'] / 1e6:.1f} MB"
    return f"{work['operations'] / 1e9:.1f} GFLOP"
