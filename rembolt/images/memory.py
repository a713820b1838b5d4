"""Memory of pictures that is used again for the next ones."""

from __future__ import annotations

from PIL import Image

BLOCKS_A_WORKER = 4
"""Blocks of 16 MB that a worker may keep: a picture of 12 megapixels takes three."""


def keep_for(workers: int) -> None:
    """Let Pillow keep the memory of freed pictures, in the whole process, for as many workers.

    Fresh memory has to be mapped page by page: of 12 megapixels, decoding takes a sixth longer.
    """
    core = Image.core  # type: ignore[attr-defined]
    core.set_blocks_max(max(core.get_blocks_max(), BLOCKS_A_WORKER * workers))
