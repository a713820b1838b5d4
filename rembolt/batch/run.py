"""The whole batch: what there is to do, the workers, and what is told of it."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from rembolt.batch.choice import Choice
from rembolt.batch.claim import Claim
from rembolt.batch.names import Names
from rembolt.batch.progress import progress_for
from rembolt.batch.record import Record, Task, Totals
from rembolt.batch.report import Report
from rembolt.batch.sources import Photo
from rembolt.batch.stop import Stop
from rembolt.batch.watch import Watch
from rembolt.errors import OutputError, RemboltError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from rembolt.batch.job import Job
    from rembolt.batch.progress import Lines
    from rembolt.batch.sources import Tree, Trouble


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """How a batch is to go.

    Attributes:
        options: of `rembolt.settings`, those that were given.
        workers: photos at a time; None for one a core.
        overwrite: redo photos whose results exist.
        delete_input: delete each photo once its result is on the disk.
        report: where the line of every photo goes, or None.
        resume: believe the report.
        settle: seconds a watched photo has to rest; None not to watch.
        quiet: say only what went wrong.
        verbose: say every photo.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    workers: int | None = None
    overwrite: bool = False
    delete_input: bool = False
    report: Path | None = None
    resume: bool = False
    settle: float | None = None
    quiet: bool = False
    verbose: bool = False


class Outcome(NamedTuple):
    """How it ended.

    Attributes:
        totals: what was done.
        interrupted: a signal ended it before its time.
        placed: model, device, precision, workers and threads; empty when nothing had to be cut out.
    """

    totals: Totals
    interrupted: bool
    placed: dict[str, Any]


class Batch:
    """Photos of a tree or a list, cut out into a folder.

    Args:
        source: a tree, or photos.
        output: the folder of the results; made when it is missing.
        wishes: how.
        prepare: called when the progress begins, with what is on stderr then.
    """

    def __init__(
        self, source: Tree | list[Photo], output: Path, wishes: Wishes, prepare: Callable[[], None]
    ) -> None:
        self._source = source
        self._output = output
        self._wishes = wishes
        self._prepare = prepare
        self._names = Names(output, wishes.options.get("format", "png"))
        self._totals = Totals()
        self._stop = Stop()
        self._report: Report | None = None
        self._found: list[Photo | Trouble] = []
        self._watch: Watch | None = None
        self._progress: Lines
        self._placed: dict[str, Any] = {}

    def run(self) -> Outcome:
        """Do it.

        Raises:
            OutputError: OUTPUT or the report cannot be written.
            UsageError: the report is something else.
            ModelError, DeviceError: nothing can be cut out.
            KeyboardInterrupt: before the work began.
        """
        wishes = self._wishes
        with ExitStack() as stack:
            stack.enter_context(self._stop)
            if wishes.settle is None:
                self._found = list(self._source if isinstance(self._source, list) else self._source.walk())
                self._totals.planned = len(self._found)
                if not self._found:  # not even OUTPUT is made
                    return Outcome(self._totals, interrupted=False, placed={})
            claim = stack.enter_context(Claim(self._output))
            if wishes.report is not None:
                self._report = stack.enter_context(Report(wishes.report, wishes.options))
            self._progress = progress_for(
                quiet=wishes.quiet, every=wishes.verbose or wishes.settle is not None
            )
            earlier = self._report.earlier() if self._report and wishes.resume else {}
            choice = Choice(
                self._names, earlier, overwrite=wishes.overwrite, delete_input=wishes.delete_input
            )
            choices = self._watched(choice) if wishes.settle is not None else self._planned(choice)
            stack.callback(self._stop.requested.set)  # lets a watch end, whatever ended us
            self._stop.farewells.append(claim.give_up)
            self._work(choices)
        interrupted = self._stop.interrupted and self._watch is None
        return Outcome(self._totals, interrupted, self._placed)

    def _planned(self, choice: Choice) -> Iterator[Task | Record]:
        """What is to be done with the photos that are there now."""
        self._settle_names([item for item in self._found if isinstance(item, Photo)], choice)
        linked = 0 if isinstance(self._source, list) else self._source.linked_folders
        if linked:
            self._progress.say(f"{_count(linked, 'link')} to folders not followed.")

        def choices() -> Iterator[Task | Record]:
            for item in self._found:
                if self._stop.requested.is_set():
                    return
                yield choice.of(item)

        return choices()

    def _watched(self, choice: Choice) -> Iterator[Task | Record]:
        """The same, and with those that come and change."""
        if isinstance(self._source, list) or self._wishes.settle is None:
            raise TypeError("a list cannot be watched")
        tree, stop = self._source, self._stop.requested
        watch = Watch(tree, self._wishes.settle, stop, forget=self._wishes.delete_input)
        self._watch = watch
        self._settle_names([item for item in tree.walk() if isinstance(item, Photo)], choice)
        self._progress.say(f"watching '{tree.root}'; Ctrl-C or a file named stop.txt in it ends this.")

        def choices() -> Iterator[Task | Record]:
            for item, changed in watch.found():
                if isinstance(item, Photo):
                    choice.protect([item])  # one that was there may be another file now
                chosen = choice.of(item, changed=changed)
                if changed and isinstance(chosen, Task):
                    self._progress.say(f"{item.path} changed: it is done again.")
                yield chosen

        return choices()

    def _settle_names(self, photos: list[Photo], choice: Choice) -> None:
        self._names.plan(photos)
        choice.protect(photos)
        if self._names.sharing:
            self._progress.say(
                f"{_count(self._names.sharing, 'photo')} share a name with another; "
                "their results keep the extension, as in photo.jpg.png."
            )

    def _work(self, choices: Iterator[Task | Record]) -> None:
        """Take what needs no work, then load the model and let the workers do the rest."""
        first: list[Task | Record] = []
        if self._watch is None:
            for choice in choices:
                if isinstance(choice, Task):
                    first = [choice]
                    break
                self._take(choice)
            if not first:
                return
        job, workers = self._job()
        stop = self._stop.requested

        def attempt(item: Task | Record) -> Record | None:
            if isinstance(item, Record):
                return item
            return None if stop.is_set() else job(item)

        from rembolt.pipeline import each

        with self._progress:
            self._prepare()
            self._progress.show(self._totals)
            self._stop.farewells.append(self._progress.restore)
            self._stop.graceful = True
            results = each(attempt, chain(first, choices), workers=workers, ordered=False)
            trouble: RemboltError | None = None
            with closing(results) as records:
                for record in records:
                    if isinstance(record, RemboltError):
                        stop.set()  # and go on, since photos that have begun are still to be noted
                        trouble = trouble or record
                    elif record is not None:
                        self._take(record)
            if trouble is not None:
                raise trouble

    def _job(self) -> tuple[Job, int]:
        """Load the model."""
        from rembolt.batch.job import Job
        from rembolt.images.memory import keep_for
        from rembolt.pipeline import crew
        from rembolt.remover import Remover
        from rembolt.segmenters.opening import measured_choice
        from rembolt.settings import SessionOptions, pick

        options = dict(self._wishes.options)
        measured = None if options.get("exact") else measured_choice(pick(SessionOptions, options))
        workers, threads = crew(self._wishes.workers, options.get("threads"), measured)
        remover = Remover(**{**options, "threads": threads})
        keep_for(workers)
        self._placed = {
            "model": remover.model,
            "device": remover.device,
            "precision": remover.precision,
            "workers": workers,
            "threads": threads,
        }
        return Job(remover, self._output, delete_input=self._wishes.delete_input, stop=self._stop), workers

    def _take(self, record: Record) -> None:
        """Note a photo that is through."""
        self._totals.add(record)
        if self._report is not None and not record.known:
            try:
                self._report.write(record)
            except OutputError as error:
                self._report = None
                self._stop_because(str(error))
        self._progress.finished(record, self._totals)
        if self._watch is not None:
            deleted = self._wishes.delete_input and record.status == "done"
            self._watch.done_with(record.input, deleted=deleted)
        if record.fatal and record.error:
            self._stop_because(record.error)

    def _stop_because(self, sentence: str) -> None:
        if self._totals.stopped is None:
            self._totals.stopped = sentence
        self._stop.requested.set()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
