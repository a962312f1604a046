"""Who may use the API: the keys of API_KEYS, or, without any, programs on this machine."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Security
from fastapi.security import APIKeyHeader
from starlette.requests import HTTPConnection

from sdr_lab.api.errors import ApiError
from sdr_lab.api.state import state_of
from sdr_lab.config import Settings

log = logging.getLogger(__name__)

KEY_HEADER = "xi-api-key"

FORWARDED = (
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fly-client-ip",
)
"""Headers of proxies and tunnels: behind them a loopback address says nothing."""

FORWARDED_PREFIX = "x-forwarded-"

PROXY_HTTP = "1.0"
"""What nginx speaks when it is told nothing, to a `Host` of this machine; programs speak 1.1."""

TEST_CLIENT = "testclient"
"""What Starlette's TestClient calls itself; a socket always has an address."""

TEST_SERVER = "testserver"
"""What it calls the server. Of a real client this is a name like any other."""

key_header = APIKeyHeader(
    name=KEY_HEADER,
    scheme_name="ApiKey",
    description="One of API_KEYS; `Authorization: Bearer …` works as well. Without API_KEYS "
    "programs on this machine need none, and nobody else is let in.",
    auto_error=False,
)


def given_key(conn: HTTPConnection) -> str:
    """Return the key that a request carries, empty when it carries none."""
    if key := conn.headers.get(KEY_HEADER):
        return key
    scheme, _, token = conn.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def is_accepted(key: str, settings: Settings) -> bool:
    """Say whether a key is one of API_KEYS, in the same time whatever the answer is."""
    given = hashlib.sha256(key.encode()).digest()
    found = False
    for accepted in settings.accepted_keys():
        found |= hmac.compare_digest(given, hashlib.sha256(accepted.encode()).digest())
    return found


def is_loopback(host: str) -> bool:
    """Say whether an address is one of this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("10.0.0.7")
    (True, False)
    """
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def is_local(conn: HTTPConnection) -> bool:
    """Say whether a request comes straight from a program on this machine.

    The address is not enough: tunnels and proxies on this machine pass on other people's
    requests, and a page in the user's browser can reach loopback by a name of its own (DNS
    rebinding) or by posting across origins.
    """
    if _is_forwarded(conn):
        return False
    client, name = conn.client.host if conn.client else "", _asked_name(conn)
    if client == TEST_CLIENT and name == TEST_SERVER:
        return _may_ask(conn)
    return (client == TEST_CLIENT or is_loopback(client)) and is_loopback(name) and _may_ask(conn)


def _is_forwarded(conn: HTTPConnection) -> bool:
    if conn.scope.get("http_version") == PROXY_HTTP:
        return True
    return any(name in FORWARDED or name.startswith(FORWARDED_PREFIX) for name in conn.headers)


def _asked_name(conn: HTTPConnection) -> str:
    try:
        return urlsplit(f"//{conn.headers.get('host', '')}").hostname or ""
    except ValueError:  # such as "[::1"
        return ""


def _may_ask(conn: HTTPConnection) -> bool:
    """Say whether a page in a browser is one of ours or of CORS_ORIGINS; programs name none."""
    origin = conn.headers.get("origin")
    if origin is None or origin in state_of(conn).settings.cors_origins:
        return True
    return origin.partition("://")[2] == conn.headers.get("host")


def refusal(conn: HTTPConnection) -> ApiError | None:
    """Return why a request may not use the API, None when it may."""
    settings = state_of(conn).settings
    if settings.accepted_keys():
        key = given_key(conn)
        if is_accepted(key, settings):
            return None
        said = "is not one of API_KEYS" if key else "is missing"
        return ApiError(
            401,
            "invalid_api_key",
            f"the header {KEY_HEADER} {said}",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if is_local(conn):
        return None
    return ApiError(
        403,
        "loopback_only",
        "without API_KEYS the API serves programs on this machine only: set API_KEYS and send "
        f"one of them as {KEY_HEADER}",
    )


def is_guess(conn: HTTPConnection) -> bool:
    """Say whether a request carries a key that is none of API_KEYS."""
    settings = state_of(conn).settings
    key = given_key(conn)
    return bool(key and settings.accepted_keys()) and not is_accepted(key, settings)


async def require_key(
    conn: HTTPConnection, _: Annotated[str | None, Security(key_header)] = None
) -> None:
    """Let in who may use the API: `APIRouter(dependencies=[KEY])`. Works for WebSockets too.

    Raises:
        ApiError: 401 or 403.
    """
    if (error := refusal(conn)) is not None:
        log.warning("%s refused: %s", conn.url.path, error)
        raise error


KEY = Depends(require_key)
"""The dependency of every router that needs a key."""
