from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.recipe import Phase, Recipe

if TYPE_CHECKING:
    from training.photos import Photo


@pytest.fixture(scope="session")
def photos() -> list[Photo]:
    """Discs on noise: something a network can learn in seconds."""
    from training.photos import Photo

    random = np.random.default_rng(0)
    made = []
    for _ in range(12):
        height, width = random.integers(90, 130, 2)
        rows, columns = np.mgrid[:height, :width]
        radius = random.uniform(20, 35)
        inside = np.hypot(rows - height / 2, columns - width / 2) < radius
        picture = random.integers(0, 120, (height, width, 3), dtype=np.uint8)
        picture[inside] = random.integers(150, 256, 3, dtype=np.uint8)
        made.append(Photo(picture, np.where(inside, 255, 0).astype(np.uint8)))
    return made


@pytest.fixture
def shards(tmp_path, photos):
    """A folder with a shard of the discs, as the real ones are."""
    import cv2

    with tarfile.open(tmp_path / "discs-00.tar", "w") as shard:
        for number, (picture, mask) in enumerate(photos):
            for suffix, array in ((".jpg", picture[..., ::-1]), (".png", mask)):
                data = cv2.imencode(suffix, array)[1].tobytes()
                member = tarfile.TarInfo(f"{number:03d}{suffix}")
                member.size = len(data)
                shard.addfile(member, io.BytesIO(data))
    return tmp_path


@pytest.fixture
def recipe() -> Recipe:
    return Recipe(
        sets=("discs",),
        validation="discs",
        phases=(Phase(4, 64, 4, (0.002, 0.001)), Phase(3, 96, 3, (0.001, 0.0001))),
        warm_up=2,
        measure_every=2,
        measure_photos=3,
    )
