"""Ask networks for the masks of training photos: what the refiner will have to make better.

python -m training.edges.answers --data ../data --out ../runs/answers.npz --models bolt:duts-val:550

A network's answers to photos that it was trained on are better than those to others: `bolt` never learnt from
`duts-val`.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks.samples import SamplesError
from rembolt.errors import RemboltError
from rembolt.segmenters.opening import open_segmenter
from rembolt.settings import CutoutOptions, SessionOptions
from rembolt.timings import Timings
from training.photos import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.photos import Photo

SETS = ("duts-train", "people-train", "duts-val")

SEED = 0
"""Of the choice of photos."""


def read(path: Path) -> dict[int, list[NDArray[np.uint8]]]:
    """Read the masks, `uint8` `(h, w)`, of each photo by its number.

    Raises:
        OSError, ValueError, KeyError: the file is not there or not one of these.
    """
    answers: dict[int, list[NDArray[np.uint8]]] = {}
    with np.load(path) as kept:
        for model in (name for name in kept.files if f"{name}.photos" in kept.files):
            for index, mask in zip(kept[f"{model}.photos"], kept[model], strict=True):
                answers.setdefault(int(index), []).append(mask)
    return answers


def ask(model: str, photos: Sequence[Photo]) -> NDArray[np.uint8]:
    """Give a model's masks of photos, `uint8` `(N, h, w)` at the network's size."""
    segmenter, options = open_segmenter(SessionOptions(model=model)), CutoutOptions()
    masks = [
        np.asarray(segmenter.segment(Image.fromarray(photo.picture), options, Timings())[0])
        for photo in photos
    ]
    return np.stack(masks)


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, write, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="of tar shards")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="an .npz file")
    parser.add_argument(
        "--models", nargs="+", required=True, metavar="MODEL:SET:COUNT", help="which, and of how many"
    )
    asked = parser.parse_args(arguments)
    try:
        families = {family: load(asked.data, [family]) for family in SETS}
        kept = {}
        for model, family, count in (text.split(":") for text in asked.models):
            photos = families[family]
            chosen = np.random.default_rng(SEED).permutation(len(photos))[: int(count)]
            kept[model] = ask(model, [photos[index] for index in chosen])
            kept[f"{model}.photos"] = chosen + sum(len(families[one]) for one in SETS[: SETS.index(family)])
        np.savez(asked.out, **kept)
    except (RemboltError, SamplesError, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        parser.exit(2, f"{asked.out} is not written: {error}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
