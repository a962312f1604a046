"""A WebSocket client of a few microseconds a message, for fleets of callers.

Text messages only, no extensions. Everything happens in callbacks of the event loop: no task and
no future per message.

Source: RFC 6455.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import struct
from collections.abc import Callable, Mapping
from typing import cast
from urllib.parse import urlsplit

from sdr_lab.errors import ProviderError

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NO_MASK = b"\0\0\0\0"
"""Clients must mask what they send, against scripts in browsers. A key of zero is allowed and
leaves the bytes as they are."""


class WireSocket(asyncio.Protocol):
    """One connection, after its handshake."""

    def __init__(self, key: str) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.close_code: int | None = None
        """With which the other side closed."""
        self.on_text: Callable[[str], None] = _drop
        self._key = key
        self._buffer = bytearray()
        self._parts = bytearray()
        self._is_open = False
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        return self._is_open and self._transport is not None and not self._transport.is_closing()

    def send_text(self, text: str) -> None:
        """Send a message. After the end it goes nowhere, as on any socket."""
        self._send(TEXT, text.encode())

    def close(self, code: int = 1000) -> None:
        """Say goodbye; the connection ends when the other side has answered."""
        self._send(CLOSE, struct.pack("!H", code))

    def abort(self) -> None:
        """Break the connection."""
        if self._transport is not None:
            self._transport.abort()

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_open = False
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("closed before the handshake was over"))
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open and not self._shake_hands():
            return
        self._read()

    # ---- inside

    def _shake_hands(self) -> bool:
        head, end, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not end or self.opened.done():
            return False
        lines = head.decode("latin-1").split("\r\n")
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:])
        }
        digest = hashlib.sha1(self._key.encode() + MAGIC).digest()
        is_right = fields.get("sec-websocket-accept") == base64.b64encode(digest).decode()
        if " 101 " not in f"{lines[0]} " or not is_right:
            self.opened.set_exception(ConnectionError(f"refused: {lines[0]}"))
            self.abort()
            return False
        self._buffer = bytearray(rest)
        self._is_open = True
        self.opened.set_result(None)
        return True

    def _read(self) -> None:
        buffer = self._buffer
        at = 0
        while len(buffer) - at >= 2:
            size = buffer[at + 1] & 0x7F
            head = 2
            if size == 126:
                head, size = 4, int.from_bytes(buffer[at + 2 : at + 4])
            elif size == 127:
                head, size = 10, int.from_bytes(buffer[at + 2 : at + 10])
            end = at + head + size
            if len(buffer) < end or (head > 2 and len(buffer) - at < head):
                break
            self._frame(buffer[at], bytes(buffer[at + head : end]))
            at = end
        del buffer[:at]

    def _frame(self, first: int, payload: bytes) -> None:
        opcode, is_last = first & 0xF, bool(first & 0x80)
        if opcode == PING:
            self._send(PONG, payload)
        elif opcode == CLOSE:
            self.close_code = int.from_bytes(payload[:2]) if payload else 1005
            self._send(CLOSE, payload[:2])
            if self._transport is not None:
                self._transport.close()
        elif opcode != PONG:
            if is_last and not self._parts:
                self.on_text(payload.decode("utf-8", "replace"))
                return
            self._parts += payload
            if is_last:
                whole = self._parts.decode("utf-8", "replace")
                self._parts.clear()
                self.on_text(whole)

    def _send(self, opcode: int, payload: bytes) -> None:
        if not self.is_open or self._transport is None:
            return
        size = len(payload)
        if size < 126:
            head = bytes((0x80 | opcode, 0x80 | size))
        elif size < 65536:
            head = struct.pack("!BBH", 0x80 | opcode, 0xFE, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0xFF, size)
        self._transport.write(head + NO_MASK + payload)


async def connect(
    url: str, headers: Mapping[str, str] | None = None, timeout_s: float = 10.0
) -> WireSocket:
    """Open a WebSocket.

    Raises:
        ProviderError: there is no server, or it refuses; the message has its status line.
    """
    parts = urlsplit(url)
    is_tls = parts.scheme == "wss"
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    lines = {
        "Host": parts.netloc,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": "13",
        **(headers or {}),
    }
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    loop = asyncio.get_running_loop()
    wire = WireSocket(key)
    try:
        async with asyncio.timeout(timeout_s):
            transport, _ = await loop.create_connection(
                lambda: wire,
                parts.hostname or "",
                parts.port or (443 if is_tls else 80),
                ssl=is_tls or None,
            )
            transport.write(f"GET {path} HTTP/1.1\r\n{text}\r\n".encode())
            await wire.opened
    except (OSError, TimeoutError) as error:
        wire.abort()
        reason = str(error) or "no answer in time"
        raise ProviderError("media stream", f"{url}: {reason}") from error
    return wire


def _drop(_: str) -> None:
    """Nobody listens yet."""
