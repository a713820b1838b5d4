"""The program of a process that cuts out photos, one at a time, and says how long each took.

    python -m rembolt.bench.worker                  orders as lines of JSON on stdin, answers on stdout
    python -m rembolt.bench.worker '{"side": …}'    one photo, to measure the process from outside

An order either opens a session (`{"open": name, "side": …, "model": …, "options": {…}}`) or has it cut out a
photo (`{"run": name, "photo": path}`). What is measured is bytes in to PNG bytes out.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Cut = Callable[[bytes], tuple[bytes, dict[str, float]]]
    """Takes an encoded photo and gives a PNG and, where they are known, the seconds of each stage."""


def main() -> int:
    """Serve, or do the one job of the command line."""
    if len(sys.argv) > 1:
        order = json.loads(sys.argv[1])
        _, cut = _open(order)
        cut(Path(order["photo"]).read_bytes())
        return 0
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the benchmark, which then ends this
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(answers)
    return 0


def serve(answers: Any) -> None:
    """Obey one order a line until stdin ends."""
    sessions: dict[str, Cut] = {}
    for line in sys.stdin:
        order = json.loads(line)
        answer: dict[str, Any]
        try:
            if "open" in order:
                device, sessions[order["open"]] = _open(order)
                answer = {"device": device}
            else:
                answer = _run(sessions[order["run"]], Path(order["photo"]).read_bytes())
        except Exception as error:  # noqa: BLE001 - rembg raises what it likes; it is told by name
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _run(cut: Cut, photo: bytes) -> dict[str, Any]:
    start = time.perf_counter()
    data, stages = cut(photo)
    total = time.perf_counter() - start
    return {"total": total, "stages": stages, "size": len(data)}


def _open(order: dict[str, Any]) -> tuple[str, Cut]:
    """Load a session: the device it runs on, and what cuts out a photo with it."""
    open_side = {"rembolt": _rembolt, "rembg": _rembg}[order["side"]]
    return open_side(order["model"], dict(order["options"]))


def _rembolt(model: str, options: dict[str, Any]) -> tuple[str, Cut]:
    from rembolt import Remover

    remover = Remover(model, **options)

    def cut(photo: bytes) -> tuple[bytes, dict[str, float]]:
        encoded = remover.encode(photo)
        return encoded.data, dict(encoded.timings)

    return remover.device, cut


def _rembg(model: str, options: dict[str, Any]) -> tuple[str, Cut]:
    import rembg  # type: ignore[import-untyped,unused-ignore]

    placed = {"providers": ["CPUExecutionProvider"]} if options.pop("device", None) == "cpu" else {}
    session = rembg.new_session(model, **placed)

    def cut(photo: bytes) -> tuple[bytes, dict[str, float]]:
        return bytes(rembg.remove(photo, session=session, **options)), {}

    provider = session.inner_session.get_providers()[0]
    return provider.removesuffix("ExecutionProvider").lower(), cut


if __name__ == "__main__":
    sys.exit(main())
