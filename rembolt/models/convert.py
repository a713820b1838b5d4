"""Makes weights out of downloaded files: half precision out of full, one file out of several parts."""

from __future__ import annotations

import os
import shutil
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rembolt.errors import BrokenWeightsError, MissingExtraError, WeightsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rembolt.models.spec import Asset


def require_converter(model: str) -> None:
    """Make sure that half-precision weights can be made.

    Raises:
        MissingExtraError: onnx or onnxconverter-common is not installed.
    """
    from importlib.util import find_spec

    missing = [name for name in ("onnx", "onnxconverter_common") if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"{model} is made from the fp32 weights, which needs {' and '.join(missing).replace('_', '-')}:"
            " pip install 'rembolt[fp16]'."
        )


def convert_to_fp16(source: Path, target: Path) -> Path:
    """Write `source` in half precision to `target`, once; its inputs and outputs stay in float32.

    Raises:
        BrokenWeightsError: `source` is not a network that can be converted.
        WeightsUnavailableError: `target` cannot be written.
    """
    import onnx
    from onnxconverter_common import float16

    with _made_once(target) as temporary:
        if temporary is None:
            return target
        try:
            with warnings.catch_warnings():
                # One for each number too small for half precision, and there is nothing to do about them.
                warnings.simplefilter("ignore")
                half = float16.convert_float_to_float16(unpack(onnx.load(source)), keep_io_types=True)
        except Exception as error:
            # The converter and protobuf raise whatever comes up inside them.
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise BrokenWeightsError(f"{source} cannot be converted to half precision: {reason}") from error
        onnx.save(half, temporary)
    return target


def join_parts(asset: Asset, folder: Path, fetch: Callable[[Asset], None]) -> Path:
    """Download the parts of an asset into `folder` and join them, without holding them in memory.

    Args:
        asset: the file to make, with its parts.
        folder: where it goes; the parts are deleted afterwards.
        fetch: downloads one part into `folder`, or finds it there.

    Raises:
        WeightsUnavailableError: a part cannot be downloaded or the file cannot be written.
    """
    target = folder / asset.file
    with _made_once(target) as temporary:
        if temporary is None:
            return target
        parts = [folder / part.file for part in asset.parts]
        for part in asset.parts:
            fetch(part)
        with temporary.open("wb") as joined:
            for path in parts:
                with path.open("rb") as piece:
                    shutil.copyfileobj(piece, joined, 1 << 20)
            os.fsync(joined.fileno())
    for path in parts:
        path.unlink(missing_ok=True)
    return target


def unpack(model: Any) -> Any:
    """Put full weights where a network keeps them in fewer bytes only to be small, in place.

    Args:
        model: an `onnx.ModelProto`. What `Cast` to float32 and `Mul` make of its constants is computed.
    """
    import numpy as np
    from onnx import TensorProto, numpy_helper

    graph = model.graph
    constants = {entry.name: entry for entry in graph.initializer}
    for node in list(graph.node):
        if node.op_type not in ("Cast", "Mul") or not all(name in constants for name in node.input):
            continue
        if node.op_type == "Cast" and not any(
            entry.name == "to" and entry.i == TensorProto.FLOAT for entry in node.attribute
        ):
            continue
        factors = [numpy_helper.to_array(constants[name]).astype(np.float32) for name in node.input]
        value = factors[0] * factors[1] if node.op_type == "Mul" else factors[0]
        constants[node.output[0]] = numpy_helper.from_array(value, node.output[0])
        graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    del graph.initializer[:]
    graph.initializer.extend(entry for name, entry in constants.items() if name in used)
    return model


@contextmanager
def _made_once(target: Path) -> Iterator[Path | None]:
    """Lock `target`; give a file to fill that is moved into place at the end, or None when it is there."""
    from filelock import FileLock

    temporary = target.with_name(f"{target.name}.making")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f"{target.name}.lock")):
            if target.is_file():
                yield None
                return
            try:
                yield temporary
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise WeightsUnavailableError(
            f"{target} cannot be written ({reason}); set REMBOLT_HOME to a folder that can."
        ) from error
