"""The models that are compared: those of the catalogue, and ONNX files of any origin."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from benchmarks import report, u2netp
from rembolt import Remover
from rembolt.engine.loading import load, session_options
from rembolt.errors import UsageError, WeightsUnavailableError
from rembolt.models.catalogue import find_model
from rembolt.models.spec import Brightness, Head, ModelSpec
from rembolt.setting import settings_of
from rembolt.settings import CutoutOptions

if TYPE_CHECKING:
    import argparse

    import numpy as np
    import numpy.typing as npt
    from PIL import Image

U2NETP = "u2netp"
DEFAULT_MODELS = ("bolt", U2NETP)


class Candidate(NamedTuple):
    """A model that is loaded.

    Attributes:
        name: for tables: the catalogue's name, or the file's.
        spec: how it is fed.
        remover: what runs it.
    """

    name: str
    spec: ModelSpec
    remover: Remover

    def alpha(self, photo: Any) -> npt.NDArray[np.uint8]:
        """The alpha a user gets: `uint8` `(H, W)`, of the photo's size."""
        return self.remover.cutout(photo).alpha

    def mask(self, picture: Image.Image) -> Image.Image:
        """The network's answer before anything is made of it: mode `L`, at the network's own size.

        Args:
            picture: mode `RGB`.
        """
        return self.remover.masks(picture)[0]

    def fed(self) -> dict[str, object]:
        """How the network is fed and its answer read, for JSON."""
        return {**_feeding(self.spec), "precision": self.remover.precision}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which models are compared and how they are fed."""
    parser.add_argument(
        "--models",
        nargs="+",
        default=DEFAULT_MODELS,
        metavar="MODEL",
        help=f"names of the catalogue or ONNX files, default {' '.join(DEFAULT_MODELS)}",
    )
    parser.add_argument(
        "--u2netp", type=Path, metavar="FILE", help="weights of u2netp (default: the store's)"
    )
    parser.add_argument("--threads", type=report.positive, default=2, help="of each network, default 2")
    parser.add_argument("--exact", action="store_true", help="rembg's pixels instead of rembolt's own way")
    parser.set_defaults(refine="none")
    files = parser.add_argument_group("ONNX files that have no JSON file beside them")
    files.add_argument("--size", type=_size, metavar="N|WxH", help="input size (default: the network's own)")
    files.add_argument("--head", choices=get_args(Head), default="minmax", help="default minmax")
    files.add_argument(
        "--levels", type=float, nargs=2, default=(0.0, 1.0), metavar=("LOW", "HIGH"), help="default 0 1"
    )
    files.add_argument(
        "--brightness", choices=get_args(Brightness), default="photo-maximum", help="default photo-maximum"
    )


def add_refine_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag that says what is done to the models' masks."""
    parser.add_argument(
        "--refine",
        choices=settings_of(CutoutOptions)["refine"].choices,
        default="none",
        help="what is done to their masks, default none: the networks are compared",
    )


def open_all(asked: argparse.Namespace) -> list[Candidate]:
    """Load the models that the flags of `add_flags` ask for.

    u2netp is left out, with a word about it, where its weights are not on this machine.

    Raises:
        UsageError: a model does not answer with one mask, or none is left.
        RemboltError: a model cannot be loaded.
        FileNotFoundError: the weights given for u2netp are not there.
    """
    weights = u2netp.find(asked.u2netp)
    models = list(dict.fromkeys(asked.models))
    if U2NETP in models and weights is None:
        models.remove(U2NETP)
        report.note(u2netp.MISSING)
    if not models:
        raise UsageError("there is no model to measure.")
    candidates = []
    with tempfile.TemporaryDirectory() as folder:
        for index, (name, model) in enumerate(zip(report.labels([*map(Path, models)]), models, strict=True)):
            place = Path(folder) / str(index)
            if model == U2NETP and asked.u2netp is not None:
                model = _described(asked.u2netp, _feeding(find_model(U2NETP)), place)
            elif model.lower().endswith(".onnx") and not Path(model).with_suffix(".json").exists():
                model = _described(Path(model), _wishes(asked, Path(model)), place)
            candidates.append(_open(name, model, asked))
    return candidates


def _open(name: str, model: str, asked: argparse.Namespace) -> Candidate:
    spec = find_model(model)
    if spec.family != "saliency":
        raise UsageError(f"{name} does not answer with one mask, so there is nothing to compare.")
    # What came with the package, or its own precision: of others, auto may have learnt of a faster one.
    precision = "auto" if spec.embedded else spec.precision
    remover = Remover(
        model, precision=precision, threads=asked.threads, exact=asked.exact, refine=asked.refine
    )
    return Candidate(name, spec, remover)


def _described(network: Path, feeding: dict[str, object], folder: Path) -> str:
    """Copy a network into `folder` and put beside it the JSON file that says how it is fed."""
    _require(network)
    folder.mkdir()
    copy = folder / network.name
    shutil.copyfile(network, copy)
    copy.with_suffix(".json").write_text(json.dumps(feeding), encoding="utf-8")
    return str(copy)


def _feeding(spec: ModelSpec) -> dict[str, object]:
    """What a row of the catalogue says, as a JSON file would."""
    keys = ("input_size", "mean", "std", "head", "levels", "brightness")
    return {key: getattr(spec, key) for key in keys}


def _wishes(asked: argparse.Namespace, network: Path) -> dict[str, object]:
    """What the flags say, as a JSON file would."""
    return {
        "input_size": asked.size or _own_size(network),
        "head": asked.head,
        "levels": asked.levels,
        "brightness": asked.brightness,
    }


def _own_size(network: Path) -> tuple[int, int]:
    _require(network)
    inner = load(network, session_options(1), ["CPUExecutionProvider"])
    shape = inner.get_inputs()[0].shape
    sides = [side for side in shape[2:] if isinstance(side, int)]
    if len(shape) != 4 or len(sides) != 2:
        raise UsageError(f"{network.name} takes {shape}, so say with --size what it is to be fed.")
    height, width = sides
    return width, height


def _require(network: Path) -> None:
    if not network.is_file():
        raise WeightsUnavailableError(f"There is no network at {network}.")


def _size(text: str) -> tuple[int, int]:
    """Read `320` or `320x240`, for argparse."""
    return report.size(text if "x" in text else f"{text}x{text}")
