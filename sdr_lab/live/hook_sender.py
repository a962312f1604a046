"""One try of one webhook: signed, sent, and what came of it.

The signature is that of the official SDK's `construct_event`: over exactly the bytes sent,
`ElevenLabs-Signature: t=<unix>,v0=<hex HMAC-SHA256(secret, "<t>." + body)>`.
"""

from __future__ import annotations

import hashlib
import hmac
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

import sdr_lab
from sdr_lab.agents.public_web import PublicWeb
from sdr_lab.errors import SdrLabError

WAITS_S = (5, 15, 60, 300, 1800, 7200, 21_600)
"""Pauses between tries: the eighth, nine hours later, is the last."""

MOST_RETRY_AFTER_S = 3600

GONE = 410
"""A receiver says with it that it wants no more."""

ANSWER_BYTES = 500
"""Kept of a refusal, for whoever looks into it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often a delivery is tried."""

    timeout_s: float = 10
    waits_s: tuple[float, ...] = WAITS_S
    jitter: float = 0.2
    """Share by which a pause varies, so that what failed together does not come again together."""

    def wait_s(self, attempts: int, retry_after_s: float | None = None) -> float | None:
        """Return the pause before the next try; None: give up.

        Args:
            attempts: Tries so far, all failed, 1, 2, 3…
            retry_after_s: What the receiver asked for.
        """
        if attempts > len(self.waits_s):
            return None
        wait_s = self.waits_s[attempts - 1] * random.uniform(1 - self.jitter, 1 + self.jitter)
        return max(wait_s, min(retry_after_s or 0, MOST_RETRY_AFTER_S))


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a try."""

    status: int | None
    """None: there was no answer."""
    error: str = ""
    """Empty when the receiver took it (2xx)."""
    retry_after_s: float | None = None
    took_ms: float = 0

    @property
    def ok(self) -> bool:
        return not self.error

    @property
    def is_final(self) -> bool:
        """Trying again makes no sense."""
        return self.status == GONE


def signature(secret: str, body: bytes, at_s: int) -> str:
    """Return the value of the signature header."""
    digest = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v0={digest}"


async def send(
    web: PublicWeb,
    url: str,
    secret: str,
    body: str,
    event: str,
    timeout_s: float,
    headers: Mapping[str, str] | None = None,
) -> Attempt:
    """Send once. Never raises for what the receiver or the network does."""
    data = body.encode()
    signed = signature(secret, data, int(time.time()))
    sent = {
        "Content-Type": "application/json",
        "User-Agent": f"sdr-lab/{sdr_lab.__version__}",
        "ElevenLabs-Signature": signed,
        "X-SDR-Lab-Signature": signed,
        "X-SDR-Lab-Event": event,
        **(headers or {}),
    }
    began_s = time.monotonic()
    try:
        reply = await web.fetch(
            "POST", url, headers=sent, body=data, timeout_s=timeout_s, max_bytes=ANSWER_BYTES
        )
    except SdrLabError as error:
        return Attempt(None, str(error), took_ms=_since_ms(began_s))
    took_ms = _since_ms(began_s)
    if 200 <= reply.status < 300:
        return Attempt(reply.status, took_ms=took_ms)
    said = " ".join(reply.text.split())
    if 300 <= reply.status < 400:
        said = "redirects are not followed: give the final address"
    error = f"answered {reply.status}" + (f": {said}" if said else "")
    return Attempt(reply.status, error, _retry_after_s(reply.headers), took_ms)


def _since_ms(began_s: float) -> float:
    return round((time.monotonic() - began_s) * 1000, 1)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "")
    return float(value) if value.isdigit() else None
