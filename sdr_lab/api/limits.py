"""How many requests a minute one client may send (RATE_LIMIT_PER_MINUTE)."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import time
from functools import cached_property

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from sdr_lab.api.auth import given_key, is_accepted, is_guess
from sdr_lab.api.errors import error_reply
from sdr_lab.api.sockets import POLICY_VIOLATION
from sdr_lab.api.state import AppState

LIMITED = "/v1/"
"""Twilio's webhooks are known by their signature and must never be turned away; health checks
and metrics come from the own side. Wrong keys are counted wherever they are tried."""

IPV6_NETWORK = 64
"""A single customer has so many bits of addresses behind the first ones."""


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
        if self._limit is None or not self._is_counted(scope):
            await self.app(scope, receive, send)
            return
        client = self._client(HTTPConnection(scope))
        if self._limiter.hit(self._limit, client):
            await self.app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})  # 403
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

    @staticmethod
    def _is_counted(scope: Scope) -> bool:
        if scope["type"] not in ("http", "websocket"):
            return False
        is_api = scope["type"] == "http" and scope["path"].startswith(LIMITED)
        return is_api or is_guess(HTTPConnection(scope))

    def _client(self, conn: HTTPConnection) -> str:
        """Return who asks: a key that is valid, else an address (guessing keys is limited too)."""
        key = given_key(conn)
        if key and is_accepted(key, self.state.settings):
            return hashlib.sha256(key.encode()).hexdigest()
        return network_of(conn.client.host) if conn.client else "unknown"


def network_of(host: str) -> str:
    """Return what counts as one client: an IPv4 address, or the network of an IPv6 one.

    >>> network_of("203.0.113.9"), network_of("2001:db8:1:2:3:4:5:6")
    ('203.0.113.9', '2001:db8:1:2::')
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), IPV6_NETWORK), strict=False).network_address)
