"""Requests of the phone network to the server: signed as Twilio signs, and kept.

Source: https://www.twilio.com/docs/usage/security, "Validating signatures from Twilio".
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import uuid4

import aiohttp

Pairs = tuple[tuple[str, str], ...]
SIGNATURE = "X-Twilio-Signature"


def sign(url: str, form: Iterable[tuple[str, str]], auth_token: str) -> str:
    """Return the signature of a request.

    Args:
        url: As the server is known to the world, query included; `wss://…` of an upgrade.
        form: The fields of a POST; none for GET and for an upgrade.
        auth_token: The secret of the account.
    """
    text = url + "".join(name + value for name, value in sorted(set(form)))
    digest = hmac.digest(auth_token.encode(), text.encode(), "sha1")
    return base64.b64encode(digest).decode("ascii")


def signature_of(
    kind: str, url: str, form: Iterable[tuple[str, str]], auth_token: str
) -> dict[str, str]:
    """Return the header of a request: `right`, `wrong` (another secret) or `none`."""
    if kind == "none":
        return {}
    return {SIGNATURE: sign(url, form, auth_token if kind == "right" else f"not {auth_token}")}


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request that was sent, and the answer."""

    event: str
    """`voice`, `action`, `dial`, `fallback`, `redirect`, or an event of a callback."""
    method: str
    url: str
    form: Pairs
    status: int
    """0: no answer."""
    content_type: str = ""
    body: bytes = b""
    error: str = ""

    @property
    def fields(self) -> Mapping[str, str]:
        """The form by name."""
        return dict(self.form)


class Courier:
    """Sends requests to where the server really is."""

    def __init__(self, auth_token: str, reach: Mapping[str, str], timeout_s: float) -> None:
        """Prepare; `open` before the first request.

        Args:
            auth_token: Signs.
            reach: Where a public origin really is: `https://agent.example` → `http://127.0.0.1:9001`.
            timeout_s: For a whole request.
        """
        self.auth_token = auth_token
        self.reach = {origin.rstrip("/"): real.rstrip("/") for origin, real in reach.items()}
        self.timeout_s = timeout_s
        self.sent: list[Webhook] = []
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the phone network is not open: use `async with`")
        return self._session

    def real(self, url: str) -> tuple[str, dict[str, str]]:
        """Return the address to connect to, and the Host header if it is another one."""
        parts = urlsplit(url)
        scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
        real = self.reach.get(f"{scheme}://{parts.netloc}")
        if real is None:
            return url, {}
        there = urlsplit(real)
        kind = there.scheme.replace("http", "ws") if parts.scheme.startswith("ws") else there.scheme
        address = urlunsplit((kind, there.netloc, parts.path, parts.query, ""))
        return address, {"Host": parts.netloc, "X-Forwarded-Proto": scheme}

    async def send(
        self, event: str, url: str, form: Pairs, method: str = "POST", signature: str = "right"
    ) -> Webhook:
        """Send a form, or with GET a query, and return what came back. Never raises for it."""
        if method == "GET":
            url = f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(form)}"
        signed = form if method == "POST" else ()
        headers = signature_of(signature, url, signed, self.auth_token)
        address, host = self.real(url)
        headers |= {
            **host,
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": str(uuid4()),
        }
        try:
            webhook = await self._ask(event, method, url, address, form, headers)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            webhook = Webhook(event, method, url, form, 0, error=reason)
        self.sent.append(webhook)
        return webhook

    async def _ask(
        self,
        event: str,
        method: str,
        url: str,
        address: str,
        form: Pairs,
        headers: Mapping[str, str],
    ) -> Webhook:
        async with self.session.request(
            method,
            address,
            data=list(form) if method == "POST" else None,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=self.timeout_s),
        ) as answer:
            body = await answer.read()
            return Webhook(event, method, url, form, answer.status, answer.content_type, body)
