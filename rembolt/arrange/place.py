"""The subject's size and position in a picture that keeps its own size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.cutout.subject import Box, box_of

Bytes = npt.NDArray[np.uint8]
Position = tuple[float, float]


def place(rgba: Bytes, box: Box, scale: float | None, position: Position | None) -> Bytes:
    """Scale and move the subject.

    Args:
        rgba: `uint8` `(H, W, 4)`, straight colours.
        box: around the subject.
        scale: the part of the picture, 0 to 1, that the box may fill: it is made as large as fits into so
            much of the width and of the height. None leaves the size.
        position: where in the room left over the box lies, across and down, 0 (left, top) to 1 (right,
            bottom). None keeps the middle of the box where it is, but all of it inside the picture.

    Returns:
        `uint8` `(H, W, 4)`, straight colours. What is not seen of the subject (alpha 0) has colour 0.
    """
    height, width = rgba.shape[:2]
    factor = 1.0 if scale is None else scale * min(width / box.width, height / box.height)
    fitted = _fitted(box.width, factor, width), _fitted(box.height, factor, height)
    if position is None:
        left = min(max(0, round((box.left + box.right - fitted[0]) / 2)), width - fitted[0])
        top = min(max(0, round((box.top + box.bottom - fitted[1]) / 2)), height - fitted[1])
    else:
        left = round(position[0] * (width - fitted[0]))
        top = round(position[1] * (height - fitted[1]))
    return _drawn(rgba, box, Box(left, top, left + fitted[0], top + fitted[1]))


def _fitted(side: int, factor: float, most: int) -> int:
    return min(max(1, round(side * factor)), most)


def _drawn(rgba: Bytes, box: Box, target: Box) -> Bytes:
    """Draw what is in `box`, and faint around it, so that `box` comes to lie on `target`."""
    height, width = rgba.shape[:2]
    seen = box_of(rgba[:, :, 3], above=0) or box
    across, down = target.width / box.width, target.height / box.height
    # Of what is faint beside the box, no more than comes to lie in the picture.
    left = max(seen.left, box.left - round(target.left / across))
    top = max(seen.top, box.top - round(target.top / down))
    right = min(seen.right, box.right + round((width - target.right) / across))
    bottom = min(seen.bottom, box.bottom + round((height - target.bottom) / down))
    part = Image.fromarray(np.ascontiguousarray(rgba[top:bottom, left:right]))
    size = max(1, round(part.width * across)), max(1, round(part.height * down))
    if size != part.size:
        # Pillow multiplies the colours by alpha for it: those of unseen pixels do not come in.
        part = part.resize(size, Image.Resampling.BICUBIC)
    result = Image.new("RGBA", (width, height))
    result.paste(
        part, (target.left - round((box.left - left) * across), target.top - round((box.top - top) * down))
    )
    return np.array(result)
