"""`rembolt serve`: the HTTP service."""

from __future__ import annotations

import gc
from dataclasses import asdict
from importlib.util import find_spec
from typing import Any

import click

from rembolt.cli.options import options_from
from rembolt.errors import MissingExtraError
from rembolt.server.settings import ServerOptions, from_environment
from rembolt.settings import SessionOptions, pick

PACKAGES = ("granian", "fastapi", "python_multipart", "prometheus_client", "httpx")


@click.command("serve", context_settings={"help_option_names": ["--help"]})
@options_from(ServerOptions, SessionOptions)
@click.option("--no-ui", is_flag=True, hidden=True, help="rembg's flag; there is no page to leave out")
def command(no_ui: bool, **values: Any) -> None:  # noqa: ARG001 - taken for rembg's sake
    """Serve cut-outs over HTTP, on http://127.0.0.1:7000 unless told otherwise; /docs describes the API.

    Every flag can also be given as an environment variable: --max-bytes as REMBOLT_MAX_BYTES, and so on.
    Ctrl-C or SIGTERM ends what has begun and stops.
    """
    given = {name: value for name, value in values.items() if value is not None}
    server = pick(ServerOptions, {**from_environment(ServerOptions), **given})
    session = pick(SessionOptions, {**from_environment(SessionOptions), **given})
    for package in PACKAGES:
        if (
            find_spec(package) is None
        ):  # not imported: the metrics' package reads a variable that is set later
            raise MissingExtraError(
                f"{package}, which the server needs, is not installed; install it with: "
                'pip install "rembolt[server]"'
            )
    from rembolt.server.run import serve

    _check_model(session)
    gc.enable()  # one photo's garbage is not worth looking for, but that of a service adds up
    serve(server, session)


def _check_model(session: SessionOptions) -> None:
    """Find out, with the right exit code, that the model cannot be had or does not run where it was asked to.

    Raises:
        RemboltError: it cannot.
    """
    from rembolt.models.store import weights
    from rembolt.segmenters.opening import model_of

    weights(model_of(session), offline=True if session.offline else None)
    if (session.device, session.precision) == ("auto", "auto"):
        return
    # Another process: this one serves nothing and shall not keep the runtime in its memory.
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        pool.submit(_try, asdict(session)).result()


def _try(session: dict[str, Any]) -> None:
    from rembolt.remover import Remover

    Remover(session.pop("model"), **session)
