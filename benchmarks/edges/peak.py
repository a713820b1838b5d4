"""The program of a process whose memory is measured from outside.

    python -m benchmarks.edges.peak photo.png mask.png fast|best before|after

It loads a photo and a mask, refines a tiny one so that all code and tables are there, and then, with `after`,
refines the photo. The difference of the two peaks is what refining takes, its result included.
"""

from __future__ import annotations

import sys

from PIL import Image

TINY = 64
"""Side of the photo that is refined first, in pixels."""


def main() -> int:
    """Do it."""
    from rembolt.segmenters.edges import refine

    photo, mask_file, refinement, stage = sys.argv[1:]
    Image.MAX_IMAGE_PIXELS = None  # the benchmark wrote the file itself
    # Loaded, not copied: a second copy would raise the peak before, and hide what refining takes.
    image, mask = Image.open(photo), Image.open(mask_file)
    image.load()
    mask.load()
    quality = "best" if refinement == "best" else "fast"
    refine(image.resize((TINY, TINY), Image.Resampling.NEAREST), mask, quality)
    if stage == "after":
        refine(image, mask, quality)
    return 0


if __name__ == "__main__":
    sys.exit(main())
