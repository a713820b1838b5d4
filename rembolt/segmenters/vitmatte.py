"""ViTMatte: a network that finds the alpha inside a trimap's unknown band.

Yao et al., "ViTMatte: Boosting Image Matting with Pretrained Plain Vision Transformers" (2023). The export
answers rightly at 1024 x 1024 only, so picture and trimap are stretched to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from rembolt.cutout.trimap import trimap_from_mask
from rembolt.errors import BrokenWeightsError

if TYPE_CHECKING:
    from rembolt.engine.session import Session
    from rembolt.settings import CutoutOptions


def refine(session: Session, image: Image.Image, mask: Image.Image, options: CutoutOptions) -> Image.Image:
    """Make a better mask.

    Args:
        session: a ViTMatte session.
        image: the picture, any mode.
        mask: mode `L`, of the picture's size.
        options: the three `alpha_matting_…` numbers shape the trimap.

    Returns:
        The alpha, mode `L`, at the picture's size.

    Raises:
        BrokenWeightsError: the network is not ViTMatte.
    """
    trimap = trimap_from_mask(
        np.asarray(mask),
        options.alpha_matting_foreground_threshold,
        options.alpha_matting_background_threshold,
        options.alpha_matting_erode_size,
    )
    size = session.spec.input_size
    colours = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BILINEAR), dtype=np.float32)
    # Nearest: anything between the three levels would be a fourth one.
    bands = np.asarray(Image.fromarray(trimap).resize(size, Image.Resampling.NEAREST), dtype=np.float32)
    tensor = np.concatenate([(colours / 255.0).transpose(2, 0, 1), (bands / 255.0)[np.newaxis]])
    alphas = session.outputs(tensor[np.newaxis])[0]
    if alphas.ndim != 4:
        raise BrokenWeightsError(
            f"the network {session.spec.name!r} answered with shape {alphas.shape} where "
            "(1, 1, height, width) is needed; these are not ViTMatte's weights."
        )
    alpha = (np.clip(alphas[0, 0], 0.0, 1.0) * 255).astype(np.uint8)
    return Image.fromarray(alpha).resize(image.size, Image.Resampling.BILINEAR)
