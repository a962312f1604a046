"""The app: every router, and what surrounds them. `server.py` exposes one."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from sdr_lab import __version__
from sdr_lab.api.errors import add_error_handlers
from sdr_lab.api.state import AppState, state_of
from sdr_lab.config import Settings

ROUTERS: tuple[str, ...] = ()
"""Modules of sdr_lab.api that have a `router`, in the order in which routes are tried.
A router below /v1 has `dependencies=[auth.KEY]` and `responses=errors.ERRORS`."""

TAGS = [
    {"name": "Agents", "description": "Who speaks: prompt, voice, model, tools, every version."},
    {"name": "Calls", "description": "Placing calls, and opening streams for other lines."},
    {"name": "Conversations", "description": "Calls that were: transcript, audio, analysis."},
    {"name": "Knowledge", "description": "Documents that agents answer from."},
    {"name": "Tools", "description": "Web services that an agent may call."},
    {"name": "Phone numbers", "description": "Which agent answers which number."},
    {"name": "Webhooks", "description": "Who is told about calls; signed, retried, re-sent."},
    {"name": "Latency", "description": "Where the time of an answer goes."},
    {"name": "Telephone", "description": "What Twilio asks for; checked by its signature."},
    {"name": "Server", "description": "Is it alive, what can it do, what is missing."},
]

DESCRIPTION = """\
Live calls of sdr_lab. Two clients are served at once: the API of the seed (flat agents, ISO times,
`call_status`) and the official `elevenlabs` SDK (nested agents, unix seconds, `status`). Shared
names follow the SDK; the seed's values sit beside them."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with state_of(app).running():
        yield


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the app. Reads and opens nothing until it is served or asked.

    Args:
        settings: None: those of the environment, read at the first request.
    """
    app = FastAPI(
        title="sdr_lab",
        version=__version__,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=lifespan,
    )
    app.state.sdr_lab = AppState(settings)
    add_error_handlers(app)
    for name in ROUTERS:
        app.include_router(importlib.import_module(f"sdr_lab.api.{name}").router)
    return app
