"""A WebSocket as lines see it: text in, text out."""

from __future__ import annotations

from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from sdr_lab.telephony.twilio_media import ProtocolError

POLICY_VIOLATION = 1008
GOING_AWAY = 1001
MISTAKE = 1011
TRY_LATER = 1013

MOST_BYTES = 64 * 1024
"""Longest message of a media stream."""

REASON_BYTES = 123
"""What a close frame can hold."""


class TextSocket:
    """An accepted WebSocket (`telephony.twilio_line.Socket`).

    Args:
        most_bytes: Longest message that is taken.
    """

    def __init__(self, websocket: WebSocket, most_bytes: int = MOST_BYTES) -> None:
        self._websocket = websocket
        self._most_bytes = most_bytes

    async def receive(self) -> str | None:
        """Return the next message; None when the peer has gone.

        Raises:
            ProtocolError: a binary message, or one that is too long.
        """
        message = await self._websocket.receive()
        if message["type"] != "websocket.receive":
            return None
        text = message.get("text")
        if text is None:
            raise ProtocolError("a binary message; all messages are text")
        if len(text) > self._most_bytes:
            raise ProtocolError(f"a message of {len(text)} characters; {self._most_bytes} allowed")
        return text

    async def send(self, text: str) -> None:
        await self._websocket.send_text(text)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye; nothing happens when that is done already."""
        socket = self._websocket
        if WebSocketState.DISCONNECTED in (socket.client_state, socket.application_state):
            return
        with suppress(WebSocketDisconnect):  # it has gone without a word
            await socket.close(code, reason.encode()[:REASON_BYTES].decode(errors="ignore"))


def peer_of(websocket: WebSocket) -> str:
    """Return the address of the other side, for the log."""
    return websocket.client.host if websocket.client else "unknown"
