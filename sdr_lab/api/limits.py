"""How many requests a minute one client may send (RATE_LIMIT_PER_MINUTE)."""

from __future__ import annotations

import hashlib
import math
import time
from functools import cached_property

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from sdr_lab.api.auth import given_key, is_accepted
from sdr_lab.api.errors import error_reply
from sdr_lab.api.state import AppState

LIMITED = "/v1/"
"""Twilio's webhooks are known by their signature and must never be turned away; health checks
and metrics come from the own side."""


class RateLimit:
    """Answers 429 with Retry-After to clients that ask too often. Counts in this process only."""

    def __init__(self, app: ASGIApp, state: AppState) -> None:
        self.app = app
        self.state = state

    @cached_property
    def _limiter(self) -> MovingWindowRateLimiter:
        return MovingWindowRateLimiter(MemoryStorage())

    @cached_property
    def _limit(self) -> RateLimitItem | None:
        allowed = self.state.settings.rate_limit_per_minute
        return RateLimitItemPerMinute(allowed) if allowed else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_limited = scope["type"] == "http" and scope["path"].startswith(LIMITED)
        if not is_limited or self._limit is None:
            await self.app(scope, receive, send)
            return
        client = self._client(HTTPConnection(scope))
        if self._limiter.hit(self._limit, client):
            await self.app(scope, receive, send)
            return
        window = self._limiter.get_window_stats(self._limit, client)
        wait_s = max(1, math.ceil(window.reset_time - time.time()))
        reply = error_reply(
            429,
            f"more than {self._limit.amount} requests in a minute: wait {wait_s} s",
            "rate_limit_exceeded",
            headers={"Retry-After": str(wait_s)},
        )
        await reply(scope, receive, send)

    def _client(self, conn: HTTPConnection) -> str:
        """Return who asks: a key that is valid, else an address (guessing keys is limited too)."""
        key = given_key(conn)
        if key and is_accepted(key, self.state.settings):
            return hashlib.sha256(key.encode()).hexdigest()
        return conn.client.host if conn.client else "unknown"
