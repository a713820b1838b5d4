"""What is kept beside a network in fewer bits, and shown: JSON, a few lines, pictures of the worst photos."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from rembolt.images.encode import encode
from rembolt.images.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rembolt.quantise.fidelity import Bytes, Difference
    from rembolt.quantise.photos import Photo

WORST = 3
"""Photos that are shown."""


def worst_of(found: Difference) -> list[int]:
    """Places of the photos that changed most, the worst first."""
    return sorted(range(len(found.photos)), key=lambda place: -found.photos[place])[:WORST]


def write(
    path: Path,
    report: Mapping[str, Any],
    photos: Sequence[Photo],
    before: Sequence[Bytes],
    after: Sequence[Bytes],
    worst: Sequence[int],
) -> None:
    """Write the report, and beside it `<stem>-worst-1.png` and so on.

    Each shows the photo, the mask before and after, and where they differ, four times as strong.

    Raises:
        OutputError: one cannot be written.
    """
    for rank, place in enumerate(worst, 1):
        target = path.with_name(f"{path.stem}-worst-{rank}.png")
        picture = _picture(photos[place], before[place], after[place])
        write_atomically(target, encode(picture, "png", quality=None, icc_profile=None))
    write_atomically(path, as_json(report))


def as_json(report: Mapping[str, Any]) -> bytes:
    """The report as it is kept."""
    return (json.dumps(report, indent=2) + "\n").encode()


def lines(report: Mapping[str, Any]) -> list[str]:
    """The report for people."""
    apart = report["difference"]
    said = [
        f"masks differ by {apart['mean']:.2%} on average (limit {report['limit']:.2%}), 99 % of the pixels "
        f"by less than {apart['percentile_99']:.2%}, on {apart['photos']} photos not calibrated on",
        "worst: " + ", ".join(f"{one['photo']} {one['mean']:.2%}" for one in apart["worst"]),
    ]
    if accuracy := report["accuracy"]:
        for name, scores in accuracy.items():
            said.append(f"{name}: maxF {scores['max_f']:.4f}, MAE {scores['mae']:.4f}")
    if ratio := report["time_ratio"]:
        took = report["milliseconds"]
        said.append(
            f"{took['after']:.1f} ms instead of {took['before']:.1f}: {ratio:.2f} times as fast"
            + ("" if ratio > 1 else ", so it does not pay on this machine")
        )
    said.append(f"{report['bytes'] / 1e6:.1f} MB instead of {report['source']['bytes'] / 1e6:.1f}")
    if report["in_float"]:
        spared = ", ".join(f"{name} ({why})" for name, why in report["in_float"].items())
        said.append(f"left in float: {spared}")
    return said


def _picture(photo: Photo, before: Bytes, after: Bytes) -> Bytes:
    height, width = before.shape
    apart = np.clip(np.abs(before.astype(np.int16) - after) * 4, 0, 255).astype(np.uint8)
    shrunk = np.asarray(photo.image.resize((width, height), Image.Resampling.BICUBIC))
    return np.hstack([shrunk, *(np.stack([grey] * 3, axis=2) for grey in (before, after, apart))])
