"""What all tests share: an empty home, real photos, small networks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from cli.rembolt_command import Done, in_process, small_photo
from hypothesis import settings
from PIL import Image

from rembolt.engine.processor import this_processor

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
"""Weights and photos that are not part of the project; tests that need them skip without."""

# How long an example takes says more of the machine than of the code.
settings.register_profile("rembolt", settings.get_profile(settings.get_current_profile_name()), deadline=None)
settings.load_profile("rembolt")


@pytest.fixture(autouse=True)
def _empty_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or changes the developer's own models and settings."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in list(os.environ):
        if name.startswith(("REMBOLT_", "REMBG_", "U2NET_", "XDG_")) or name in (
            "MODEL_CHECKSUM_DISABLED",
            "OMP_NUM_THREADS",
        ):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real weights and photos."""
    if not SHARED.is_dir():
        pytest.skip("the shared folder with weights and photos is not there")
    return SHARED


@pytest.fixture(scope="session")
def usual_precision() -> str:
    """What `bolt` runs in on this processor's cores, where nothing else is asked for."""
    return "int8" if this_processor().has_vnni else "fp32"


def sample_photo(name: str) -> Image.Image:
    """One of scikit-image's photos (in its package, public domain or CC0), as RGB."""
    data = pytest.importorskip("skimage.data")
    return Image.fromarray(np.ascontiguousarray(getattr(data, name)()[..., :3]))


@pytest.fixture(scope="session")
def cat() -> Image.Image:
    """A cat, 451 x 300."""
    return sample_photo("chelsea")


@pytest.fixture(scope="session")
def astronaut() -> Image.Image:
    """A portrait, 512 x 512."""
    return sample_photo("astronaut")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: an empty one."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def photo(folder: Path, cat: Image.Image) -> Path:
    """`cat.jpg` in the current folder."""
    return small_photo(folder, cat)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Done]]:
    """The command line in this process."""
    with in_process(capfd) as run_here:
        yield run_here
