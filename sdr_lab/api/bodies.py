"""How large the body of a request may be, and how long it may take.

FastAPI reads a JSON body as a whole before it asks for a key, so this is asked before.
"""

from __future__ import annotations

import asyncio

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sdr_lab.api.auth import refusal
from sdr_lab.api.errors import error_reply
from sdr_lab.api.state import AppState

STRANGER_BYTES = 64 * 1024
"""Of a body without a key. Twilio's forms have some 2 KB."""
STRANGER_S = 10.0
"""In all."""

PAUSE_S = 60.0
"""A client with a key may send for as long as it likes, with pauses of so long."""

API = "/v1/"


class BodyRefused(HTTPException):
    """A body that is not read to its end. FastAPI lets these through as they are."""

    def __init__(self, status: int, word: str, message: str) -> None:
        super().__init__(status, {"status": word, "message": message})
        self.word = word
        self.message = message


class BodyLimit:
    """Answers 413 to bodies that are too large, 408 to those that are too slow."""

    def __init__(self, app: ASGIApp, state: AppState) -> None:
        self.app = app
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_known = scope["path"].startswith(API) and refusal(HTTPConnection(scope)) is None
        most_bytes = self.most_bytes if is_known else STRANGER_BYTES
        if _told_bytes(scope) > most_bytes:
            await error_reply(413, _too_large(most_bytes), "too_large")(scope, receive, send)
            return
        limit_s, is_total = (PAUSE_S, False) if is_known else (STRANGER_S, True)
        try:
            await self.app(scope, _limited(receive, most_bytes, limit_s, is_total), send)
        except BodyRefused as error:  # a layer has read it, not a route
            reply = error_reply(error.status_code, error.message, error.word)
            await reply(scope, receive, send)

    @property
    def most_bytes(self) -> int:
        """A document with the form around it."""
        return int(self.state.settings.max_document_mb * 2**20) + 2**16


def _told_bytes(scope: Scope) -> int:
    told = Headers(scope=scope).get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 20 else 0


def _too_large(most_bytes: int) -> str:
    return f"the body is too large, allowed: {most_bytes} bytes"


def _limited(receive: Receive, most_bytes: int, limit_s: float, is_total: bool) -> Receive:
    """Return a `receive` that gives up.

    Args:
        limit_s: For the whole body (`is_total`), or between two pieces of it.
    """
    size = 0
    is_whole = False
    until_s = asyncio.get_running_loop().time() + limit_s

    async def limited() -> Message:
        nonlocal size, is_whole
        if is_whole:  # waits for the client to go, which may be long
            return await receive()
        now_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(until_s if is_total else now_s + limit_s):
                message = await receive()
        except TimeoutError:
            told = f"the body did not come within {limit_s:g} s"
            raise BodyRefused(408, "too_slow", told) from None
        size += len(message.get("body", b""))
        if size > most_bytes:
            raise BodyRefused(413, "too_large", _too_large(most_bytes))
        is_whole = not message.get("more_body", False)
        return message

    return limited
