"""Models that users bring themselves: an ONNX file and, beside it, a JSON file that says how it is fed."""

from __future__ import annotations

import json
import math
import reprlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

from rembolt.errors import UsageError, WeightsUnavailableError
from rembolt.models.catalogue import ALIASES, MODELS
from rembolt.models.spec import Asset, Brightness, Head, ModelSpec

if TYPE_CHECKING:
    from os import PathLike

_T = TypeVar("_T", bound=str)

_KEYS: Final = ("input_size", "mean", "std", "head", "levels", "brightness", "name", "licence")
_LARGEST_SIDE: Final = 8192
_LARGEST_SIDECAR: Final = 1 << 16
_NEAREST_LEVELS: Final = 0.01
_EXAMPLE: Final = (
    '{"input_size": 320, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],'
    ' "head": "minmax", "brightness": "photo-maximum"}'
)


def custom_model(path: str | PathLike[str]) -> ModelSpec:
    """Describe the user's network from the JSON file beside it, `<stem>.json`.

    `input_size` (pixels: one number, or width and height) must be given. `mean` and `std` (three numbers
    each) default to ImageNet's, `head` to `minmax`, `levels` to `[0, 1]`, `brightness` to `photo-maximum`,
    `name` to the file's name.

    Args:
        path: the ONNX file.

    Raises:
        UsageError: the JSON file is missing or says something wrong; the message says what to write.
        WeightsUnavailableError: the ONNX file is not there.
    """
    network = _existing(path)
    sidecar = network.with_suffix(".json")
    wishes = _read(sidecar)
    for key in wishes:
        if key not in _KEYS:
            raise UsageError(f"{sidecar}: there is no key {reprlib.repr(key)};{_nearest(key, _KEYS)}")
    if "input_size" not in wishes:
        raise UsageError(f"{sidecar}: input_size is missing; a whole file looks like {_EXAMPLE}")
    name = _text(sidecar, wishes, "name", network.name)
    if name in MODELS or name in ALIASES:
        raise UsageError(f"{sidecar}: name {name!r} belongs to a model of the catalogue; choose another.")
    return ModelSpec(
        name=name,
        title=f"Your own network, {network.name}",
        assets=(Asset(file=network.name, source=None, hash=None, size=network.stat().st_size),),
        input_size=_input_size(sidecar, wishes["input_size"]),
        mean=_triple(sidecar, wishes, "mean", (0.485, 0.456, 0.406)),
        std=_triple(sidecar, wishes, "std", (0.229, 0.224, 0.225)),
        brightness=_choice(sidecar, wishes, "brightness", get_args(Brightness), "photo-maximum"),
        head=_choice(sidecar, wishes, "head", get_args(Head), "minmax"),
        levels=_levels(sidecar, wishes),
        licence=_text(sidecar, wishes, "licence", "as its owner says"),
        path=network,
    )


def with_path(spec: ModelSpec, path: str | PathLike[str] | None) -> ModelSpec:
    """Give a row that needs the user's file (`u2net_custom`, `dis_custom`, `ben_custom`) that file.

    Any path is accepted: whoever takes one from a stranger has to check it first.

    Args:
        spec: the catalogue's row.
        path: the ONNX file; rembg calls it `model_path`.

    Raises:
        UsageError: `path` is None, or the row does not take one.
        WeightsUnavailableError: the file is not there.
    """
    if not spec.needs_path:
        raise UsageError(f"{spec.name} has weights of its own; model_path is for the …_custom models.")
    if path is None:
        raise UsageError(f"{spec.name} needs the path of your own network (model_path).")
    network = _existing(path)
    asset = Asset(file=network.name, source=None, hash=None, size=network.stat().st_size)
    return replace(spec, assets=(asset,), path=network)


def _existing(path: str | PathLike[str]) -> Path:
    try:
        network = Path(path).expanduser().absolute()
        there = network.is_file()
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsUnavailableError(f"{path!r} is not a usable path ({error}).") from error
    if not there:
        raise WeightsUnavailableError(f"There is no network at {network}.")
    return network


def _read(sidecar: Path) -> dict[str, Any]:
    try:
        with sidecar.open("rb") as file:
            content = file.read(_LARGEST_SIDECAR + 1)
    except FileNotFoundError as error:
        raise UsageError(
            f"{sidecar} is missing; write into it how your network is fed: {_EXAMPLE}"
        ) from error
    except OSError as error:
        raise UsageError(f"{sidecar} cannot be read ({error.strerror or error}).") from error
    if len(content) > _LARGEST_SIDECAR:
        raise UsageError(f"{sidecar} is too large to be what is meant; it looks like {_EXAMPLE}")
    try:
        wishes = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{sidecar} is not JSON ({error}); it looks like {_EXAMPLE}") from error
    if not isinstance(wishes, dict):
        raise UsageError(f"{sidecar} must hold an object; it looks like {_EXAMPLE}")
    return wishes


def _input_size(sidecar: Path, value: object) -> tuple[int, int]:
    sides = value if isinstance(value, list) else [value, value]
    pixels = [side for side in sides if type(side) is int and 1 <= side <= _LARGEST_SIDE]
    if len(sides) == len(pixels) == 2:
        return (pixels[0], pixels[1])
    raise UsageError(f"{sidecar}: input_size must be pixels from 1 to {_LARGEST_SIDE}, or [width, height].")


def _triple(
    sidecar: Path, wishes: dict[str, Any], key: str, default: tuple[float, float, float]
) -> tuple[float, float, float]:
    if key not in wishes:
        return default
    value = wishes[key]
    if isinstance(value, list) and len(value) == 3 and all(_is_number(number) for number in value):
        red, green, blue = (float(number) for number in value)
        if key != "std" or min(red, green, blue) > 0:
            return (red, green, blue)
    positive = " above 0" if key == "std" else ""
    raise UsageError(f"{sidecar}: {key} must be three numbers{positive}, for red, green and blue.")


def _levels(sidecar: Path, wishes: dict[str, Any]) -> tuple[float, float]:
    value = wishes.get("levels", [0.0, 1.0])
    if isinstance(value, list) and len(value) == 2 and all(_is_number(number) for number in value):
        low, high = (float(number) for number in value)
        if low >= 0 and high <= 1 and high - low >= _NEAREST_LEVELS:
            return (low, high)
    raise UsageError(
        f"{sidecar}: levels must be two numbers from 0 to 1, the second larger by {_NEAREST_LEVELS}."
    )


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= 1e6 and math.isfinite(value)


def _choice(sidecar: Path, wishes: dict[str, Any], key: str, choices: tuple[_T, ...], default: _T) -> _T:
    value = wishes.get(key, default)
    for choice in choices:
        if value == choice:
            return choice
    raise UsageError(f"{sidecar}: {key} cannot be {reprlib.repr(value)};{_nearest(str(value), choices)}")


def _text(sidecar: Path, wishes: dict[str, Any], key: str, default: str) -> str:
    value = wishes.get(key, default)
    if isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= 200:
        return value
    raise UsageError(f"{sidecar}: {key} must be a short text.")


def _nearest(word: str, choices: tuple[str, ...]) -> str:
    import difflib

    near = difflib.get_close_matches(word.lower(), choices, n=1, cutoff=0.5)
    return f" did you mean {near[0]!r}?" if near else f" there are {', '.join(choices)}."
