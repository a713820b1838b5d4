"""Starting the service: granian listens and keeps the processes alive that run the application."""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rembolt.errors import UsageError
from rembolt.server.errors import ListenError
from rembolt.server.settings import METRICS_FOLDER, ServerOptions, words
from rembolt.settings import SessionOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

HANDOVER = "REMBOLT_SERVICE"
"""The variable in which the serving processes find their settings."""

HEADER_MILLISECONDS = 10_000
"""How long the head of a request may take to arrive."""

LARGEST_HEADERS = 65_536
"""Bytes."""

STREAMS = 100
"""Requests at a time in one HTTP/2 connection."""


def application() -> ASGIApp:
    """Make the application in a serving process."""
    from rembolt.server.app import create_app
    from rembolt.server.log import set_up_log

    handed = json.loads(os.environ[HANDOVER])
    options = ServerOptions(**handed["server"])
    set_up_log(options.log_level, options.log_format)
    app: ASGIApp = create_app(options, SessionOptions(**handed["session"]))
    if proxies := words(options.trusted_proxies):
        from granian.utils.proxies import wrap_asgi_with_proxy_headers

        app = wrap_asgi_with_proxy_headers(app, trusted_hosts=list(proxies))
    return app


def serve(options: ServerOptions, session: SessionOptions) -> None:
    """Listen until SIGTERM or SIGINT; then take nothing new, and end what has begun.

    Args:
        options: of the service.
        session: the default model, and where models run.

    Raises:
        UsageError: the address of Redis is none, or the certificate or its key cannot be read.
        UnknownModelError: one of `models` is none.
        ListenError: the address cannot be listened on.
    """
    from granian import Granian
    from granian.constants import Interfaces
    from granian.http import HTTP1Settings, HTTP2Settings

    from rembolt.server.log import set_up_log

    _check_names(options)
    _check_certificates(options)
    _check_address(options)
    set_up_log(options.log_level, options.log_format)
    os.environ[HANDOVER] = json.dumps({"server": asdict(options), "session": asdict(session)})
    with _metrics(options):
        Granian(
            f"{__name__}:application",
            factory=True,
            interface=Interfaces.ASGI,
            address=options.host,
            port=options.port,
            workers=options.processes,
            websockets=False,
            http1_settings=HTTP1Settings(
                header_read_timeout=HEADER_MILLISECONDS, max_buffer_size=LARGEST_HEADERS
            ),
            http2_settings=HTTP2Settings(max_concurrent_streams=STREAMS, max_headers_size=LARGEST_HEADERS),
            ssl_cert=Path(options.tls_cert) if options.tls_cert else None,
            ssl_key=Path(options.tls_key) if options.tls_key else None,
            respawn_failed_workers=True,
            respawn_interval=0.1,
            workers_kill_timeout=max(1, math.ceil(options.stop_timeout)),
        ).serve()


@contextlib.contextmanager
def _metrics(options: ServerOptions) -> Iterator[None]:
    """A folder in which the processes put their figures, and where asked for a port to read them from."""
    with tempfile.TemporaryDirectory(prefix="rembolt-metrics-") as folder:
        os.environ[METRICS_FOLDER] = folder  # before the package is imported, which reads it then
        if options.metrics_port is None:
            yield
            return
        from prometheus_client import start_http_server

        from rembolt.server.metrics import registry

        try:
            server, _ = start_http_server(options.metrics_port, options.host, registry())
        except OSError as error:
            raise _cannot_listen(options.host, options.metrics_port, error) from error
        try:
            yield
        finally:
            server.shutdown()


def _check_names(options: ServerOptions) -> None:
    """Find out here, not in each serving process, what is no model and no address of a Redis."""
    from rembolt.models.catalogue import find_model
    from rembolt.server.cache import RedisCache

    for name in words(options.models):
        find_model(name)
    if options.redis:
        RedisCache(options.redis, seconds=options.redis_seconds)  # connects to nothing yet


def _check_certificates(options: ServerOptions) -> None:
    for name in ("tls_cert", "tls_key"):
        path = getattr(options, name)
        try:
            if path is not None:
                Path(path).read_bytes()
        except OSError as error:
            raise UsageError(
                f"{name}: '{path}' cannot be read ({error.strerror}); check its name."
            ) from error


def _check_address(options: ServerOptions) -> None:
    """Find out that the address is taken or not ours before any process is started."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((options.host, options.port))
    except OSError as error:
        raise _cannot_listen(options.host, options.port, error) from error


def _cannot_listen(host: str, port: int, error: OSError) -> ListenError:
    reason = error.strerror or str(error)
    return ListenError(f"{host}:{port} cannot be listened on ({reason}); choose another host or port.")
