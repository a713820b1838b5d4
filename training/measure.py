"""How good the network is on photos held out, while it is trained."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from benchmarks.metrics import Accuracy
from rembolt.models.catalogue import find_model
from rembolt.segmenters.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from training.photos import Photo

SPEC = replace(find_model("bolt"), input_size=(320, 320))
"""How the network is fed: as in use, but always at one size, so that trainings can be compared."""


def normalise(pictures: Tensor) -> Tensor:
    """Turn `uint8` RGB `(B, H, W, 3)` into the network's input, `float32` `(B, 3, H, W)`."""
    mean, std = (
        torch.tensor(values, device=pictures.device)[:, None, None] * 255 for values in (SPEC.mean, SPEC.std)
    )
    # A plane after the other: three channels beside each other are too few for a vector.
    return pictures.permute(0, 3, 1, 2).contiguous().float().sub_(mean).div_(std)


def measure(network: nn.Module, photos: Sequence[Photo], device: torch.device) -> dict[str, float]:
    """MAE and maxF of the bare sigmoid, at the photos' own sizes."""
    accuracy = Accuracy()
    for picture, mask in photos:
        image = torch.from_numpy(prepare(Image.fromarray(picture), SPEC, exact=False)).to(device)
        with torch.inference_mode():
            small = network(image)[0, 0].float().sigmoid().cpu().numpy()
        enlarged = Image.fromarray(small).resize(mask.shape[::-1], Image.Resampling.BICUBIC)
        accuracy.add(np.clip(np.asarray(enlarged), 0, 1), mask)
    scores = accuracy.scores()
    return {"mae": round(scores.mae, 4), "max_f": round(scores.max_f, 4)}
