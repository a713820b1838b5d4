"""Networks that answer with one mask: bolt, U-2-Net, IS-Net, BiRefNet and their kin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from rembolt.segmenters.prepare import prepare

if TYPE_CHECKING:
    from rembolt.engine.session import Session
    from rembolt.models.spec import ModelSpec
    from rembolt.settings import CutoutOptions
    from rembolt.timings import Timings


class SaliencySegmenter:
    """Finds the most salient subject."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def spec(self) -> ModelSpec:
        """The model."""
        return self.session.spec

    def segment(self, image: Image.Image, options: CutoutOptions, timings: Timings) -> list[Image.Image]:
        """Find the subject; see `Segmenter`."""
        with timings.stage("prepare"):
            tensor = prepare(image, self.spec, exact=options.exact)
        with timings.stage("infer"):
            mask = self.session.predict(tensor)[0]
        with timings.stage("upsample"):
            if not options.exact:
                return [Image.fromarray(np.rint(mask * 255).astype(np.uint8))]
            return [Image.fromarray((mask * 255).astype(np.uint8))]  # rembg cuts the fraction off
