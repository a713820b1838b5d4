"""Write a trained refiner as an ONNX file, and check it against PyTorch.

python -m training.edges.export --weights ../runs/fast.pt --shape fast --out edges-fast.onnx
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from rembolt.images.files import write_atomically
from training.compact import halve
from training.edges.network import SHAPES, Refiner
from training.export import OPSET

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLERANCE = 0.5
"""Largest difference of an alpha, of 255, to PyTorch. Half precision of the weights costs the most."""


FAINT = 0.02
"""Alphas up to here, and those as near to 1, become 0 and 1: the network is seldom quite sure."""


class Bytes(nn.Module):
    """The same network for what photos are made of.

    Input: uint8 `(B, H, W, 4)`, red, green, blue and mask. Output: as `Refiner`'s, for colours and an alpha
    from 0 to 255.
    """

    def __init__(self, network: Refiner) -> None:
        super().__init__()
        self.network = network

    def forward(self, seen: Tensor) -> Tensor:
        """Answer the coefficients."""
        a, b = self.network(seen.permute(0, 3, 1, 2).float() / 255).split((3, 1), dim=1)
        return torch.cat([a, (b - FAINT) * 255], dim=1) / (1 - 2 * FAINT)


def to_onnx(network: nn.Module) -> onnx.ModelProto:
    """Export: input `seen` `(B, height, width, 4)`, output `lines` `(B, 4, height / 2, width / 2)`."""
    buffer = io.BytesIO()
    torch.onnx.export(
        network,
        (torch.zeros(1, 64, 96, 4, dtype=torch.uint8),),
        buffer,
        input_names=["seen"],
        output_names=["lines"],
        dynamic_axes={
            "seen": {0: "batch", 1: "height", 2: "width"},
            "lines": {0: "batch", 2: "rows", 3: "columns"},
        },
        opset_version=OPSET,
        dynamo=False,
    )
    return onnx.load_from_string(buffer.getvalue())


def difference(model: onnx.ModelProto, network: nn.Module) -> float:
    """The largest difference of an alpha, of 255, for the colours that were seen."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    largest = 0.0
    for shape in ((1, 64, 96, 4), (2, 128, 72, 4)):
        seen = np.repeat(np.repeat(random.integers(0, 256, shape, np.uint8), 8, axis=1), 8, axis=2)
        with torch.inference_mode():
            expected = network(torch.from_numpy(seen)).numpy()
        (lines,) = session.run(None, {"seen": seen})
        colours = seen[:, ::2, ::2, :3].transpose(0, 3, 1, 2)
        both = ((answer[:, :3] * colours).sum(1) + answer[:, 3] for answer in (lines, expected))
        got, wanted = (np.clip(alpha, 0, 255) for alpha in both)
        largest = float(np.maximum(largest, np.abs(got - wanted).max()))
    return largest


def main(arguments: Sequence[str] | None = None) -> int:
    """Export, check, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--weights", type=Path, required=True, metavar="FILE", help="what the training wrote")
    parser.add_argument("--shape", choices=SHAPES, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    asked = parser.parse_args(arguments)
    network = Refiner(SHAPES[asked.shape]).eval()
    try:
        network.load_state_dict(torch.load(asked.weights, weights_only=True, map_location="cpu"))
        whole = Bytes(network).eval()
        model = halve(to_onnx(whole))
        worst = difference(model, whole)
        if not worst <= TOLERANCE:
            raise ValueError(f"the file differs from PyTorch by {worst:.2g} of 255 in alpha.")
        write_atomically(asked.out, model.SerializeToString())
    except (OSError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
        parser.exit(2, f"{asked.out} is not written: {error}\n")
    print(f"{asked.out}: {asked.out.stat().st_size:,} bytes, within {worst:.1g} of 255 of PyTorch.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
