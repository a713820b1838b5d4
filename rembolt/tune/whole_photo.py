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
from rembolt.segmenters.opening import refiners, segmenter_around
from rembolt.settings import CutoutOptions, InputOptions, SessionOptions
from rembolt.timings import Timings

if TYPE_CHECKING:
    from collections.abc import Callable

    from rembolt.engine.session import Session
    from rembolt.pipeline import Crew

SIZE = (1280, 960)
"""Of the photos, in pixels."""


def seconds_a_photo(session: Session, crew: Crew, photos: int) -> Callable[[], float]:
    """A measurement to be made: it gives the wall time divided by the number of photos.

    Args:
        session: the network, with as many threads as each worker gets.
        crew: how many photos at a time, with how many threads each.
        photos: how many there are.
    """
    segmenter = segmenter_around(session)
    data = jpeg(photo(*SIZE))
    options = CutoutOptions()
    better = refiners(options, SessionOptions(threads=crew.threads))

    def job(source: bytes) -> int:
        timings = Timings()
        picture = read_picture(source, InputOptions())
        masks = segmenter.segment(picture.image, CutoutOptions(), timings)
        rows = cut(picture, picture.image, masks, options, timings, better)
        return len(encode(rows, "png", quality=None, icc_profile=picture.icc_profile))

    def measure() -> float:
        start = time.perf_counter()
        for result in each(job, [data] * photos, workers=crew.workers, ordered=False):
            if isinstance(result, RemboltError):
                raise result
        return (time.perf_counter() - start) / photos

    return measure
