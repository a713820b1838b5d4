"""Whole processes, measured from outside: wall time, CPU time and peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from rembolt.errors import RemboltError

# The measured process must not be started from the benchmark itself: until it calls exec, a child shares its
# parent's memory, and the kernel counts that into the child's peak. This parent is as small as they come.
_LAUNCHER = """
import json, os, signal, sys, time
order = json.load(sys.stdin)
actions = [
    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
    (os.POSIX_SPAWN_OPEN, 1, order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    (os.POSIX_SPAWN_DUP2, 1, 2),
]
start = time.perf_counter()
child = os.posix_spawn(order["command"][0], order["command"], os.environ, file_actions=actions)
signal.signal(signal.SIGTERM, lambda *_: (os.kill(child, signal.SIGKILL), os._exit(1)))
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - start
cpu = usage.ru_utime + usage.ru_stime
json.dump([os.waitstatus_to_exitcode(status), wall, cpu, usage.ru_maxrss], sys.stdout)
"""


@dataclass(frozen=True)
class Usage:
    """What one process took.

    Attributes:
        wall: seconds from its start to its end.
        cpu: seconds of processor time, of all its threads, in the program and in the kernel.
        peak: most memory resident at one time, in bytes.
    """

    wall: float
    cpu: float
    peak: int


class ChildFailedError(RemboltError):
    """The process that was to be measured did not end well."""


def measure(command: list[str], folder: Path, environment: dict[str, str]) -> Usage:
    """Run a process to its end.

    Args:
        command: the program, as a path, and its arguments.
        folder: its working directory; its output goes into a file there.
        environment: variables to set, on top of those of this process.

    Raises:
        ChildFailedError: its exit code is not 0.
    """
    output = folder / "output.txt"
    with subprocess.Popen(  # noqa: S603 - a fixed program
        [sys.executable, "-I", "-S", "-c", _LAUNCHER],
        env={**os.environ, **environment},
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as launcher:
        try:
            answer, complaint = launcher.communicate(json.dumps({"command": command, "output": str(output)}))
        except BaseException:
            launcher.terminate()  # and what it launched
            raise
    if launcher.returncode:
        raise ChildFailedError(f"{command[0]} did not start: {last_line(complaint)}")
    code, wall, cpu, peak = json.loads(answer)
    if code:
        said = last_line(output.read_text(encoding="utf-8", errors="replace"))
        raise ChildFailedError(f"{' '.join(command)[:200]} ended with {code}: {said}")
    return Usage(wall, cpu, peak if sys.platform == "darwin" else peak * 1024)


def last_line(text: str) -> str:
    """The last line that says something, shortened: where a failing program names its reason."""
    lines = text.strip().splitlines()
    return lines[-1].strip()[:300] if lines else "it said nothing"


def script(name: str) -> list[str] | None:
    """The command that pip installed as `name` beside this Python; None when it is not there."""
    path = Path(sysconfig.get_path("scripts")) / name
    return [str(path)] if path.is_file() else None


def can_measure() -> bool:
    """Whether this system tells what a child used (Linux and macOS do, Windows does not)."""
    return hasattr(os, "wait4") and hasattr(os, "posix_spawn")
