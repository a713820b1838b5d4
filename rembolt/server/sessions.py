"""The models that are loaded, within a budget of memory."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rembolt.engine.session import BATCHING
from rembolt.errors import RemboltError
from rembolt.models.store import where
from rembolt.pipeline import crew
from rembolt.remover import Remover
from rembolt.segmenters.opening import clear_sessions, measured_choice, model_of
from rembolt.server import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rembolt.server.settings import ServerOptions
    from rembolt.settings import SessionOptions

log = logging.getLogger(__name__)

WORKING_MEMORY = 50_000_000
"""Bytes that a loaded model takes beside its weights, about."""

COPIES = 2
"""How often ONNX Runtime holds the weights: as they were read, and packed for its kernels."""

ON_ACCELERATORS = 8
"""Photos worked on at a time where another device runs the network, so that batches come about."""


LARGE = 300_000_000
"""Bytes of weights from which on there is one session, with all cores, for both."""

UNUSED = 10.0
"""Seconds after which, under load, the session for photos that are alone is let go."""

ALONE_AGAIN = 3
"""Photos that were alone, one after the other, until it is loaded again."""


@dataclass
class _Loaded:
    """A model.

    Attributes:
        session: its options.
        beside_others: for photos that share the cores.
        alone: for a photo that has all of them; None under load, when its memory is better free.
        bytes: of memory, about.
        used_alone: when `alone` was last lent, by the monotonic clock.
        lone: photos in a row that would have used it.
    """

    session: SessionOptions
    beside_others: Remover
    alone: Remover | None
    bytes: int
    used_alone: float = field(default_factory=time.monotonic)
    lone: int = 0


class Sessions:
    """Lends removers: one that uses all cores to a photo that is alone, else one that keeps to its share.

    Both have a session with memory of its own. Under load the first is let go, as nothing is alone then.

    Args:
        options: of the service; `workers` and `session_memory` are used.
        default: the session options that hold for the default model.
    """

    def __init__(self, options: ServerOptions, default: SessionOptions) -> None:
        self._options = options
        self._default = default
        self._crew = crew(options.workers, default.threads, measured_choice(default))
        self._loaded: OrderedDict[tuple[Any, ...], _Loaded] = OrderedDict()
        self._lock = threading.Lock()
        self._lent = 0

    def open(self) -> int:
        """Load the default model and run it once.

        Returns:
            How many photos are worked on at a time.

        Raises:
            ModelError, DeviceError: it cannot be used.
        """
        loaded = self._get(self._default)
        photo = np.full((64, 64, 3), 128, np.uint8)
        loaded.beside_others.cutout(photo)
        if loaded.alone is not None and loaded.alone is not loaded.beside_others:
            loaded.alone.cutout(photo)
        if loaded.beside_others.device in BATCHING and self._options.workers is None:
            return max(self._crew.workers, ON_ACCELERATORS)
        return self._crew.workers

    @contextmanager
    def lend(self, session: SessionOptions) -> Iterator[Remover]:
        """Lend a remover for one photo.

        Raises:
            ModelError, DeviceError: the model cannot be used.
        """
        loaded = self._get(session)
        with self._lock:
            self._lent += 1
            metrics.at_work.set(self._lent)
            remover = self._choose(loaded, alone=self._lent == 1)
        try:
            yield remover
        finally:
            with self._lock:
                self._lent -= 1
                metrics.at_work.set(self._lent)

    def _choose(self, loaded: _Loaded, *, alone: bool) -> Remover:
        """The remover for a photo; `_lock` is held."""
        now = time.monotonic()
        if not alone:
            loaded.lone = 0
            if loaded.alone not in (None, loaded.beside_others) and now - loaded.used_alone > UNUSED:
                loaded.alone = None
                clear_sessions()
            return loaded.beside_others
        loaded.used_alone = now
        if loaded.alone is not None:
            return loaded.alone
        loaded.lone += 1
        if loaded.lone == ALONE_AGAIN:
            threading.Thread(
                target=self._load_alone, args=(loaded,), name="rembolt-alone", daemon=True
            ).start()
        return loaded.beside_others

    def _load_alone(self, loaded: _Loaded) -> None:
        """Load the session for photos that are alone again; until then they take the other."""
        values = asdict(loaded.session)
        try:
            remover = Remover(values.pop("model"), **values)
        except RemboltError as error:
            log.warning("model %s stays with one session: %s", loaded.session.model, error)
            return
        with self._lock:
            loaded.alone, loaded.used_alone = remover, time.monotonic()

    def _get(self, session: SessionOptions) -> _Loaded:
        key = astuple(session)
        with self._lock:
            if key in self._loaded:
                self._loaded.move_to_end(key)
                return self._loaded[key]
        loaded = self._load(session)  # the process-wide cache of sessions builds each once
        with self._lock:
            self._loaded[key] = loaded
            self._make_room()
            metrics.sessions.set(len(self._loaded))
        return loaded

    def _load(self, session: SessionOptions) -> _Loaded:
        values = asdict(session)
        alone = Remover(values.pop("model"), **values)
        weights = where(model_of(session)).size
        one = self._crew.workers == 1 or weights >= LARGE
        beside_others = alone if one else alone.with_threads(self._crew.threads)
        count = 1 if beside_others is alone else 2
        return _Loaded(session, beside_others, alone, count * (COPIES * weights + WORKING_MEMORY))

    def _make_room(self) -> None:
        """Let the models go that were unused for longest, but not the last one."""
        before = len(self._loaded)
        while len(self._loaded) > 1 and self._bytes > self._options.session_memory:
            _, gone = self._loaded.popitem(last=False)
            log.info("model %s is let go, to keep to session_memory.", gone.session.model)
        if len(self._loaded) < before:
            clear_sessions()  # it holds on to them too; those still loaded here live on

    @property
    def _bytes(self) -> int:
        return sum(loaded.bytes for loaded in self._loaded.values())
