"""The app: every router, and what surrounds them. `server.py` exposes one."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from sdr_lab import __version__
from sdr_lab.api.auth import KEY_HEADER
from sdr_lab.api.bodies import BodyLimit
from sdr_lab.api.description import Api
from sdr_lab.api.errors import add_error_handlers
from sdr_lab.api.idempotency import REPLAYED, Idempotency
from sdr_lab.api.limits import RateLimit
from sdr_lab.api.requests_log import RequestLog
from sdr_lab.api.state import AppState, state_of
from sdr_lab.config import Settings
from sdr_lab.lab import Lab
from sdr_lab.logs import set_up_logs

ROUTERS: tuple[str, ...] = (
    "health",
    "docs_page",
    "agents",
    "agent_versions",
    "numbers",
    "conversations",
    "latency",
    "knowledge",
    "agent_knowledge",
    "tools",
    "hooks",
    "streams",
    "outbound",
    "convai",
    "phone",
    "voice",
    "media",
)
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


class Cors:
    """Lets pages of CORS_ORIGINS use the API; without any, pages of other origins can't."""

    def __init__(self, app: ASGIApp, state: AppState) -> None:
        self.app = app
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._inner(scope, receive, send)

    @cached_property
    def _inner(self) -> ASGIApp:
        origins = self.state.settings.cors_origins
        if not origins:
            return self.app
        return CORSMiddleware(
            self.app,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=[KEY_HEADER, "authorization", "content-type", "idempotency-key"],
            expose_headers=["retry-after", REPLAYED],
        )


def build_routes(app: FastAPI) -> None:
    """Have FastAPI build its routes, which it does at the first request that looks at them: 0.1 s
    in which all calls would stand still."""
    nowhere = {"type": "http", "method": "GET", "path": "/-", "root_path": "", "headers": []}
    for route in app.router.routes:
        route.matches(nowhere)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    state = state_of(app)
    build_routes(app)
    if state.owns_settings:  # `uvicorn server:app`; whoever gives settings sets up logs as well
        set_up_logs(state.settings)
    async with state.running():
        yield


def create_app(settings: Settings | None = None, lab: Lab | None = None) -> FastAPI:
    """Make the app. Reads and opens nothing until it is served or asked.

    Args:
        settings: None: those of the environment, read at the first request.
        lab: A workspace of your own, with its settings; None: one of `settings`.
    """
    app = Api(
        title="sdr_lab",
        version=__version__,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=lifespan,
        docs_url=None,  # docs_page.py
        redoc_url=None,
    )
    app.state.sdr_lab = AppState(settings, lab)
    add_error_handlers(app)
    layers = (Idempotency, BodyLimit, RateLimit, Cors, RequestLog)  # from the innermost
    for layer in layers:
        app.add_middleware(layer, state=app.state.sdr_lab)
    for name in ROUTERS:
        app.include_router(importlib.import_module(f"sdr_lab.api.{name}").router)
    return app
