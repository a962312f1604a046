"""A WebSocket with nobody but a script at its other end. For tests and for trying things out."""

from __future__ import annotations

import asyncio
import json
from typing import Any


class ScriptedSocket:
    """Says what it is told to say, and keeps what it gets (`telephony.twilio_line.Socket`)."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.closed: tuple[int, str] | None = None
        """Code and reason, once our side has closed."""
        self.send_error: Exception | None = None
        """Raised at the next message."""
        self._said: asyncio.Queue[str | Exception | None] = asyncio.Queue()
        self._reads = asyncio.Event()
        self._reads.set()

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What it got, as values."""
        return [json.loads(text) for text in self.got]

    # ---- the script

    def say(self, message: dict[str, Any] | str) -> None:
        """Say a message; text goes as it is."""
        self._said.put_nowait(message if isinstance(message, str) else json.dumps(message))

    def hang_up(self) -> None:
        """Close the connection."""
        self._said.put_nowait(None)

    def break_down(self, error: Exception) -> None:
        """Fail at the next `receive`."""
        self._said.put_nowait(error)

    def stop_reading(self) -> None:
        """Take nothing more until `read_on`; what is sent waits, as on a full connection."""
        self._reads.clear()

    def read_on(self) -> None:
        self._reads.set()

    # ---- Socket

    async def receive(self) -> str | None:
        said = await self._said.get()
        if isinstance(said, Exception):
            raise said
        return said

    async def send(self, text: str) -> None:
        await self._reads.wait()
        if self.send_error is not None:
            raise self.send_error
        self.got.append(text)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = (code, reason)
        self.hang_up()
