"""`Idempotency-Key`: a POST that is sent twice is one action with one reply.

The first request with a key runs, and its reply is kept in the database; later ones get that reply
without running anything, after a restart too. What may end differently when tried again is not
kept: failures of the server, refusals for want of a key, too many requests.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sdr_lab.api.auth import given_key, refusal
from sdr_lab.api.errors import error_reply, reply_to
from sdr_lab.api.state import AppState
from sdr_lab.errors import SdrLabError

log = logging.getLogger(__name__)

HEADER = "idempotency-key"
PREFIX = "/v1/convai/"

KEY_CHARS = re.compile(r"[\x21-\x7e]{1,255}")

NOT_KEPT = frozenset({401, 403, 408, 425, 429})
"""Besides 5xx: the same request may succeed later."""

REPLAYED = "Idempotency-Replayed"
"""Header of a reply that was kept, as Stripe names it."""


@dataclass
class Reply:
    """What the app answered, as it passes."""

    status: int = 0
    content_type: str = ""
    body: bytearray = field(default_factory=bytearray)

    def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.content_type = Headers(raw=message["headers"]).get("content-type", "")
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    @property
    def is_kept(self) -> bool:
        return 200 <= self.status < 500 and self.status not in NOT_KEPT

    def as_text(self) -> str:
        """Return content type and body for the store."""
        return json.dumps([self.content_type, self.body.decode()])


class Idempotency:
    """Handles the header for every POST below /v1/convai."""

    def __init__(self, app: ASGIApp, state: AppState) -> None:
        self.app = app
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = self._key(scope)
        if key is None or refusal(conn := HTTPConnection(scope)) is not None:
            await self.app(scope, receive, send)  # who may not use the API learns nothing
            return
        if not KEY_CHARS.fullmatch(key):
            told = "the header Idempotency-Key must be 1 to 255 visible ASCII characters"
            await error_reply(422, told, "invalid_idempotency_key")(scope, receive, send)
            return
        try:
            body = await _read(receive, self._most_bytes)
        except ClientDisconnect:
            return
        if body is None:
            told = f"with an Idempotency-Key a body may have {self._most_bytes} bytes at most"
            await error_reply(413, told)(scope, receive, send)
            return
        owner = hashlib.sha256(given_key(conn).encode()).hexdigest()[:16]
        await self._once(key, f"{owner} {scope['path']}", body, scope, receive, send)

    async def _once(
        self, key: str, place: str, body: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        store = self.state.lab.idempotency
        try:
            known = await asyncio.to_thread(store.begin, key, place, fingerprint(scope, body))
        except SdrLabError as error:
            await reply_to(error)(scope, receive, send)
            return
        if known is not None:
            content_type, text = json.loads(known.body)
            replay = Response(text, known.status, {REPLAYED: "true"}, media_type=content_type)
            await replay(scope, receive, send)
            return
        reply = Reply()

        async def watched(message: Message) -> None:
            reply.take(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                await self._settle(key, place, reply)  # kept before the client can ask again
            await send(message)

        try:
            await self.app(scope, _again(body, receive), watched)
        finally:
            if not reply.is_kept:  # also when the handler failed or was cancelled
                await asyncio.shield(asyncio.to_thread(store.forget, key, place))

    async def _settle(self, key: str, place: str, reply: Reply) -> None:
        if not reply.is_kept:
            return
        store = self.state.lab.idempotency
        try:
            await asyncio.to_thread(store.finish, key, place, reply.status, reply.as_text())
        except SdrLabError as error:  # it is done, and stays "in progress": never done twice
            log.error("the reply to Idempotency-Key %r can't be kept: %s", key, error)

    @property
    def _most_bytes(self) -> int:
        """A document with the multipart around it."""
        return int(self.state.settings.max_document_mb * 2**20) + 2**16

    @staticmethod
    def _key(scope: Scope) -> str | None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        if not scope["path"].startswith(PREFIX):
            return None
        return Headers(scope=scope).get(HEADER)


def fingerprint(scope: Scope, body: bytes) -> str:
    """Return what makes a request the same as another one: where it goes and what it says.

    The boundary of a form with files is a new random one each time, so it is left out.
    """
    content_type = Headers(scope=scope).get("content-type", "")
    found = re.search(r'boundary="?([^";]+)', content_type)
    if found:
        body = body.replace(found[1].encode(), b"")
    query = scope.get("query_string", b"")
    return hashlib.sha256(b"\0".join([scope["path"].encode(), query, body])).hexdigest()


async def _read(receive: Receive, most_bytes: int) -> bytes | None:
    """Return the body of a request, None when it is too large.

    Raises:
        ClientDisconnect: only a part of it came.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > most_bytes:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once more, and then what the client does."""
    is_given = False

    async def give() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give
