"""Whether two sessions give the same masks, seen on photos that everyone has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rembolt.bench.photos import photo
from rembolt.segmenters.prepare import prepare

if TYPE_CHECKING:
    from rembolt.engine.session import Session
    from rembolt.models.spec import ModelSpec

LIMIT = 0.015
"""Mean difference of two masks in [0, 1] up to which they count as the same."""

SIZES = ((640, 480), (480, 640), (512, 512), (700, 300))
"""Of the photos, in pixels."""


def tensors(spec: ModelSpec) -> list[npt.NDArray[np.float32]]:
    """The photos as the network takes them: `float32` `(1, 3, H, W)` each."""
    return [prepare(photo(*size, seed), spec, exact=False) for seed, size in enumerate(SIZES)]


def answers(session: Session, photos: list[npt.NDArray[np.float32]]) -> list[npt.NDArray[Any]]:
    """What a session says of each: a mask in [0, 1], or of clothes the class of each pixel."""
    if session.spec.family == "cloth":
        return [np.argmax(session.outputs(one)[0][0], axis=0) for one in photos]
    return [session.predict(one)[0] for one in photos]


def difference(ours: list[npt.NDArray[Any]], theirs: list[npt.NDArray[Any]]) -> float:
    """Mean difference, from 0 to 1; of classes the share that is another."""
    apart = [
        np.abs(one - other) if one.dtype.kind == "f" else one != other
        for one, other in zip(ours, theirs, strict=True)
    ]
    return float(np.mean([one.mean() for one in apart]))
