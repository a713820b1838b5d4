"""The program of the process that the clients are in; see `benchmarks.server.programs` for its other end.

It reads an `Order` as one line of JSON, does it, and writes lines of JSON: `started` when all clients are
warm, `done` after so many answers as it was told to report, and in the end `visits`, or `failed` with the
reason. When its input ends it stops: each client waits for the answer it has asked for and asks no more.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.server.caller import FORM, Caller, Reply, form, marked, undecodable, wrong
from benchmarks.server.ending import when_input_ends
from benchmarks.server.visits import REFUSED, Order, Shot, Visit

PAUSE = 0.02
"""Seconds that a client waits before it asks again when there was no answer."""


class WarmUpError(Exception):
    """A request that does not count was not answered with an image, so the others would not be either."""


class Crowd:
    """Clients that ask at the same time.

    Args:
        order: what to do.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._photos = [Path(shot.path).read_bytes() for shot in order.shots]
        self._mark = os.urandom(8)
        self._tickets = itertools.count()
        self._marks = itertools.count()
        self._lock = threading.Lock()
        self._visits: list[Visit] = []
        self._failures: list[str] = []
        self._start = 0.0
        self._stop = threading.Event()
        self._ready = threading.Barrier(order.clients, self._begin)

    def run(self) -> None:
        """Do it, and say what came of it."""
        threads = [
            threading.Thread(target=self._client, args=(number,), daemon=True)
            for number in range(self._order.clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failures:
            say(failed=self._failures[0])
        else:
            say(visits=self._visits)

    def stop(self) -> None:
        """Let the clients end."""
        self._stop.set()

    def _begin(self) -> None:
        self._start = time.monotonic()
        say(started=self._start)

    def _client(self, number: int) -> None:
        caller = Caller(self._order.port, kept=self._order.kept)
        try:
            for _ in range(self._order.warm_ups):
                self._warm_up(caller, number)
            self._ready.wait()
            self._ask_on(caller, number)
        except threading.BrokenBarrierError:  # another client said why
            pass
        except Exception as error:
            with self._lock:
                self._failures.append(str(error) or type(error).__name__)
            self._ready.abort()
            self._stop.set()
            if not isinstance(error, WarmUpError):
                raise
        finally:
            caller.close()

    def _warm_up(self, caller: Caller, number: int) -> None:
        reply, amiss = self._send(caller, number)
        if reply.status != 200:
            said = reply.body[:200].decode(errors="replace")
            raise WarmUpError(f"a request to warm up came to {reply.trouble or reply.status}: {said}")
        if amiss := amiss or undecodable(reply.body):
            raise WarmUpError(f"{amiss}.")

    def _ask_on(self, caller: Caller, number: int) -> None:
        order = self._order
        while not self._stop.is_set():
            ticket = next(self._tickets)
            if ticket >= order.requests and time.monotonic() >= self._start + order.seconds:
                return
            reply, amiss = self._send(caller, ticket)
            self._note(
                Visit(
                    number,
                    reply.port,
                    reply.begun,
                    reply.sent,
                    reply.ended,
                    reply.status,
                    reply.headers.get("retry-after"),
                    reply.trouble,
                    amiss,
                )
            )
            if reply.trouble == REFUSED and not order.again:
                return
            if reply.trouble:
                time.sleep(PAUSE)

    def _send(self, caller: Caller, turn: int) -> tuple[Reply, str | None]:
        """Ask for one photo; the answer, and what is wrong with it if it is an image."""
        place = turn % len(self._photos)
        mark = self._mark + next(self._marks).to_bytes(8, "big")
        body = form(marked(self._photos[place], mark), self._order.model)
        reply = caller.ask("POST", self._order.path, body, FORM)
        if reply.status != 200:
            return reply, None
        return reply, wrong(reply, self._order.shots[place], self._order.expected)

    def _note(self, visit: Visit) -> None:
        with self._lock:
            self._visits.append(visit)
            count = len(self._visits)
            if self._order.tell and count % self._order.tell == 0:
                say(done=count)


def say(**what: Any) -> None:
    """Write a line."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Do what the first line says, until the last."""
    asked = json.loads(sys.stdin.readline())
    order = Order(**{**asked, "shots": [Shot(*shot) for shot in asked["shots"]]})
    crowd = Crowd(order)
    when_input_ends(crowd.stop)
    crowd.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
