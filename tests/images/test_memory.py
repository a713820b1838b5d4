"""Memory of pictures that is used again."""

from __future__ import annotations

import pytest
from PIL import Image

from rembolt.images.memory import keep_for


@pytest.fixture(autouse=True)
def _as_before():
    before = Image.core.get_blocks_max()
    yield
    Image.core.set_blocks_max(before)


def reused() -> int:
    """Blocks taken again from those that were kept."""
    before = Image.core.get_stats()["reused_blocks"]
    for _ in range(3):
        Image.new("RGB", (2000, 2000))
    return Image.core.get_stats()["reused_blocks"] - before


def test_freed_pictures_give_their_memory_to_the_next() -> None:
    Image.core.set_blocks_max(0)
    assert reused() == 0
    keep_for(2)
    assert reused() > 0
