"""What a request asks for, checked, and the content address of what will be answered."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from rembolt import __version__
from rembolt.errors import UnknownModelError, UsageError
from rembolt.models.store import where
from rembolt.segmenters.opening import model_of
from rembolt.server.settings import words
from rembolt.settings import (
    CutoutOptions,
    InputOptions,
    OutputOptions,
    SessionOptions,
    check_together,
    names_of,
    pick,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rembolt.models.spec import ModelSpec
    from rembolt.server.settings import ServerOptions


class Extras(NamedTuple):
    """What only some dialects ask for.

    Attributes:
        background: a photo to put behind, as a file's bytes.
        region: the part of the photo that the subject is in, as `region_of` reads it.
        megapixels: the photo is made smaller to have no more.
        find_subject: the box around the subject is needed.
    """

    background: bytes | None = None
    region: str | None = None
    megapixels: float | None = None
    find_subject: bool = False


NO_EXTRAS = Extras()


@dataclass(frozen=True)
class Order:
    """One photo to cut out.

    Attributes:
        photo: the file's bytes.
        session: the model, and where the server runs it.
        options: everything else, under canonical names.
        extras: see `Extras`.
        recipe: 16 hexadecimal digits that stand for all that makes the answer, but the photo.
    """

    photo: bytes
    session: SessionOptions
    options: Mapping[str, Any]
    extras: Extras
    recipe: str

    @property
    def address(self) -> str:
        """The content address: the photo's SHA-256 and the recipe, with a hyphen between."""
        return f"{hashlib.sha256(self.photo).hexdigest()}-{self.recipe}"


class Orders:
    """Makes orders of what requests say, within what the server allows.

    Args:
        options: of the service.
        session: its default model, and device, precision and threads of all models.
    """

    def __init__(self, options: ServerOptions, session: SessionOptions) -> None:
        self._options = options
        self._session = replace(session, offline=session.offline or not options.downloads)
        self._allowed = words(options.models)

    @property
    def session(self) -> SessionOptions:
        """The default model, and where it runs."""
        return self._session

    def order(self, photo: bytes, values: Mapping[str, Any], extras: Extras = NO_EXTRAS) -> Order:
        """Check what is asked for.

        Args:
            photo: the file's bytes; not looked at here.
            values: options under canonical names.
            extras: what only some dialects ask for.

        Raises:
            UsageError: an option is out of range or does not go with another.
            UnknownModelError: there is no such model, or it is not to be had on this server.
        """
        most = self._options.max_pixels
        values = {"max_pixels": most, **values}
        asked = {name: values[name] for name in names_of(SessionOptions) if name in values}
        session = replace(self._session, **asked)
        rest = {name: value for name, value in values.items() if name not in asked}
        source, cut, output = pick(InputOptions, rest), pick(CutoutOptions, rest), pick(OutputOptions, rest)
        if source.max_pixels > most:
            raise UsageError(f"max_pixels must be at most {most} on this server, not {source.max_pixels}.")
        check_together(cut, output)
        spec = self._model(session)
        if extras.background is not None and output.background is not None:
            raise UsageError("background and background_file are two backgrounds; give one of them.")
        settled = [asdict(group) for group in (session, source, cut, output)]
        background = extras.background and hashlib.sha256(extras.background).hexdigest()
        parts = [__version__, _fingerprints(spec), settled, extras._replace(background=None), background]
        recipe = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
        return Order(photo, session, rest, extras, recipe)

    def may_use(self, spec: ModelSpec) -> bool:
        """Whether requests may ask for a model."""
        return self._is_named(spec.name) and self._is_in_reach(spec.name, spec)

    def _is_named(self, model: str) -> bool:
        return not self._allowed or model in (self._session.model, *self._allowed)

    def _is_in_reach(self, model: str, spec: ModelSpec) -> bool:
        return model == self._session.model or not self._session.offline or where(spec).path is not None

    def _model(self, session: SessionOptions) -> ModelSpec:
        if not self._is_named(session.model):
            raise UnknownModelError(
                f"model {session.model!r} may not be used here; GET /v1/models lists those that may."
            )
        spec = model_of(session)
        if not self._is_in_reach(session.model, spec):
            raise UnknownModelError(
                f"model {session.model!r} is not on this server; GET /v1/models lists those that are, "
                f"and its operator can add it with `rembolt download {spec.name}`."
            )
        return spec


def _fingerprints(spec: ModelSpec) -> list[str]:
    """What identifies a model's weights: their published digests, else those of the files."""
    published = [asset.hash for asset in spec.assets]
    if all(published):
        return [digest for digest in published if digest]
    path = where(spec).path
    if path is None:
        return [spec.name]
    state = path.stat()
    return [_digest(path, state.st_mtime_ns, state.st_size)]


@lru_cache(maxsize=16)
def _digest(path: Path, _changed: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
