"""How good the network is on photos held out, while it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from benchmarks.metrics import Accuracy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from training.network import Bolt
    from training.photos import Photo

SIZE = 320
"""Side of the network's input in use."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def normalise(pictures: Tensor) -> Tensor:
    """Turn `uint8` RGB `(B, H, W, 3)` into the network's input, `float32` `(B, 3, H, W)`, channels last."""
    mean, std = (torch.tensor(values, device=pictures.device) * 255 for values in (MEAN, STD))
    return ((pictures - mean) / std).permute(0, 3, 1, 2)


def measure(
    network: Bolt, photos: Sequence[Photo], device: torch.device, size: int = SIZE
) -> dict[str, float]:
    """MAE and maxF of the bare sigmoid, at the photos' own sizes."""
    accuracy = Accuracy()
    for picture, mask in photos:
        shrunk = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
        with torch.inference_mode():
            logits = network(normalise(torch.from_numpy(shrunk[None]).to(device)))
        alpha = logits[0, 0].float().sigmoid().cpu().numpy()
        alpha = cv2.resize(alpha, mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
        accuracy.add(np.clip(alpha, 0, 1), mask)
    scores = accuracy.scores()
    return {"mae": round(scores.mae, 4), "max_f": round(scores.max_f, 4)}
