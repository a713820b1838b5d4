"""Go on from an exported file: put batch normalisation back where it was folded away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import nn

from rembolt.models.convert import unpack
from training.network import Block, Bolt

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from torch import Tensor


def read(path: Path, images: Iterable[Tensor]) -> Bolt:
    """Read an exported network so that it can be trained on.

    A folded convolution answers `W x + b`. Its normalisation comes back with the mean and the deviation that
    `W x` has on some photos, and a scale and shift that undo them: the function stays, and training mode,
    which uses the batch's own statistics, starts next to it. Blocks that the file does not have yet answer
    nothing at first (Goyal et al., "Accurate, Large Minibatch SGD", 2017), so a network can grow.

    Args:
        path: what `training.export` wrote.
        images: batches of the network's input to take the statistics from.

    Raises:
        ValueError: the file is no network, or another one.
    """
    try:
        return _restored(onnx.load_from_string(path.read_bytes()), images)
    except (DecodeError, KeyError, RuntimeError) as error:
        raise ValueError(f"{path} is not a network that this one can go on from: {error}") from error


def _restored(model: onnx.ModelProto, images: Iterable[Tensor]) -> Bolt:
    stored = {
        tensor.name.removeprefix("network."): torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in unpack(model).graph.initializer
    }
    network = Bolt().eval()
    if more := {name for name in stored if name.endswith(".weight")} - network.state_dict().keys():
        raise KeyError(min(more))
    pairs = []
    new: tuple[str, ...] = ()
    for name, module in network.named_modules():
        if name.startswith(new):
            continue
        if isinstance(module, Block) and f"{name}.expand.weight" not in stored:
            nn.init.zeros_(module.project[1].weight)
            new += (f"{name}.",)
        elif isinstance(module, nn.Sequential) and len(module) == 2 and isinstance(module[1], nn.BatchNorm2d):
            pairs.append((module[1], stored[f"{name}.0.bias"]))
            module[0].weight.data.copy_(stored[f"{name}.0.weight"])
        elif getattr(module, "bias", None) is not None and f"{name}.weight" in stored:
            # Without normalisation: the blocks' expansions, and of the heads the finest, the only one kept.
            module.weight.data.copy_(stored[f"{name}.weight"])
            module.bias.data.copy_(stored[f"{name}.bias"])
    _restore(network, pairs, images)
    return network


@torch.no_grad()
def _restore(network: Bolt, pairs: list[tuple[nn.BatchNorm2d, Tensor]], images: Iterable[Tensor]) -> None:
    """Measure what each normalisation receives and set it so that it only adds its bias."""
    sums = {norm: [torch.zeros_like(bias), torch.zeros_like(bias), 0] for norm, bias in pairs}

    def note(norm: nn.BatchNorm2d, received: tuple[Tensor]) -> None:
        total = sums[norm]
        total[0] += received[0].sum((0, 2, 3))
        total[1] += received[0].square().sum((0, 2, 3))
        total[2] += received[0].numel() // received[0].shape[1]

    hooks = []
    for norm, bias in pairs:
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
        norm.weight.fill_(1)
        norm.bias.copy_(bias)
        hooks.append(norm.register_forward_pre_hook(note))
    for image in images:
        network(image)
    for hook in hooks:
        hook.remove()
    for norm, bias in pairs:
        mean = sums[norm][0] / sums[norm][2]
        variance = sums[norm][1] / sums[norm][2] - mean.square()
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(bias + mean)
