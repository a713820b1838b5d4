"""The time of whole photos, several at a time: decoded, cut out and encoded, as a batch does it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rembolt.bench.photos import jpeg, photo
from rembolt.cutout.standard import cut
from rembolt.errors import RemboltError
from rembolt.images.encode import encode
from rembolt.images.source import read_picture
from rembolt.pipeline import each
from rembolt.segmenters.opening import segmenter_around
from rembolt.settings import CutoutOptions, InputOptions
from rembolt.timings import Timings

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

    from rembolt.engine.session import Session

SIZE = (1280, 960)
"""Of the photos, in pixels."""


def seconds_a_photo(session: Session, workers: int, photos: int) -> Callable[[], float]:
    """A measurement to be made: it gives the wall time divided by the number of photos.

    Args:
        session: the network, with as many threads as each worker gets.
        workers: photos at a time.
        photos: how many there are.
    """
    segmenter = segmenter_around(session)
    data = jpeg(photo(*SIZE))

    def job(source: bytes) -> int:
        timings = Timings()
        picture = read_picture(source, InputOptions())
        masks = segmenter.segment(picture.image, CutoutOptions(), timings)
        rows = cut(picture, picture.image, masks, CutoutOptions(), timings, _unrefined)
        return len(encode(rows, "png", quality=None, icc_profile=picture.icc_profile))

    def measure() -> float:
        start = time.perf_counter()
        for result in each(job, [data] * photos, workers=workers, ordered=False):
            if isinstance(result, RemboltError):
                raise result
        return (time.perf_counter() - start) / photos

    return measure


def _unrefined(_image: Image.Image, mask: Image.Image) -> Image.Image:
    return mask
