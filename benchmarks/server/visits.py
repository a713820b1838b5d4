"""What the clients are told to do, and what they tell of each request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

REFUSED = "refused"
"""Nobody listens: the connection was not made."""

BROKEN = "broken"
"""The connection ended before the answer was whole."""

SILENT = "silent"
"""No answer within `PATIENCE`."""

PATIENCE = 120.0
"""Seconds without a byte after which a request counts as one that hangs."""


class Shot(NamedTuple):
    """A photo to send.

    Attributes:
        path: its file.
        width, height: in pixels; the answer must have as many.
    """

    path: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a crowd of clients shall do.

    Attributes:
        port: of the server, on 127.0.0.1.
        path: what is posted to.
        model: named in the form.
        shots: the photos, sent in turn.
        clients: how many at a time.
        requests: how many of all clients together, at least; 0 is none, and then time alone counts.
        seconds: how long, at least.
        warm_ups: requests of each client before the start, which do not count.
        kept: whether a client keeps its connection; otherwise each request has a new one.
        again: whether clients go on when nobody listens any more.
        expected: headers that each answer with an image must have; names in lower case.
        tell: how many answers lie between two reports.
    """

    port: int
    path: str
    model: str
    shots: list[Shot]
    clients: int
    requests: int
    seconds: float = 0.0
    warm_ups: int = 0
    kept: bool = True
    again: bool = False
    expected: dict[str, str] = field(default_factory=dict)
    tell: int = 0


class Visit(NamedTuple):
    """One request; times are of `time.monotonic`, which all processes of a machine share.

    Attributes:
        client: its number.
        port: of its end of the connection, 0 without one.
        begun: before connecting.
        sent: when the last byte was handed to the system, None if it never was.
        ended: when the answer was whole, or the trouble came.
        status: of the answer, None without a whole one.
        retry_after: what a refusal's `Retry-After` says, None without.
        trouble: `REFUSED`, `BROKEN` or `SILENT`; None with an answer.
        wrong: what is wrong with an image that was answered, None if nothing is.
    """

    client: int
    port: int
    begun: float
    sent: float | None
    ended: float
    status: int | None
    retry_after: str | None
    trouble: str | None
    wrong: str | None

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.begun

    @property
    def image(self) -> bool:
        """Whether it was answered with an image."""
        return self.status == 200

    @property
    def put_off(self) -> bool:
        """Whether it was refused as overload must be: 503, and when to come again."""
        return self.status == 503 and (self.retry_after or "").isdigit()
