"""The clothes network: upper body, lower body and full body clothes, each with a mask of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from rembolt.errors import BrokenWeightsError
from rembolt.segmenters.prepare import prepare

if TYPE_CHECKING:
    import numpy.typing as npt

    from rembolt.engine.session import Session
    from rembolt.models.spec import ModelSpec
    from rembolt.settings import CutoutOptions
    from rembolt.timings import Timings

CATEGORIES: dict[str, tuple[int, ...]] = {"upper": (1,), "lower": (2,), "full": (3,), "attire": (1, 2, 3)}
"""The classes of the network that make up each category; class 0 is everything else."""

STRIP = ("upper", "lower", "full")
"""The masks given when no category is asked for, in this order, as in rembg."""


class ClothSegmenter:
    """Finds clothes by category."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def spec(self) -> ModelSpec:
        """The model."""
        return self.session.spec

    def segment(self, image: Image.Image, options: CutoutOptions, timings: Timings) -> list[Image.Image]:
        """Find the clothes; see `Segmenter`. Without a category there are three masks."""
        with timings.stage("prepare"):
            tensor = prepare(image, self.spec, exact=options.exact)
        with timings.stage("infer"):
            scores = self.session.outputs(tensor)[0]
            if scores.ndim != 4 or scores.shape[0] != 1:
                raise BrokenWeightsError(
                    f"the network of model {self.spec.name!r} answered with shape {scores.shape} where "
                    "(1, 4, height, width) is needed; these are not the weights of the clothes network."
                )
            classes = np.argmax(scores[0], axis=0).astype(np.uint8)
        with timings.stage("upsample"):
            wanted = (options.cloth_category,) if options.cloth_category else STRIP
            parts = [CATEGORIES[category] for category in wanted]
            if options.exact:
                return [_enlarge_exactly(classes, part, image.size) for part in parts]
            return [
                Image.fromarray(np.isin(classes, part).astype(np.uint8) * np.uint8(255)) for part in parts
            ]


def _enlarge_exactly(
    classes: npt.NDArray[np.uint8], wanted: tuple[int, ...], size: tuple[int, int]
) -> Image.Image:
    """Enlarge the class numbers themselves, then look each up in a palette: what rembg does.

    Between classes 1 and 3 there appears a line of class 2, and numbers past the palette keep the grey
    that Pillow gives them; both are part of rembg's pixels.
    """
    mask = Image.fromarray(classes).resize(size, Image.Resampling.LANCZOS)
    mask.putpalette([255 if number in wanted else 0 for number in range(4) for _rgb in range(3)])
    return mask.convert("RGB").convert("L")
