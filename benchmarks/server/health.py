"""The program of a process that asks for `/health` all the while, as an orchestrator does, but more often.

    python -m benchmarks.server.health PORT

Every `EVERY` seconds it makes a new connection and asks, whether the answers before have come or not; when
its input ends it waits for the last ones and writes one line of JSON: for each the seconds it took from the
moment it was due, or null where it was not answered 200 in time.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading

from benchmarks.server.ending import when_input_ends

EVERY = 0.02
"""Seconds."""

LIMIT = 10.0
"""Seconds after which an answer counts as missing."""

REQUEST = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


async def ask(port: int, due: float) -> float | None:
    """Ask once.

    Args:
        port: of the server, on 127.0.0.1.
        due: the loop's time at which this should have begun.

    Returns:
        Seconds, or None without a good answer.
    """
    try:
        async with asyncio.timeout(LIMIT):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(REQUEST)
                answer = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    if not answer.startswith(b"HTTP/1.1 200 "):
        return None
    return asyncio.get_running_loop().time() - due


async def ask_on(port: int, stop: threading.Event) -> list[float | None]:
    """Ask until told to stop."""
    loop = asyncio.get_running_loop()
    asked = []
    due = loop.time()
    while not stop.is_set():
        asked.append(asyncio.create_task(ask(port, due)))
        due += EVERY
        await asyncio.sleep(max(0.0, due - loop.time()))
    return list(await asyncio.gather(*asked))


def main() -> int:
    """Do it."""
    port = int(sys.argv[1])
    stop = threading.Event()
    when_input_ends(stop.set)
    answers = asyncio.run(ask_on(port, stop))
    sys.stdout.write(json.dumps(answers) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
