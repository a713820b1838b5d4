"""Cut out a photo, offline, and leave before and after side by side in demo/.

    python examples/before_after.py [PHOTO]

Without PHOTO it takes the portrait of an astronaut (NASA, public domain) that scikit-image carries.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

# Proof that nothing is downloaded: with this, rembolt would refuse to.
os.environ["REMBOLT_OFFLINE"] = "1"

from PIL import Image

from rembolt import Remover

FOLDER = Path("demo")

SMALL = 1
"""Parts apart and holes that cover less of the photo, in percent, are none: one whole person is wanted."""


def main() -> None:
    """Cut out, write three files, say what was done."""
    FOLDER.mkdir(exist_ok=True)
    photo = Path(sys.argv[1]) if len(sys.argv) > 1 else sample()
    start = time.perf_counter()
    remover = Remover()
    loaded = time.perf_counter() - start

    cutout = remover.cutout(photo, remove_islands=SMALL, fill_holes=SMALL)
    cutout.save(FOLDER / "cutout.png")
    before = Image.open(photo).convert("RGB")
    side_by_side(before, cutout.to_pil()).save(FOLDER / "before-after.png")

    height, width = cutout.alpha.shape
    print(f"{photo}: {width} x {height} pixels, cut out with {cutout.model} on {cutout.device}")
    print(f"  {'load model':12}{loaded * 1000:8.1f} ms, once")
    for stage, seconds in cutout.timings.items():
        print(f"  {stage:12}{seconds * 1000:8.1f} ms")
    print(f"  {'all stages':12}{sum(cutout.timings.values()) * 1000:8.1f} ms")
    print(f"Now look at {FOLDER / 'before-after.png'} and {FOLDER / 'cutout.png'}.")


def sample() -> Path:
    """Write the sample photo to a file, as a user would have it."""
    from skimage import data

    path = FOLDER / "before.jpg"
    Image.fromarray(data.astronaut()).save(path, quality=95)
    return path


def side_by_side(before: Image.Image, after: Image.Image) -> Image.Image:
    """Before on the left; after on the right, over the chequerboard that stands for transparency."""
    board = Image.new("RGBA", after.size, (255, 255, 255, 255))
    grey = Image.new("RGBA", (16, 16), (205, 205, 205, 255))
    for top in range(0, after.height, 16):
        for left in range(top // 16 % 2 * 16, after.width, 32):
            board.paste(grey, (left, top))
    pair = Image.new("RGB", (before.width + after.width, max(before.height, after.height)), "white")
    pair.paste(before, (0, 0))
    pair.paste(Image.alpha_composite(board, after).convert("RGB"), (before.width, 0))
    return pair


if __name__ == "__main__":
    main()
