"""Choose a network's input size and levels on the validation photos, never on test photos.

    python -m training.tune --model rembolt/models/weights/bolt.onnx --data ../shared/data/duts-val-00.tar

The levels are those two values of the sigmoid that become 0 and 255: they lower the error where the network
is nearly sure, and hardly change the order of the pixels, which is what maxF looks at.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from benchmarks import samples
from benchmarks.metrics import Accuracy
from rembolt.engine.session import Session
from rembolt.errors import RemboltError
from rembolt.models.catalogue import find_model
from rembolt.segmenters.saliency import SaliencySegmenter
from rembolt.settings import CutoutOptions
from rembolt.timings import Timings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LOW = tuple(step / 20 for step in range(11))
HIGH = tuple(1 - step / 20 for step in range(9))
GREYS = np.arange(256) / 255


class Choice(NamedTuple):
    """What the validation photos say of one input size.

    Attributes:
        mae: with the bare sigmoid.
        max_f: with the bare sigmoid.
        levels: those of the lowest MAE.
        levelled_mae: the MAE with them, applied to the alpha at the photo's size.
    """

    mae: float
    max_f: float
    levels: tuple[float, float]
    levelled_mae: float


def choose(model: Path, photos: Sequence[samples.Sample], size: int) -> Choice:
    """Measure one input size, the network fed and its mask enlarged as in use.

    Args:
        model: an exported network.
        photos: with their masks.
        size: side of the input, a multiple of 32.

    Raises:
        RemboltError: the network does not run at this size.
        SamplesError: a photo or mask cannot be read.
    """
    spec = replace(find_model("bolt"), input_size=(size, size), levels=(0.0, 1.0))
    segmenter = SaliencySegmenter(Session(spec, model))
    accuracy = Accuracy()
    errors = np.zeros((len(LOW), len(HIGH)))
    for sample in photos:
        picture = sample.picture()
        (mask,) = segmenter.segment(picture, CutoutOptions(), Timings())
        alpha = np.asarray(mask.resize(picture.size, Image.Resampling.BICUBIC))
        truth = sample.truth()
        accuracy.add(alpha, truth)
        errors += levelled_errors(alpha, truth)
    scores = accuracy.scores()
    best = np.unravel_index(errors.argmin(), errors.shape)
    levels = (LOW[best[0]], HIGH[best[1]])
    return Choice(scores.mae, scores.max_f, levels, float(errors[best]) / len(photos))


def levelled_errors(alpha: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Give a photo's MAE for every pair of `LOW` and `HIGH`, from how often each grey meets each truth."""
    met = np.bincount(truth.ravel().astype(np.int64) * 256 + alpha.ravel(), minlength=256**2).reshape(
        256, 256
    )
    low, high = np.array(LOW)[:, None, None], np.array(HIGH)[None, :, None]
    levelled = np.clip((GREYS - low) / (high - low), 0, 1)
    truths = np.flatnonzero(met.any(axis=1))
    total = sum(np.abs(levelled - GREYS[value]) @ met[value] for value in truths)
    return total / alpha.size


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a row for each size, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, required=True, metavar="FILE")
    parser.add_argument("--data", type=Path, required=True, metavar="SHARD", help="validation photos")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 288, 320, 352])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers too, for the model card")
    asked = parser.parse_args(arguments)
    choices = []
    try:
        photos = list(samples.read(asked.data))
        print("size  maxF   MAE    levels       MAE with them")
        for size in asked.sizes:
            found = choose(asked.model, photos, size)
            choices.append({"size": size, **found._asdict()})
            _print(size, found)
        if asked.json:
            asked.json.write_text(json.dumps(choices, indent=1) + "\n", encoding="utf-8")
    except (samples.SamplesError, RemboltError, OSError) as error:
        parser.exit(2, f"{error}\n")
    return 0


def _print(size: int, found: Choice) -> None:
    low, high = found.levels
    print(
        f"{size:4}  {found.max_f:.4f} {found.mae:.4f} {low:.2f} to {high:.2f} {found.levelled_mae:.4f}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
