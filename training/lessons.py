"""What a teacher answers to scenes of the training photos: its mask, and what it sees inside.

    python -m training.lessons --data ../shared/data --model u2netp.onnx --out ../lessons --features 183 205

A network that has learnt for weeks knows more of a photo than which pixels are the subject, and a small one
learns faster when it is shown that too (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015;
Romero et al., "FitNets: Hints for Thin Deep Nets", ICLR 2015). Every photo gives some scenes, drawn as for a
training. Teacher and pupil see the same (Beyer et al., "Knowledge distillation: A good teacher is patient and
consistent", CVPR 2022), but for light and colours, which change only for the pupil.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.report import positive
from rembolt.errors import RemboltError
from rembolt.images.files import write_atomically
from training.augment import resized, scene
from training.photos import load
from training.recipe import SMALLEST, WHOLE, Views
from training.teacher import Teacher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.augment import Bytes
    from training.photos import Photo
    from training.teacher import Answer

SETTINGS = "lessons.json"
MASKS = "masks.npy"

STEADY = 1e-3
"""Least deviation by which a channel is divided: one that never changes teaches nothing."""


class Answers(NamedTuple):
    """A teacher's answers to a batch of scenes.

    Attributes:
        masks: `uint8` `(B, S, S)`, 255 for the subject.
        features: of each layer `float32` `(B, C, s, s)`, every channel with mean 0 and deviation 1.
    """

    masks: NDArray[np.uint8]
    features: tuple[NDArray[np.float32], ...]


class Lessons:
    """Folders of answers, read where they are needed.

    Args:
        folders: what `write` wrote, one or more: about the same photos, by the same teacher.

    Raises:
        FileNotFoundError: one is not there, or incomplete.
        ValueError: the settings of one cannot be read, or they do not fit together.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._volumes = [_Volume(folder) for folder in folders]
        first = self._volumes[0]
        for volume, folder in zip(self._volumes, folders, strict=True):
            if (volume.sets, volume.photos, volume.layers) != (first.sets, first.photos, first.layers):
                raise ValueError(
                    f"the lessons in {folder} are about {volume.photos} photos of {volume.sets} and layers "
                    f"{volume.layers}, and those in {folders[0]} about {first.photos} of {first.sets} and "
                    f"{first.layers}: only the like can be learnt together."
                )
        self.sets = first.sets
        self._scenes = [(volume, number) for volume in self._volumes for number in range(volume.scenes)]

    def __len__(self) -> int:
        """How many photos were shown."""
        return self._volumes[0].photos

    @property
    def channels(self) -> tuple[int, ...]:
        """Of each layer, from the input to the output."""
        return tuple(layer.shape[1] for layer in self._volumes[0].features)

    @property
    def kinds(self) -> list[dict[str, Any]]:
        """Of each folder how many scenes of a photo it holds, and how they were drawn."""
        return [
            {"scenes": volume.scenes, "seed": volume.seed, "views": asdict(volume.views)}
            for volume in self._volumes
        ]

    def scene(self, photos: Sequence[Photo], epoch: int, index: int, size: int) -> tuple[Bytes, Bytes]:
        """Draw what the pupil sees of a photo in an epoch: scene after scene, then the first again.

        Never their mirror images: what a teacher sees in those is not what it saw, mirrored.

        Args:
            photos: those that the teacher was shown.
            epoch: from 0.
            index: of the photo.
            size: side of the scene in pixels.

        Returns:
            RGB `(S, S, 3)` and mask `(S, S)`, both `uint8`.
        """
        volume, number = self._turn(epoch, index)
        return scene(_random(volume.seed, number, index), photos, index, size, volume.views)

    def answers(self, seen: Sequence[tuple[int, int]], size: int) -> Answers:
        """Look up the answers to some scenes.

        Args:
            seen: epoch and photo of each.
            size: of the masks.
        """
        found = [(*self._turn(epoch, index), index) for epoch, index in seen]
        rows = [(volume, number * len(self) + index) for volume, number, index in found]
        # By the first folder's, in all of them: the same answer is to be the same number.
        statistics = enumerate(self._volumes[0].statistics)
        return Answers(
            np.stack([resized(volume.masks[row], size) for volume, row in rows]),
            tuple(
                (np.stack([volume.features[layer][row] for volume, row in rows]) - mean)
                / np.maximum(deviation, STEADY)
                for layer, (mean, deviation) in statistics
            ),
        )

    def _turn(self, epoch: int, index: int) -> tuple[_Volume, int]:
        """Whose turn it is; photos begin with different scenes, so that a batch has some of every kind."""
        return self._scenes[(epoch + index) % len(self._scenes)]


class _Volume:
    """What one folder holds: its settings, and the arrays."""

    def __init__(self, folder: Path) -> None:
        path = folder / SETTINGS
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            self.sets = tuple(found["sets"])
            self.views = Views(**found["views"])
            self.seed: int = found["seed"]
            self.scenes: int = found["scenes"]
            self.layers = tuple(found["layers"])
            self.statistics = [np.array(layer, np.float32)[..., None, None] for layer in found["statistics"]]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} says nothing of lessons: {error}") from error
        self.masks = np.load(folder / MASKS, mmap_mode="r")
        self.features = [np.load(_layer(folder, number), mmap_mode="r") for number in range(len(self.layers))]
        self.photos = len(self.masks) // self.scenes


def write(
    folder: Path, model: Path, layers: Sequence[str], photos: Sequence[Photo], settings: dict[str, Any]
) -> None:
    """Show every photo's scenes to a teacher and keep its answers.

    Args:
        folder: for the answers.
        model: as for `Teacher`.
        layers: as for `Teacher`: those that are kept.
        photos: which.
        settings: `sets`, `views`, `size`, `seed` and `scenes`, how many of each photo.

    Raises:
        ValueError: as for `Teacher`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    teacher = Teacher(model, layers)
    views, size = Views(**settings["views"]), settings["size"]
    shown = len(photos) * settings["scenes"]

    def ask(row: int) -> Answer:
        number, index = divmod(row, len(photos))
        picture, _ = scene(_random(settings["seed"], number, index), photos, index, size, views)
        return teacher.ask(picture)

    masks = _array(folder / MASKS, np.uint8, (shown, size, size))
    features = [
        _array(_layer(folder, number), np.float16, (shown, *layer.shape))
        for number, layer in enumerate(ask(0).features)
    ]

    def keep(row: int) -> None:
        masks[row], inside = ask(row)
        for kept, layer in zip(features, inside, strict=True):
            kept[row] = layer

    # A scene a core is faster than every core at the same scene.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, _ in enumerate(pool.map(keep, range(shown)), 1):
            if done % 500 == 0:
                print(f"{done} of {shown}", flush=True)
    described = settings | {"model": model.name, "layers": list(layers)}
    described["statistics"] = [list(_statistics(layer)) for layer in features]
    write_atomically(folder / SETTINGS, json.dumps(described, indent=2).encode() + b"\n")


def _random(seed: int, number: int, index: int) -> Generator:
    """Where the chance comes from that draws a photo's scene of that number."""
    return np.random.default_rng((seed, number, index))


def _statistics(layer: NDArray[np.float16]) -> Iterator[list[float]]:
    """Mean and deviation of each channel, from at most a thousand scenes."""
    some = layer[:: max(1, len(layer) // 1000)].astype(np.float32)
    for value in (some.mean((0, 2, 3)), some.std((0, 2, 3))):
        yield [float(f"{number:.6g}") for number in value]


def _array(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    return np.lib.format.open_memmap(path, "w+", dtype, shape)


def _layer(folder: Path, number: int) -> Path:
    return folder / f"features-{number}.npy"


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask a teacher, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="where the tar shards are")
    parser.add_argument("--model", type=Path, required=True, metavar="FILE", help="the teacher, ONNX")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="for its answers")
    parser.add_argument("--features", nargs="*", default=[], metavar="TENSOR", help="inside it, to keep too")
    parser.add_argument("--sets", nargs="+", default=["duts-train", "people-train"], metavar="FAMILY")
    parser.add_argument("--studio", type=float, default=0.2, help="share of the made backgrounds")
    parser.add_argument("--close-up", type=float, default=0.3, help="share of the close-ups")
    parser.add_argument("--whole", type=float, default=WHOLE, help="share of the others that is seen whole")
    parser.add_argument("--smallest", type=float, default=SMALLEST, help="least side of a part of the rest")
    parser.add_argument("--scenes", type=positive, default=2, help="of each photo")
    parser.add_argument("--size", type=positive, default=256, help="side of the scenes in pixels")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args(arguments)
    try:
        settings = {
            "sets": asked.sets,
            "views": asdict(Views(asked.studio, asked.close_up, asked.whole, asked.smallest)),
            "size": asked.size,
            "seed": asked.seed,
            "scenes": asked.scenes,
        }
        write(asked.out, asked.model, asked.features, load(asked.data, asked.sets), settings)
    except (RemboltError, OSError, ValueError) as error:
        parser.exit(2, f"{error}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
