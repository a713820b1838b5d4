"""Write trained weights as an ONNX file, and check it against PyTorch.

python -m training.export --run ../runs/first --out training/runs/first/bolt.onnx --mirrored
"""

from __future__ import annotations

import argparse
import copy
import io
import sys
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from rembolt.errors import RemboltError
from rembolt.images.files import write_atomically
from training.compact import compact
from training.measure import SPEC
from training.network import Bolt, Mirrored
from training.recipe import MULTIPLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

OPSET = 17
TOLERANCE = 1 / 255
"""Largest difference of an alpha, in [0, 1], of the graph to PyTorch: a level of 8 bits. What weights in
fewer bytes change on top is only said: on noise, with which it is measured, it says little of photos."""

MIRRORED = "mirrored"
"""What the file's metadata call a network that looks at the mirror image, too."""


def fold(network: Bolt) -> Bolt:
    """Fold every batch normalisation into the convolution before it, in place, and return the network."""
    for module in list(network.modules()):
        if isinstance(module, nn.Sequential) and len(module) == 2 and isinstance(module[1], nn.BatchNorm2d):
            module[0] = fuse_conv_bn_eval(module[0], module[1])
            module[1] = nn.Identity()
    return network


def to_onnx(network: Bolt | Mirrored) -> onnx.ModelProto:
    """Export: input `image` `(batch, 3, height, width)`, output `logits` `(batch, 1, height, width)`.

    Args:
        network: folded and in evaluation mode.
    """
    buffer = io.BytesIO()
    axes = {0: "batch", 2: "height", 3: "width"}
    torch.onnx.export(
        network,
        (torch.zeros(1, 3, *SPEC.input_size),),
        buffer,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": axes, "logits": axes},
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load_from_string(buffer.getvalue())
    helper.set_model_props(model, {MIRRORED: str(isinstance(network, Mirrored)).lower()})
    return model


def is_mirrored(model: onnx.ModelProto) -> bool:
    """Whether the network looks at the mirror image, too."""
    return any(prop.key == MIRRORED and prop.value == "true" for prop in model.metadata_props)


def differences(model: onnx.ModelProto, network: Bolt | Mirrored) -> NDArray[np.float32]:
    """By how much each alpha differs from PyTorch's, over batches and sizes, `float32` `(N,)`."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    random = torch.Generator().manual_seed(0)
    found = []
    for batch, height, width in ((1, *SPEC.input_size), (3, 256, 256), (2, MULTIPLE * 3, MULTIPLE * 5)):
        image = torch.randn(batch, 3, height, width, generator=random)
        with torch.inference_mode():
            expected = network(image).sigmoid().numpy()
        (logits,) = session.run(None, {"image": image.numpy()})
        found.append(np.abs(1 / (1 + np.exp(-logits)) - expected).ravel())
    return np.concatenate(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Export, check, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--run", type=Path, required=True, metavar="FOLDER", help="what training.train wrote")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--mirrored", action="store_true", help="look at the mirror image, too")
    asked = parser.parse_args(arguments)
    network = Bolt().eval()
    try:
        weights = torch.load(asked.run / "weights.pt", weights_only=True, map_location="cpu")
        network.load_state_dict(weights)
        folded = fold(copy.deepcopy(network))
        original = Mirrored(network) if asked.mirrored else network
        model = to_onnx(Mirrored(folded) if asked.mirrored else folded)
        worst = float(differences(model, original).max())
        if not worst <= TOLERANCE:  # NaN is no difference that can be compared
            raise ValueError(
                f"the graph differs from PyTorch by {worst:.2g} in alpha, more than {TOLERANCE:.2g}."
            )
        mean = float(differences(compact(model), original).mean())
        write_atomically(asked.out, model.SerializeToString())
    except (RemboltError, OSError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
        parser.exit(2, f"{asked.out} is not written: {error}\n")
    size = asked.out.stat().st_size
    print(f"{asked.out}: {size:,} bytes; alpha differs from PyTorch's by {mean:.1g} on average.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
