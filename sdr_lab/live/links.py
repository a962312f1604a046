"""Signed links: whoever has one may talk to one agent, for a while, without a key.

A JWT (HS256) with JWT_SECRET, or with a secret of this process when none is set: links then end
with the process.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from functools import cache

from sdr_lab.config import Settings
from sdr_lab.errors import Refused

AUDIENCE = "sdr_lab:conversation"
GOOD_FOR_S = 900
"""As long as ElevenLabs' own signed URLs. A conversation that has begun goes on."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a signed link allows."""

    agent_id: str


def sign_link(link: Link, settings: Settings, now_s: float | None = None) -> str:
    """Return a token for a link, good for `GOOD_FOR_S`."""
    import jwt

    issued_s = int(time.time() if now_s is None else now_s)
    claims = {
        "aud": AUDIENCE,
        "agent_id": link.agent_id,
        "iat": issued_s,
        "exp": issued_s + GOOD_FOR_S,
        "jti": secrets.token_hex(8),
    }
    return jwt.encode(claims, _secret(settings), algorithm="HS256")


def read_link(token: str, settings: Settings) -> Link:
    """Return what a token allows.

    Raises:
        Refused: it was not made here, or has expired.
    """
    import jwt

    required = ["aud", "exp", "iat", "agent_id"]
    try:
        claims = jwt.decode(
            token,
            _secret(settings),
            algorithms=["HS256"],
            audience=AUDIENCE,
            options={"require": required},
        )
    except jwt.PyJWTError as error:
        raise Refused(f"signed link: {str(error).lower() or 'not valid'}") from None
    return Link(str(claims["agent_id"]))


def _secret(settings: Settings) -> str:
    return settings.secret("JWT_SECRET") or _secret_of_process()


@cache
def _secret_of_process() -> str:
    return secrets.token_hex(32)
