"""The weights, as `rembolt bench` finds them, and those in int8."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import report, u2netp
from rembolt.bench.children import ChildFailedError, last_line
from rembolt.bench.photos import jpeg, photo
from rembolt.bench.start import rembolt
from rembolt.bench.weights import furnish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rembolt.bench.weights import Home

U2NETP, BOLT = "u2netp", "bolt"
INT8 = {"precision": "int8"}

CALIBRATION = 24
"""Photos made to calibrate on."""

MADE_INT8 = (
    f"there are no weights of {U2NETP} in int8 on this machine (`rembolt quantise` makes them): they are "
    "made now, which takes some minutes, {of}, and go away in the end."
)


@contextmanager
def furnished(given: Path | None, models: list[str]) -> Iterator[Home]:
    """Lay out a home for the servers, with room for files; it goes away in the end.

    Args:
        given: weights of u2netp, None for those of the store.
        models: those that are needed; random weights are taken, and told of, where there are none.

    Raises:
        FileNotFoundError: `given` is not there.
        MissingExtraError: random weights are needed and the package onnx is not installed.
    """
    found = u2netp.find(given)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        home = furnish(Path(name), models, {U2NETP: found} if found else None)
        yield home
    if footnote := home.footnote():
        report.note(f"\n{footnote}")


def add_int8(home: Home, photos: Path | None) -> None:
    """Make u2netp's weights in int8 where there are none.

    Args:
        home: with u2netp.
        photos: a folder of photos to calibrate on, None for made ones.

    Raises:
        ChildFailedError: they cannot be made.
    """
    if INT8 in home.ways.get(U2NETP, ()):
        return
    of = f"of the photos in {photos.name}" if photos else f"of {CALIBRATION} made photos"
    report.note(MADE_INT8.format(of=of))
    folder = (photos or _made(home.folder / "calibration")).absolute()
    # Forced: how near the masks stay is not this benchmark's question, and random weights have no good ones.
    command = [*rembolt(), "quantise", U2NETP, "--photos", str(folder), "--force", "--quiet"]
    done = subprocess.run(
        command, env={**os.environ, **home.environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ChildFailedError(f"the weights in int8 cannot be made: {last_line(done.stderr)}")


def _made(folder: Path) -> Path:
    folder.mkdir()
    for seed in range(CALIBRATION):
        (folder / f"{seed}.jpg").write_bytes(jpeg(photo(640, 480, seed)))
    return folder
