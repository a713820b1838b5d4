"""SAM: the subject is shown with points and rectangles.

Kirillov et al., "Segment Anything" (2023). The ONNX export has two networks: an encoder that takes the
picture warped into 684 x 1024 and a decoder that takes the embedding and the prompts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.errors import BrokenWeightsError
from rembolt.segmenters.affine import scale_about_origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rembolt.checks import Prompts
    from rembolt.engine.session import Session
    from rembolt.models.spec import ModelSpec
    from rembolt.settings import CutoutOptions
    from rembolt.timings import Timings

INPUT_SHAPE = (684, 1024)
"""Height and width the encoder was exported for."""

PADDING_LABEL, LEFT_TOP_LABEL, RIGHT_BOTTOM_LABEL = -1, 2, 3
"""SAM's labels beside 1 (subject) and 0 (background)."""


class SamSegmenter:
    """Finds what the prompts point at; without prompts, what is at the centre."""

    def __init__(self, encoder: Session, decoder: Session) -> None:
        self.session = encoder
        self.decoder = decoder

    @property
    def spec(self) -> ModelSpec:
        """The model."""
        return self.session.spec

    def segment(self, image: Image.Image, options: CutoutOptions, timings: Timings) -> list[Image.Image]:
        """Find the subject; see `Segmenter`. `options.sam_prompt` is in pixels of `image`."""
        with timings.stage("prepare"):
            pixels = np.asarray(image.convert("RGB"))
            factor = min(INPUT_SHAPE[1] / image.width, INPUT_SHAPE[0] / image.height)
            warped = scale_about_origin(pixels, factor, INPUT_SHAPE).astype(np.float32)
        with timings.stage("infer"):
            embedding = self.session.outputs(warped)[0]
            prompts = options.sam_prompt or (_centre(image),)
            masks = self.decoder.run(_decoder_feeds(embedding, prompts, factor))[0]
            if masks.ndim != 4:
                raise BrokenWeightsError(
                    f"the decoder of model {self.spec.name!r} answered with shape {masks.shape} where "
                    "(1, masks, height, width) is needed; these are not SAM's weights."
                )
        with timings.stage("upsample"):
            return [_union(masks[0], factor, (image.height, image.width))]


def scaled(prompts: Prompts, size: tuple[int, int], new_size: tuple[int, int]) -> Prompts:
    """Prompts in pixels of an image of `size` (width, height), in pixels of its copy of `new_size`."""
    factors = [new / old for new, old in zip(new_size, size, strict=True)]
    return tuple(
        {**prompt, "data": [number * factors[place % 2] for place, number in enumerate(prompt["data"])]}
        for prompt in prompts
    )


def _centre(image: Image.Image) -> Mapping[str, Any]:
    return {"type": "point", "label": 1, "data": [int(image.width / 2), int(image.height / 2)]}


def _decoder_feeds(
    embedding: npt.NDArray[np.float32], prompts: Sequence[Mapping[str, Any]], factor: float
) -> dict[str, npt.NDArray[np.float32]]:
    points: list[Sequence[float]] = []
    labels: list[int] = []
    for prompt in prompts:
        data = prompt["data"]
        if prompt["type"] == "point":
            points.append(data)
            labels.append(prompt["label"])
        else:
            points += [data[:2], data[2:]]
            labels += [LEFT_TOP_LABEL, RIGHT_BOTTOM_LABEL]
    # The point at the origin tells the decoder that no more prompts follow.
    coordinates = np.array([*points, [0.0, 0.0]], dtype=np.float64)
    # The encoder resizes INPUT_SHAPE so that its long side is 1024, which it already is: the prompts
    # only go through the warp.
    homogeneous = np.concatenate(
        [coordinates.astype(np.float32), np.ones((len(coordinates), 1), dtype=np.float32)], axis=1
    )
    warped = np.matmul(homogeneous[np.newaxis], np.diag([factor, factor, 1.0]).T)[:, :, :2]
    return {
        "image_embeddings": embedding,
        "point_coords": warped.astype(np.float32),
        "point_labels": np.array([[*labels, PADDING_LABEL]], dtype=np.float32),
        "mask_input": np.zeros((1, 1, 256, 256), dtype=np.float32),
        "has_mask_input": np.zeros(1, dtype=np.float32),
        "orig_im_size": np.array(INPUT_SHAPE, dtype=np.float32),
    }


def _union(masks: npt.NDArray[np.float32], factor: float, shape: tuple[int, int]) -> Image.Image:
    """All that any of the masks, logits `(N, 684, 1024)`, counts as subject, warped back."""
    inverse = float(np.linalg.inv(np.diag([factor, factor, 1.0]))[0, 0])
    union = np.zeros(shape, dtype=bool)
    for mask in masks:
        union |= scale_about_origin(mask, inverse, shape) > 0.0
    return Image.fromarray(union.astype(np.uint8) * np.uint8(255))
