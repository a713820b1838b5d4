"""What a network knows by heart, and what it makes of scenes and of photos that it has not seen.

    python -m training.gap --run ../runs/mine --data ../data --lessons ../lessons --teacher u2netp.onnx

Where it does no better on new scenes of the photos it was trained on than on new photos, it was shown too few
scenes; where the lessons are no better either, it has yet to learn. How far it is from its teacher on new
photos says how much of the teacher it took over.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from benchmarks.report import positive
from rembolt.errors import RemboltError
from training import recipe as recipes
from training.augment import scene
from training.lessons import Lessons
from training.measure import normalise
from training.network import Bolt
from training.photos import load
from training.teacher import Teacher

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from training.augment import Bytes
    from training.photos import Photo

SIZE = 256
SEED = 1
"""Of the new scenes: any that no lessons were drawn with."""

FOUND = 0.6
"""Alpha, in [0, 1], from which a pixel counts as found: the middle of the levels in use."""


class Knowledge(NamedTuple):
    """How near a network's answers come, on average over scenes.

    Attributes:
        mae: mean absolute error of the alpha, in [0, 1].
        iou: of what is found and what is there; 1 where nothing is, and nothing is found.
    """

    mae: float
    iou: float


def known(network: Bolt, scenes: Iterable[tuple[Bytes, Bytes]]) -> Knowledge:
    """Ask a network about scenes.

    Args:
        network: in evaluation mode.
        scenes: RGB `(S, S, 3)` and mask `(S, S)`, both `uint8`.
    """
    errors, shares = [], []
    for picture, mask in scenes:
        image = normalise(torch.from_numpy(np.ascontiguousarray(picture))[None])
        with torch.inference_mode():
            alpha = network(image)[0, 0].sigmoid().numpy()
        errors.append(np.abs(alpha - mask / 255).mean())
        found, there = alpha > FOUND, mask > 127
        either = (found | there).sum()
        shares.append((found & there).sum() / either if either else 1.0)
    return Knowledge(float(np.mean(errors)), float(np.mean(shares)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a row for each kind of scene, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--run", type=Path, required=True, metavar="FOLDER", help="what training.train wrote")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="where the tar shards are")
    parser.add_argument(
        "--lessons",
        type=Path,
        nargs="+",
        required=True,
        metavar="FOLDER",
        help="those it was taught with",
    )
    parser.add_argument("--teacher", type=Path, metavar="FILE", help="ONNX: how far from its masks, too")
    parser.add_argument("--photos", type=positive, default=500, help="so many of each kind")
    asked = parser.parse_args(arguments)
    try:
        recipe = recipes.read(asked.run / "recipe.json")
        lessons = Lessons(asked.lessons)
        photos = load(asked.data, lessons.sets)
        if len(lessons) != len(photos):
            raise ValueError(f"the lessons are about {len(lessons)} photos, and there are {len(photos)}.")
        others = load(asked.data, [recipe.validation], most=asked.photos)
        network = Bolt().eval()
        weights = torch.load(asked.run / "weights.pt", weights_only=True, map_location="cpu")
        network.load_state_dict(weights)
        teacher = Teacher(asked.teacher, ()) if asked.teacher else None
    except (RemboltError, OSError, ValueError, RuntimeError) as error:
        parser.exit(2, f"{error}\n")
    some = np.random.default_rng(SEED).permutation(len(photos))[: asked.photos].tolist()

    def new(shown: Sequence[Photo], index: int) -> tuple[Bytes, Bytes]:
        return scene(np.random.default_rng((SEED, index)), shown, index, SIZE, recipe.views)

    kinds = {
        "lessons": (lessons.scene(photos, index, index, SIZE) for index in some),
        "new scenes, same photos": (new(photos, index) for index in some),
        f"new photos ({recipe.validation})": (new(others, index) for index in range(len(others))),
    }
    for name, drawn in kinds.items():
        scenes = list(drawn)
        mae, iou = known(network, scenes)
        row = f"{name:30} MAE {mae:.4f}  IoU {iou:.4f}"
        if teacher:
            taught = known(network, ((picture, teacher.ask(picture).mask) for picture, _ in scenes))
            row += f"  from the teacher's masks: MAE {taught.mae:.4f}  IoU {taught.iou:.4f}"
        print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
