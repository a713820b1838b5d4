"""One model, the whole way: runtime and precision, then threads, then photos at a time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rembolt.bench.alternate import seconds as seconds_of
from rembolt.cores import usable_cores
from rembolt.engine.processor import this_processor
from rembolt.engine.threads import threads_asked_for
from rembolt.errors import RemboltError, UsageError
from rembolt.images.memory import keep_for
from rembolt.models.store import weights
from rembolt.pipeline import Crew, crew
from rembolt.profile import Choice
from rembolt.segmenters.opening import model_of
from rembolt.segmenters.placing import FAMILIES
from rembolt.tune.fidelity import LIMIT, answers, difference, tensors
from rembolt.tune.rounds import best_of, measured
from rembolt.tune.ways import Way, crews, thread_counts, ways
from rembolt.tune.whole_photo import seconds_a_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rembolt.engine.session import Session
    from rembolt.models.spec import ModelSpec
    from rembolt.settings import SessionOptions

SHARES = (0.4, 0.25, 0.35)
"""Of the time: for runtimes and precisions, for threads, for photos at a time."""

DEFAULT = "default"


class Show(Protocol):
    """Called again and again while something is measured."""

    def __call__(self, doing: str, share: float, /) -> None:
        """Take note of what is going on and how much of the time is over, from 0 to 1."""


class Tuned(NamedTuple):
    """What was found for one model.

    Attributes:
        path: its weights.
        choice: what was best.
        remarks: sentences on what was not measured.
    """

    path: Path
    choice: Choice
    remarks: list[str]


def target(options: SessionOptions) -> tuple[ModelSpec, Path]:
    """The model to be tuned and its weights, which are downloaded where they are missing.

    Raises:
        UsageError: it is one that cannot be tuned.
        ModelError: see `rembolt.segmenters.opening`.
    """
    spec = model_of(options)
    if spec.family not in FAMILIES:
        raise UsageError(f"{spec.name} needs more than one network, which tune cannot measure; leave it out.")
    return spec, weights(spec, offline=True if options.offline else None)[0]


def tune(spec: ModelSpec, path: Path, seconds: float, show: Show) -> Tuned:
    """Measure one model on the CPU in about `seconds`.

    Raises:
        RemboltError: the model does not run at all.
    """
    return _Tuning(spec, path, seconds, show).run()


class _Tuning:
    def __init__(self, spec: ModelSpec, path: Path, seconds: float, show: Show) -> None:
        self._spec, self._path, self._seconds, self._show = spec, path, seconds, show
        self._start = time.monotonic()
        self._rows: list[dict[str, Any]] = []
        self._remarks: list[str] = []

    def run(self) -> Tuned:
        way, took = self._way()
        own = self._spec.precision
        choice = Choice(
            self._spec.name,
            runtime=way.runtime if way.runtime != "onnxruntime" else None,
            precision=way.precision if way.precision != own else None,
            measured=self._rows,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        asked = threads_asked_for(None)
        if asked is not None:
            self._remarks.append(
                f"OMP_NUM_THREADS asks for {asked} threads: no other number was measured; unset it for that."
            )
            return Tuned(self._path, choice, self._remarks)
        choice = choice._replace(threads=self._threads(way))
        best = self._crew(way, took)
        if best is not None:
            choice = choice._replace(workers=best.workers, worker_threads=best.threads)
        return Tuned(self._path, choice, self._remarks)

    def _way(self) -> tuple[Way, float]:
        """The best runtime and precision, and the seconds that it takes."""
        self._tell("runtimes and precisions")
        photos = tensors(self._spec)
        tried = ways(self._spec, self._path, this_processor())
        own = tried[0].open()
        sessions, expected = {tried[0].name: own}, {(tried[0].path, tried[0].runtime): answers(own, photos)}
        apart = {tried[0].name: 0.0}
        for way in tried[1:]:
            try:
                session = way.open()
                given = answers(session, photos)
            except RemboltError as error:
                self._note("way", way.name, reason=str(error))
                continue
            # int8's own report says how near it is to fp32, seen on real photos; here a runtime must agree
            # with ONNX Runtime on the same weights.
            base = expected.get((way.path, "onnxruntime"))
            expected.setdefault((way.path, way.runtime), given)
            apart[way.name] = 0.0 if base is None else difference(given, base)
            if apart[way.name] > LIMIT:
                self._note("way", way.name, difference=apart[way.name], reason="its masks are too different")
                continue
            sessions[way.name] = session
            self._tell("runtimes and precisions")
        jobs = {name: _timer(session, photos[0]) for name, session in sessions.items()}
        results = measured(
            jobs, SHARES[0] * self._seconds - self._spent, self._tick("runtimes and precisions")
        )
        best = best_of(results)
        for name, times in results.items():
            self._note("way", name, times, chosen=name == best, difference=round(apart[name], 5))
        return next(way for way in tried if way.name == best), median(results[best])

    def _threads(self, way: Way) -> int | None:
        """The best number of threads for one photo at a time; None for the default."""
        photo = tensors(self._spec)[0]
        counts = thread_counts(usable_cores(), this_processor().cores)
        names = {DEFAULT: None, **{str(count): count for count in counts}}
        results = self._rounds("threads", SHARES[1], names, lambda count: _timer(way.open(count), photo))
        return names[best_of(results)]

    def _crew(self, way: Way, took: float) -> Crew | None:
        """The best number of photos at a time, and threads for each; None for the default."""
        usable = usable_cores()
        tried = crews(usable, crew())
        photos = max(one.workers for one in tried)
        needed = took * photos * len(tried) * 2
        if needed > max(self._seconds, 2 * SHARES[2] * self._seconds):
            self._remarks.append(
                f"many photos at a time were not measured, which takes about {needed:.0f} s with "
                f"{self._spec.name}; give --seconds {needed * 2:.0f} for that."
            )
            return None
        keep_for(photos)
        names = {
            DEFAULT if index == 0 else f"{one.workers} x {one.threads}": one
            for index, one in enumerate(tried)
        }
        results = self._rounds(
            "photos at a time",
            SHARES[2],
            names,
            lambda one: seconds_a_photo(way.open(one.threads), one, photos),
        )
        best = best_of(results)
        return None if best == DEFAULT else names[best]

    def _rounds(
        self, what: str, share: float, names: Mapping[str, Any], timer: Callable[[Any], Callable[[], float]]
    ) -> dict[str, list[float]]:
        end = self._spent + share * self._seconds
        self._tell(what)
        jobs = {name: timer(value) for name, value in names.items()}
        results = measured(jobs, end - self._spent, self._tick(what))
        best = best_of(results)
        for name, times in results.items():
            self._note(what, name, times, chosen=name == best)
        return results

    @property
    def _spent(self) -> float:
        return time.monotonic() - self._start

    def _tick(self, what: str) -> Callable[[], None]:
        return partial(self._tell, what)

    def _tell(self, what: str) -> None:
        self._show(f"{self._spec.name}: {what}", min(self._spent / self._seconds, 1.0))

    def _note(
        self,
        what: str,
        name: str,
        times: Sequence[float] = (),
        *,
        chosen: bool = False,
        difference: float | None = None,
        reason: str = "",
    ) -> None:
        self._rows.append(
            {
                "what": what,
                "name": name,
                "milliseconds": round(median(times) * 1000, 3) if times else None,
                "rounds": len(times),
                "chosen": chosen,
                "difference": difference,
                "reason": reason,
            }
        )


def _timer(session: Session, photo: Any) -> Callable[[], float]:
    return partial(seconds_of, partial(session.outputs, photo))
