"""The widely copied `OptimizedBackgroundRemover` class: BGR arrays in and out, on white."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rembolt.errors import DeviceError
from rembolt.remover import Remover

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

WHITE = (255, 255, 255, 255)
GPUS = ("cuda", "migraphx", "directml", "coreml")
"""The devices that are GPUs, best first."""


class OptimizedBackgroundRemover:
    """Puts the subject of photos on white. Thread-safe; the model is loaded once.

    Args:
        model_name: a name from `rembolt models`.
        max_size: longest side in pixels that the network and the refinement work at. The colours stay
            those of the full photo: only the alpha is scaled back.
        alpha_matting: refine the edge with care, as the option of this name does.
        use_gpu: run on the best GPU there is, or fail when there is none.

    Raises:
        UsageError, ModelError, DeviceError: see `Remover`.
    """

    def __init__(
        self,
        model_name: str = "u2netp",
        max_size: int | None = 1024,
        alpha_matting: bool = False,
        use_gpu: bool = False,
    ) -> None:
        self._remover = _remover(model_name, use_gpu, max_size=max_size, alpha_matting=alpha_matting)

    def remove_background(
        self, image: npt.NDArray[np.uint8] | Image.Image | Path | str
    ) -> npt.NDArray[np.uint8]:
        """Put the subject on white.

        Args:
            image: a BGR array `(H, W, 3)` (or BGRA `(H, W, 4)`) as OpenCV gives it, a Pillow image or a path.

        Returns:
            `uint8` BGR `(H, W, 3)`.

        Raises:
            InputError: the photo cannot be read.
        """
        if isinstance(image, np.ndarray) and image.ndim == 3 and image.shape[2] in (3, 4):
            image = image[:, :, [2, 1, 0, *range(3, image.shape[2])]]
        rgba = self._remover.cutout(image).to_array(bgcolor=WHITE)
        return np.ascontiguousarray(rgba[:, :, 2::-1])


def _remover(model: str, use_gpu: bool, *, max_size: int | None, alpha_matting: bool) -> Remover:
    """A remover on the CPU, or on the first GPU that starts."""
    if not use_gpu:
        return Remover(model, device="cpu", max_size=max_size, alpha_matting=alpha_matting)
    reasons = []
    for device in GPUS:
        try:
            return Remover(model, device=device, max_size=max_size, alpha_matting=alpha_matting)
        except DeviceError as error:
            reasons.append(str(error))
    raise DeviceError(
        'use_gpu=True, but no GPU works here: install "rembolt[gpu]" (NVIDIA) or "rembolt[directml]" '
        f"(Windows) and see `rembolt doctor`, or set use_gpu=False. Tried: {' '.join(reasons)}"
    )
