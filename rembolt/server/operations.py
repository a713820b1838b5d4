"""Routes for whoever runs the service."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from rembolt import __version__
from rembolt.server import metrics
from rembolt.server.dialects.base import core_of

router = APIRouter(tags=["operations"])

scrape = APIRouter(tags=["operations"])
"""Left out where metrics have a port of their own."""


@router.get("/health", summary="Whether the process lives")
async def health() -> dict[str, str]:
    """Answer."""
    return {"status": "ok", "version": __version__}


@router.get(
    "/ready", summary="Whether it can cut out photos now", responses={503: {"description": "Not yet."}}
)
async def ready(request: Request) -> JSONResponse:
    """Answer 200 once the default model is warm."""
    service = core_of(request).service
    if service.ready:
        return JSONResponse({"status": "ready"})
    status = "starting" if service.trouble is None else "the default model does not work; the log says why"
    return JSONResponse({"status": status}, 503, {"Retry-After": "1"})


@scrape.get("/metrics", summary="Figures for Prometheus", response_class=Response)
async def get_metrics() -> Response:
    """Answer with all figures of all processes."""
    return Response(await asyncio.to_thread(metrics.exposition), media_type=metrics.CONTENT_TYPE)
