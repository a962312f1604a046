"""One DEBUG line as a request comes in and one as it is answered, and the count for /metrics."""

from __future__ import annotations

import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sdr_lab.api.state import AppState

log = logging.getLogger(__name__)

AS_IT_SAYS = ("X-Content-Type-Options", "nosniff")
"""On every reply: what clients have written is never taken for a page."""


class RequestLog:
    """Logs `→ GET /path` and `← 200 GET /path 3 ms`. Queries and bodies are never logged."""

    def __init__(self, app: ASGIApp, state: AppState) -> None:
        self.app = app
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            log.debug("→ WebSocket %s", scope["path"])
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        log.debug("→ %s %s", method, path)
        began_s = time.perf_counter()
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).setdefault(*AS_IT_SAYS)
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            taken_ms = 1000 * (time.perf_counter() - began_s)
            log.debug("← %d %s %s %.0f ms", status, method, path, taken_ms)
            self.state.metrics.requests.labels(method, _route(scope), str(status)).inc()


def _route(scope: Scope) -> str:
    """Return the path as it was declared: one name for all agents, and for all wrong paths."""
    return getattr(scope.get("route"), "path", "other")
