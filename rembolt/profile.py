"""What `rembolt tune` found to be best on this machine, kept in one file and used by every entry point.

The file is `profile.json` in `REMBOLT_CONFIG`, else in the user's configuration folder. It says for each
model, which is known by the content of its weights, how it ran best, and for all of them what they were
measured on. A profile of another processor, of other versions or of another number of cores is not used.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from rembolt.errors import OutputError
from rembolt.models.store import home
from rembolt.models.verified import content

log = logging.getLogger(__name__)

VERSION = 1
"""Of the file's form."""

RUNTIMES = ("onnxruntime", "openvino")
PRECISIONS = ("fp32", "fp16", "bf16", "int8")


class Choice(NamedTuple):
    """How one model ran best; what is None is left as it is without a profile.

    Attributes:
        model: its name.
        runtime: what ran it, a name of `RUNTIMES`, or None.
        precision: number format, or None.
        threads: CPU threads for one photo at a time.
        workers: of many photos, how many at a time.
        worker_threads: CPU threads for each of these.
        measured: rows of numbers, for people.
        date: when, in ISO 8601.
    """

    model: str
    runtime: str | None = None
    precision: str | None = None
    threads: int | None = None
    workers: int | None = None
    worker_threads: int | None = None
    measured: list[dict[str, Any]] = []  # noqa: RUF012 - never changed
    date: str = ""

    @property
    def sentence(self) -> str:
        """What was chosen, in words."""
        threads = _count(self.threads, "thread") if self.threads else "the default threads"
        several = "the default number of photos at a time"
        if self.workers:
            several = (
                f"{_count(self.workers, 'photo')} at a time with {_count(self.worker_threads, 'thread')} each"
            )
        return (
            f"in {self.precision or 'its own precision'} by {self.runtime or 'onnxruntime'} with {threads}, "
            f"and of many photos {several}."
        )


def _count(number: int | None, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def place() -> Path:
    """Give the path of the profile; it need not exist."""
    own = os.environ.get("REMBOLT_CONFIG")
    if own:
        return Path(os.path.abspath(os.path.expanduser(own))) / "profile.json"  # noqa: PTH100, PTH111
    from platformdirs import user_config_dir

    return Path(user_config_dir("rembolt", appauthor=False)) / "profile.json"


def exists() -> bool:
    """Whether there is one; not where the folder may not be looked into."""
    return os.path.isfile(place())  # noqa: PTH113 - pathlib raises there


def choice_for(weights: Path) -> Choice | None:
    """What is best for these weights, None where nothing was measured that still holds.

    A profile that is broken or stale is said, once in a process.
    """
    if not exists():
        return None
    try:
        kept = _read(place())
    except _UnusableError as error:
        _warn(str(error))
        return None
    entry = _entry_of(weights, kept["models"])
    return _choice(entry) if entry is not None else None


@cache  # once in a process
def _warn(sentence: str) -> None:
    log.warning("%s", sentence)


def keep(choices: dict[Path, Choice]) -> Path:
    """Write what was found into the profile, beside what still holds of the other models.

    Args:
        choices: by the path of the weights.

    Returns:
        The path of the profile.

    Raises:
        OutputError: it cannot be written.
    """
    import json

    from rembolt.engine.machine import machine
    from rembolt.images.files import make_folder, write_atomically

    path = place()
    try:
        models = _read(path)["models"]
    except _UnusableError:
        models = {}
    for weights, choice in choices.items():
        models[content(weights, home())] = {**choice._asdict(), "size": weights.stat().st_size}
    text = json.dumps({"version": VERSION, "machine": machine(), "models": models}, indent=1)
    make_folder(path.parent)
    write_atomically(path, f"{text}\n".encode())
    return path


def forget() -> Path | None:
    """Remove the profile; returns its path, or None where there was none.

    Raises:
        OutputError: it cannot be removed.
    """
    path = place()
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise OutputError(f"the profile '{path}' cannot be removed ({error.strerror or error}).") from error
    return path


class State(NamedTuple):
    """The profile as `rembolt doctor` shows it.

    Attributes:
        path: where it is, or would be.
        used: whether it is there and holds.
        remark: why it is not used, empty when it is.
        choices: one for each model.
    """

    path: Path
    used: bool
    remark: str
    choices: list[Choice]


def state() -> State:
    """Look at the profile without saying anything."""
    path = place()
    if not exists():
        return State(path, False, "nothing was measured here; rembolt tune does it.", [])
    try:
        kept = _read(path)
    except _UnusableError as error:
        return State(path, False, str(error), [])
    return State(path, True, "", [_choice(entry) for entry in kept["models"].values()])


class _UnusableError(Exception):
    """The profile is not to be used; the message is a sentence."""


def _read(path: Path) -> dict[str, Any]:
    """The profile, whole and of this machine.

    Raises:
        _UnusableError: there is none, or it cannot be used.
    """
    import json

    from rembolt.engine.machine import difference, machine

    try:
        kept = json.loads(path.read_bytes())
    except OSError as error:
        raise _UnusableError(f"the profile '{path}' cannot be read ({error.strerror or error}).") from error
    except (ValueError, RecursionError):
        raise _UnusableError(_broken(path)) from None
    if isinstance(kept, dict) and isinstance(kept.get("version"), int) and kept["version"] != VERSION:
        raise _UnusableError(
            f"the profile '{path}' is of another version of rembolt and is not used; run rembolt tune again."
        )
    if not _is_whole(kept):
        raise _UnusableError(_broken(path))
    if differing := difference(kept["machine"], machine()):
        raise _UnusableError(
            f"the profile was measured with {differing}, so it is not used; run rembolt tune again."
        )
    return kept


def _broken(path: Path) -> str:
    return f"the profile '{path}' is damaged and not used; run rembolt tune again, or rembolt tune --forget."


def _is_whole(kept: Any) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(kept, dict)
        and kept.get("version") == VERSION
        and isinstance(kept.get("machine"), dict)
        and isinstance(kept["machine"].get("features"), list)
        and isinstance(kept.get("models"), dict)
        and all(_is_entry(entry) for entry in kept["models"].values())
    )


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("model"), str):
        return False
    counts = (entry.get(name) for name in ("threads", "workers", "worker_threads"))
    return (
        all(count is None or (type(count) is int and 1 <= count <= 1024) for count in counts)
        and entry.get("runtime") in (None, *RUNTIMES)
        and entry.get("precision") in (None, *PRECISIONS)
        and isinstance(entry.get("measured"), list)
        and isinstance(entry.get("date"), str)
        and type(entry.get("size")) is int
    )


def _entry_of(weights: Path, models: dict[str, Any]) -> dict[str, Any] | None:
    """The entry of these weights; a large file is only read when it may be one that was measured."""
    try:
        size = weights.stat().st_size
        return (
            models.get(content(weights, home())) if size in {one["size"] for one in models.values()} else None
        )
    except OSError:
        return None


def _choice(entry: dict[str, Any]) -> Choice:
    return Choice(**{name: entry[name] for name in Choice._fields if name in entry})
