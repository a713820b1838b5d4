"""A frame on its way through the video rooms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


class Frame(NamedTuple):
    """One picture of a video.

    Attributes:
        pixels: `uint8` `(H, W, 3)` RGB or `(H, W, 4)` RGBA with straight colours, upright.
        time: when it is shown, in ticks of the video's time base after the file's start.
        duration: for how long, in ticks; 0 when the file does not say.
    """

    pixels: Bytes
    time: int
    duration: int = 0
