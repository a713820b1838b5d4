"""Every setting of the service once.

The flags of `rembolt serve`, its `REMBOLT_…` variables and its table in the documentation come from here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rembolt.errors import UsageError
from rembolt.setting import Options, setting, settings_of
from rembolt.settings import MOST_WORKERS

if TYPE_CHECKING:
    from collections.abc import Mapping

MEGABYTE = 1_000_000

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that tells Prometheus's package where processes put their figures for each other."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ServerOptions(Options):
    """How the service listens, what it accepts, and what it keeps."""

    host: str = setting("127.0.0.1", "address to listen on; 0.0.0.0 is every one", "-h")
    port: int = setting(7000, "port to listen on", "-p", minimum=1, maximum=65535)
    tls_cert: str | None = setting(None, "certificate chain (PEM), to speak HTTPS")
    tls_key: str | None = setting(None, "its private key (PEM)")
    processes: int = setting(1, "processes that serve; each has its own models", minimum=1, maximum=256)
    workers: int | None = setting(
        None,
        "photos a process works on at a time (default: one for each core)",
        "-t",
        minimum=1,
        maximum=MOST_WORKERS,
    )
    queue: int = setting(32, "requests of a process that may wait; more are answered 503", minimum=0)
    timeout: float = setting(
        30.0, "seconds a request may take from its last byte on, waiting included", minimum=0.1
    )
    upload_timeout: float = setting(60.0, "seconds a request's body may take to arrive", minimum=0.1)
    stop_timeout: float = setting(15.0, "seconds that requests in work get to end when stopped", minimum=0)
    max_bytes: int = setting(25 * MEGABYTE, "largest body of a request, in bytes", minimum=1000)
    max_pixels: int = setting(50_000_000, "largest photo and result, in pixels (width x height)", minimum=1)
    max_aspect: float = setting(300.0, "largest ratio of a photo's sides", minimum=1)
    max_frames: int = setting(500, "most frames of an animation, whose first is used", minimum=1)
    max_memory: int = setting(
        256 * MEGABYTE,
        "bytes of all bodies a process holds; beyond it requests get a 503",
        minimum=1000,
    )
    models: str | None = setting(
        None, "models that may be asked for, comma-separated (default: those on this machine)"
    )
    downloads: bool = setting(False, "let a request for a model bring its weights here")
    session_memory: int = setting(
        2000 * MEGABYTE, "bytes of loaded models; beyond it the one unused for longest goes", minimum=0
    )
    cache: int = setting(256 * MEGABYTE, "bytes of results a process keeps; 0 keeps none", minimum=0)
    redis: str | None = setting(None, "address of a Redis that shares results, such as redis://localhost")
    redis_seconds: int = setting(30 * 86400, "seconds a result stays in Redis", minimum=1)
    api_keys: str | None = setting(None, "keys that may use the service, comma-separated (default: no key)")
    cors_origins: str | None = setting(
        None, "origins whose web pages may use the service, comma-separated; * is every one"
    )
    rate_limit: int | None = setting(
        None, "megapixels a minute for each key, or address where there are no keys", minimum=1
    )
    trusted_proxies: str | None = setting(
        None, "addresses of proxies whose X-Forwarded-For is believed, comma-separated"
    )
    fetch_urls: bool = setting(False, "fetch photos that are given as URLs")
    fetch_timeout: float = setting(10.0, "seconds that fetching may take", minimum=0.1)
    metrics_port: int | None = setting(
        None, "serve /metrics on this port of the same address instead", minimum=1, maximum=65535
    )
    log_level: str = setting(
        "info", "what is logged", "-l", choices=("debug", "info", "warning", "error", "critical")
    )
    log_format: str = setting(
        "text", "how it is written: one line of text, or of JSON", choices=("text", "json")
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.tls_cert is None) != (self.tls_key is None):
            raise UsageError("tls_cert and tls_key belong together; give both or neither.")
        if self.metrics_port == self.port:
            raise UsageError("metrics_port is the service's own port; give another, or leave it out.")

    @property
    def keys(self) -> tuple[str, ...]:
        """The API keys."""
        return words(self.api_keys)


def words(text: str | None) -> tuple[str, ...]:
    """The parts of a comma-separated setting."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def from_environment(group: type[Options], environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The values that `REMBOLT_…` variables give to the settings of `group`.

    Raises:
        UsageError: one cannot be read; it is called by the variable's name.
    """
    values = {}
    for name, known in settings_of(group).items():
        variable = f"REMBOLT_{name.upper()}"
        if text := environment.get(variable, ""):
            values[name] = known.parse(text, variable)
    return values
