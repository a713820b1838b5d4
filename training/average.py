"""Average the weights of exported networks of one shape, which can be better than each of them.

    python -m training.average --models before.onnx after.onnx --shares 0.12 0.88 --out bolt.onnx

After Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
increasing inference time", ICML 2022. It works where one network went on from the other and not too far; how
much of each is chosen on the validation photos (`training.tune`).
"""

from __future__ import annotations

import argparse
import copy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from rembolt.images.files import write_atomically
from rembolt.models.convert import unpack
from training.compact import compact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def average(models: Sequence[onnx.ModelProto], shares: Sequence[float]) -> onnx.ModelProto:
    """Give a network whose weights are the mean of others'.

    Args:
        models: of the same graph, as `training.export` writes them.
        shares: what each counts, any positive numbers.

    Raises:
        ValueError: the networks differ in more than their weights, or a share is missing or not positive.
    """
    if len(shares) != len(models) or not all(share > 0 for share in shares):
        raise ValueError(f"{len(models)} networks need as many shares above 0, not {list(shares)}.")
    opened = [unpack(copy.deepcopy(model)) for model in models]
    if any(_shape(model) != _shape(opened[0]) for model in opened):
        raise ValueError("the networks have different shapes: only weights can be averaged.")
    values = [_weights(model) for model in opened]
    for tensor in opened[0].graph.initializer:
        same = [weights[tensor.name] for weights in values]
        if same[0].dtype == np.float32:
            weighted = np.average(np.stack(same).astype(np.float64), 0, shares)
            tensor.CopyFrom(numpy_helper.from_array(weighted.astype(np.float32), tensor.name))
    return compact(opened[0])


def _weights(model: onnx.ModelProto) -> dict[str, NDArray[Any]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def _shape(model: onnx.ModelProto) -> list[tuple[object, ...]]:
    weights = [(tensor.name, tensor.data_type, *tensor.dims) for tensor in model.graph.initializer]
    return [*sorted(weights), *((node.op_type, *node.input, *node.output) for node in model.graph.node)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Average, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", type=Path, nargs="+", required=True, metavar="FILE")
    parser.add_argument("--shares", type=float, nargs="+", required=True, metavar="SHARE")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    asked = parser.parse_args(arguments)
    try:
        models = [onnx.load_from_string(path.read_bytes()) for path in asked.models]
        write_atomically(asked.out, average(models, asked.shares).SerializeToString())
    except (OSError, ValueError, DecodeError) as error:
        parser.exit(2, f"{asked.out} is not written: {error}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
