"""The servers that are compared under load: which, with which flags, and what their answers must say."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.server.home import BOLT, U2NETP
from benchmarks.server.servers import rembg_server, rembolt_server
from benchmarks.server.visits import Order
from rembolt.models.catalogue import find_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.server.servers import Server
    from benchmarks.server.visits import Shot
    from rembolt.bench.weights import Home


class Way(NamedTuple):
    """One server.

    Attributes:
        name: for tables.
        model: the network.
        precision: of rembolt; None is rembg.
        speed: how many times as many images as rembg's were promised with the most clients, 0 for nothing.
    """

    name: str
    model: str
    precision: str | None
    speed: float = 0.0

    @property
    def flags(self) -> list[str]:
        """Of `rembolt serve`: never the precision that `auto` has learnt, and no result is kept."""
        return ["--model", self.model, "--precision", str(self.precision), "--cache", "0"]

    @property
    def expected(self) -> dict[str, str]:
        """Headers that say that the answer is what was to be measured."""
        if self.precision is None:
            return {}
        return {
            "x-rembolt-source": "computed",
            "x-rembolt-model": self.model,
            "x-rembolt-precision": self.precision,
        }

    @contextmanager
    def serve(self, home: Home, *flags: str) -> Iterator[Server]:
        """Run the server; flags are those of rembolt's alone.

        Raises:
            ChildFailedError: it does not start.
        """
        with (
            rembg_server(home)
            if self.precision is None
            else rembolt_server(home, *self.flags, *flags) as server
        ):
            yield server

    def order(self, server: Server, shots: list[Shot], clients: int, requests: int, **rest: Any) -> Order:
        """What clients shall do at this server.

        Args:
            server: that runs.
            shots: the photos.
            clients: how many at a time.
            requests: how many of all together, at least.
            **rest: the other attributes of an `Order`.
        """
        return Order(
            port=server.port,
            path=server.path,
            model=self.model,
            expected=self.expected,
            shots=shots,
            clients=clients,
            requests=requests,
            **rest,
        )


REMBOLT, REMBG, REMBOLT_INT8, REMBOLT_BOLT = "rembolt", "rembg", "rembolt-int8", "rembolt-bolt"

WAYS = {
    REMBOLT: Way(f"rembolt {U2NETP}", U2NETP, find_model(U2NETP).precision, 1.6),
    REMBG: Way(f"rembg {U2NETP}", U2NETP, None),
    REMBOLT_INT8: Way(f"rembolt {U2NETP} int8", U2NETP, "int8", 2.5),
    REMBOLT_BOLT: Way(f"rembolt {BOLT}", BOLT, find_model(BOLT).precision, 10.0),
}
"""In the order in which they take turns."""
