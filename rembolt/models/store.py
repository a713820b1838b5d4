"""Finds a model's weights on this machine, or downloads them.

Folders are looked through in this order, and a model counts as there when all its files lie in one of them:

1. the package itself, for the embedded model;
2. `REMBOLT_HOME/models/<folder>/`, the only place rembolt writes to;
3. rembg's folders, which are read and never written: `REMBG_HOME` and `U2NET_HOME`, then its defaults
   (`$XDG_DATA_HOME/rembg`, `~/.rembg`, `$XDG_DATA_HOME/.u2net`, `~/.u2net`), each as `models/<folder>/` and
   flat.

The environment is read at each call.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rembolt.errors import UnknownModelError, UsageError, WeightsUnavailableError
from rembolt.models import licence, verified
from rembolt.models.catalogue import find_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rembolt.models.progress import Progress
    from rembolt.models.spec import Asset, ModelSpec

EMBEDDED = Path(__file__).parent / "weights"
_TRUE = ("1", "true", "yes", "on")


class Whereabouts(NamedTuple):
    """Where a model's weights are.

    Attributes:
        path: the network's file; None when it is not on this machine.
        size: bytes of all its files, on disk where it was found, else as the catalogue says (0: unknown).
    """

    path: Path | None
    size: int


def home() -> Path:
    """Give rembolt's own folder: `REMBOLT_HOME`, else the user's data folder."""
    own = os.environ.get("REMBOLT_HOME")
    if own:
        return _absolute(own)
    from platformdirs import user_data_dir

    return Path(user_data_dir("rembolt", appauthor=False))


def folders(spec: ModelSpec) -> tuple[Path, ...]:
    """Give the folders in which `spec` is looked for, best first; they need not exist."""
    if spec.embedded:
        return (EMBEDDED,)
    if spec.path is not None:
        return (spec.path.parent,)
    candidates = [home() / "models" / spec.folder]
    for root in rembg_homes():
        candidates += [root / "models" / spec.folder, root]
    return tuple(dict.fromkeys(candidates))


def where(spec: ModelSpec) -> Whereabouts:
    """Give where `spec` is and how large, for a list of models; checks no hash and never fails."""
    paths = _found(spec)
    if not paths:
        return Whereabouts(None, spec.size)
    try:
        return Whereabouts(paths[0], sum(path.stat().st_size for path in paths))
    except OSError:
        return Whereabouts(None, spec.size)


def is_offline(offline: bool | None = None) -> bool:
    """Whether downloads are forbidden: by the argument, else by `REMBOLT_OFFLINE` (1, true, yes or on)."""
    if offline is not None:
        return offline
    return os.environ.get("REMBOLT_OFFLINE", "").strip().lower() in _TRUE


def weights(
    spec: ModelSpec, *, offline: bool | None = None, progress: Progress | None = None
) -> tuple[Path, ...]:
    """Find or download all files of a model and check them.

    Args:
        spec: the model.
        offline: True forbids downloading, False allows it; None asks `REMBOLT_OFFLINE`.
        progress: called while downloading; None shows progress on stderr.

    Returns:
        One path for each asset of the model, in its order; all lie in one folder.

    Raises:
        BrokenWeightsError: a file that was found is not the published one.
        MissingExtraError: the weights are converted here and the converter is not installed.
        UnknownModelError: the model is a web service.
        UsageError: the model needs the user's own file (`model_path`), or a mirror's address is not one.
        WeightsUnavailableError: not on this machine and not to be downloaded.
    """
    if spec.family == "service":
        raise UnknownModelError(
            f"{spec.name} sends photos to a paid web service, which rembolt does not do;"
            " choose a local model."
        )
    if spec.path is None and spec.needs_path:
        raise UsageError(f"{spec.name} needs the path of your own network (model_path).")
    licence.announce(spec)
    paths = _found(spec)
    if not paths:
        if spec.embedded or spec.path is not None:
            missing = folders(spec)[0] / spec.assets[0].file
            raise WeightsUnavailableError(f"The weights of {spec.name} are not at {missing}.")
        paths = _obtain(spec, offline=is_offline(offline), progress=progress)
    for asset, path in zip(spec.assets, paths, strict=True):
        if asset.hash is not None:
            verified.check(path, asset.hash, home())
    return paths


def _found(spec: ModelSpec) -> tuple[Path, ...]:
    if not spec.assets:
        return ()
    for folder in folders(spec):
        paths = tuple(folder / asset.file for asset in spec.assets)
        if all(_is_there(path) for path in paths):
            return paths
    return ()


def _obtain(spec: ModelSpec, *, offline: bool, progress: Progress | None) -> tuple[Path, ...]:
    folder = folders(spec)[0]
    if spec.converted_from is not None:
        from rembolt.models.convert import convert_to_fp16, require_converter

        # Asked first: nobody should wait for a gigabyte to learn that a package is missing.
        require_converter(spec.name)
        try:
            source = weights(find_model(spec.converted_from), offline=offline, progress=progress)[0]
        except WeightsUnavailableError as error:
            raise WeightsUnavailableError(
                f"{spec.name} is made from {spec.converted_from}: {error}"
            ) from error
        return (convert_to_fp16(source, folder / spec.assets[0].file),)
    missing = [asset for asset in spec.assets if not _is_there(folder / asset.file)]
    if offline:
        raise WeightsUnavailableError(_offline_sentence(spec, missing))
    from rembolt.models.progress import default_progress

    with nullcontext(progress) if progress is not None else default_progress() as shown:
        for asset in missing:
            _fetch(asset, folder, spec.name, shown)
    return tuple(folder / asset.file for asset in spec.assets)


def _fetch(asset: Asset, folder: Path, model: str, progress: Progress) -> None:
    from rembolt.models.download import download

    if asset.parts:
        from rembolt.models.convert import join_parts

        join_parts(asset, folder, lambda part: _fetch(part, folder, model, progress))
        return
    if asset.source is None:
        raise WeightsUnavailableError(f"{asset.file} of {model} cannot be downloaded.")
    target = folder / asset.file
    expected = None if verified.checks_disabled() else asset.hash
    mine = download(asset.source, target, expected=expected, size=asset.size, progress=progress)
    if mine and expected is not None:
        verified.remember(target, expected, home())


def _offline_sentence(spec: ModelSpec, missing: list[Asset]) -> str:
    places = [str(folder) for folder in folders(spec)]
    files = ", ".join(asset.file for asset in missing)
    return (
        f"The weights of {spec.name} are not on this machine and downloading is switched off: run"
        f" `rembolt download {spec.name}` once while online, or put {files} into {places[0]}"
        f" (looked in {', '.join(places)})."
    )


def rembg_homes() -> Iterator[Path]:
    """Give the folders that rembg would keep weights in, new and old, best first; they need not exist."""
    for name in ("REMBG_HOME", "U2NET_HOME"):
        if value := os.environ.get(name):
            yield _absolute(value)
    data = os.environ.get("XDG_DATA_HOME")
    if data:
        yield _absolute(data) / "rembg"
    yield _absolute("~/.rembg")
    if data:
        yield _absolute(data) / ".u2net"
    yield _absolute("~/.u2net")


def _absolute(path: str) -> Path:
    # os.path leaves "~" alone where there is no home; pathlib would raise.
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111


def _is_there(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size > 0
    except OSError:
        return False
