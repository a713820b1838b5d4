"""Choose a network's input size and levels on the validation photos, never on test photos.

    python -m training.tune --model rembolt/models/weights/bolt.onnx --data ../shared/data/duts-val-00.tar

The levels are those two values of the sigmoid that become 0 and 255: they lower the error where the network
is nearly sure, and hardly change the order of the pixels, which is what maxF looks at.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import onnxruntime

from benchmarks import samples
from benchmarks.metrics import Accuracy
from training.measure import MEAN, STD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LOW = tuple(step / 20 for step in range(9))
HIGH = tuple(1 - step / 20 for step in range(9))
BINS = 1000


class Choice(NamedTuple):
    """What the validation photos say of one input size.

    Attributes:
        mae: with the bare sigmoid.
        max_f: with the bare sigmoid.
        levels: those of the lowest MAE.
        levelled_mae: the MAE with them.
    """

    mae: float
    max_f: float
    levels: tuple[float, float]
    levelled_mae: float


def choose(model: Path, photos: Sequence[samples.Sample], size: int) -> Choice:
    """Measure one input size.

    Args:
        model: an exported network, `image` to `logits`.
        photos: with their masks.
        size: side of the input, a multiple of 32.
    """
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    accuracy = Accuracy()
    errors = np.zeros((len(LOW), len(HIGH)))
    for sample in photos:
        truth = sample.truth()
        alpha = _alpha(session, np.asarray(sample.picture()), size)
        accuracy.add(alpha, truth)
        errors += _errors(alpha, truth)
    scores = accuracy.scores()
    best = np.unravel_index(errors.argmin(), errors.shape)
    levels = (LOW[best[0]], HIGH[best[1]])
    return Choice(scores.mae, scores.max_f, levels, float(errors[best]) / len(photos))


def _alpha(
    session: onnxruntime.InferenceSession, picture: NDArray[np.uint8], size: int
) -> NDArray[np.float32]:
    shrunk = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    image = ((shrunk / np.float32(255) - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1)
    (logits,) = session.run(None, {"image": np.ascontiguousarray(image[np.newaxis], np.float32)})
    mask = 1 / (1 + np.exp(-logits[0, 0]))
    alpha = cv2.resize(mask, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(alpha, 0, 1, dtype=np.float32)


def _errors(alpha: NDArray[np.float32], truth: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The photo's MAE for every pair of levels, from histograms of alpha on the subject and beside it."""
    bins = np.rint(alpha * BINS).astype(np.int64)
    subject = truth >= 128
    inside = np.bincount(bins[subject], minlength=BINS + 1)
    outside = np.bincount(bins[~subject], minlength=BINS + 1)
    values = np.arange(BINS + 1) / BINS
    low, high = np.array(LOW)[:, None, None], np.array(HIGH)[None, :, None]
    spread = np.clip((values - low) / (high - low), 0, 1)
    return ((1 - spread) @ inside + spread @ outside) / truth.size


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a row for each size, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, required=True, metavar="FILE")
    parser.add_argument("--data", type=Path, required=True, metavar="SHARD", help="validation photos")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 288, 320, 352])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers too, for the model card")
    asked = parser.parse_args(arguments)
    if not asked.model.is_file():
        parser.exit(2, f"{asked.model} is not a file.\n")
    try:
        photos = list(samples.read(asked.data))
    except samples.SamplesError as error:
        parser.exit(2, f"{error}\n")
    print("size  maxF   MAE    levels       MAE with them")
    choices = []
    for size in asked.sizes:
        found = choose(asked.model, photos, size)
        choices.append({"size": size, **found._asdict()})
        low, high = found.levels
        print(
            f"{size:4}  {found.max_f:.4f} {found.mae:.4f} {low:.2f} to {high:.2f} {found.levelled_mae:.4f}",
            flush=True,
        )
    if asked.json:
        asked.json.write_text(json.dumps(choices, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
