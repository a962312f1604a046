"""The pretended Deepgram's text to speech over a WebSocket.

Source: https://developers.deepgram.com/docs/tts-websocket
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import WSMsgType
from deepgram.speak.v1.types.speak_v1clear import SpeakV1Clear
from deepgram.speak.v1.types.speak_v1cleared import SpeakV1Cleared
from deepgram.speak.v1.types.speak_v1close import SpeakV1Close
from deepgram.speak.v1.types.speak_v1flush import SpeakV1Flush
from deepgram.speak.v1.types.speak_v1flushed import SpeakV1Flushed
from deepgram.speak.v1.types.speak_v1metadata import SpeakV1Metadata
from deepgram.speak.v1.types.speak_v1text import SpeakV1Text
from deepgram.speak.v1.types.speak_v1warning import SpeakV1Warning
from pydantic import BaseModel

from sdr_lab.simulate.deepgram_wire import MODEL_UUID, REQUEST_ID, Wire

CLIENT_FRAMES: dict[str, type[BaseModel]] = {
    "Speak": SpeakV1Text,
    "Flush": SpeakV1Flush,
    "Clear": SpeakV1Clear,
    "Close": SpeakV1Close,
}
FLUSHES, FLUSH_WINDOW_S = 20, 60.0
MAX_CHARS = 2000
ERROR = (SpeakV1Warning, {"type": "Warning", "code": "INTERNAL", "description": "engine failed"})

Synthesis = Callable[[str], Awaitable[bytes]]
"""Text → audio in the encoding of the connection."""


@dataclass(frozen=True, slots=True)
class _Job:
    kind: str
    text: str
    age: int


class Speaking:
    """One connection to `/v1/speak`."""

    def __init__(
        self, wire: Wire, synthesis: Synthesis, chunk_bytes: int, chunk_s: float, idle_s: float
    ) -> None:
        self._wire = wire
        self._synthesis = synthesis
        self._chunk_bytes = chunk_bytes
        self._chunk_s = chunk_s
        self._idle_s = idle_s
        self._text = ""
        self._age = 0
        self._sequence = 0
        self._flushes: deque[float] = deque(maxlen=FLUSHES)
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()

    async def run(self) -> None:
        """Serve until the client leaves."""
        model = self._wire.link.query.get("model", ["aura-asteria-en"])[0]
        names = {"model_name": model, "model_version": "2026-11-24.0", "model_uuid": MODEL_UUID}
        await self._wire.send(SpeakV1Metadata, type="Metadata", request_id=REQUEST_ID, **names)
        async with asyncio.TaskGroup() as group:
            speaking = group.create_task(self._speak())
            await self._listen()
            speaking.cancel()

    async def _listen(self) -> None:
        socket = self._wire.socket
        while True:
            try:
                message = await socket.receive(timeout=self._idle_s)
            except TimeoutError:
                await socket.close(code=1011, message=b"NET-0001")
                return
            if message.type is not WSMsgType.TEXT:
                return
            order = self._wire.parsed(message.data)
            if order is None:
                await self._warn("MESSAGE-0000", "the message could not be read")
            elif order["type"] == "Close":
                await socket.close(code=1000)
                return
            else:
                await self._obey(order["type"], order.get("text", ""))

    async def _obey(self, kind: str, text: str) -> None:
        if kind == "Speak":
            if len(text) > MAX_CHARS:
                await self._warn("BIG-0000", f"more than {MAX_CHARS} characters")
            self._text += text
        elif kind == "Flush":
            now_s = time.monotonic()
            if len(self._flushes) == FLUSHES and now_s - self._flushes[0] < FLUSH_WINDOW_S:
                await self._warn("FLUSH-0000", "too many Flush messages in 60 s")
                return
            self._flushes.append(now_s)
            text, self._text = self._text, ""
            self._jobs.put_nowait(_Job("flush", text, self._age))
        elif kind == "Clear":
            self._text = ""
            self._age += 1
            self._jobs.put_nowait(_Job("clear", "", self._age))

    async def _warn(self, code: str, description: str) -> None:
        await self._wire.send(SpeakV1Warning, type="Warning", code=code, description=description)

    async def _speak(self) -> None:
        while True:
            job = await self._jobs.get()
            if job.kind == "clear":
                await self._confirm(SpeakV1Cleared, "Cleared")
            elif job.age == self._age:
                await self._audio(job)

    async def _audio(self, job: _Job) -> None:
        audio = await self._synthesis(job.text) if job.text.strip() else b""
        sent = 0
        for at in range(0, len(audio), self._chunk_bytes):
            await asyncio.sleep(self._chunk_s)
            if job.age != self._age:
                return
            await self._wire.go_wrong(sent, ERROR)
            chunk = audio[at : at + self._chunk_bytes]
            if not self._wire.is_silent:
                await self._wire.socket.send_bytes(chunk)
                self._wire.link.audio += chunk
            sent += len(chunk)
        await self._confirm(SpeakV1Flushed, "Flushed")

    async def _confirm(self, model: type[BaseModel], kind: str) -> None:
        await self._wire.send(model, type=kind, sequence_id=self._sequence)
        self._sequence += 1
