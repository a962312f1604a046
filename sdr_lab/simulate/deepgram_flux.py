"""The pretended Deepgram's live transcription, version 2 (Flux).

Source: https://developers.deepgram.com/docs/flux/state. Its certainty that a turn is over grows
with the silence behind the last word.
"""

from __future__ import annotations

from typing import Any

from aiohttp import WSMsgType
from deepgram.listen.v2.types.listen_v2close_stream import ListenV2CloseStream
from deepgram.listen.v2.types.listen_v2configure import ListenV2Configure
from deepgram.listen.v2.types.listen_v2connected import ListenV2Connected
from deepgram.listen.v2.types.listen_v2fatal_error import ListenV2FatalError
from deepgram.listen.v2.types.listen_v2force_end_turn import ListenV2ForceEndTurn
from deepgram.listen.v2.types.listen_v2turn_info import ListenV2TurnInfo
from pydantic import BaseModel

from sdr_lab.records import FRAME_BYTES, FRAME_MS
from sdr_lab.simulate.deepgram_ear import Ear
from sdr_lab.simulate.deepgram_wire import REQUEST_ID, Wire

CLIENT_FRAMES: dict[str, type[BaseModel]] = {
    "CloseStream": ListenV2CloseStream,
    "ForceEndTurn": ListenV2ForceEndTurn,
    "Configure": ListenV2Configure,
}
UPDATE_MS = 240
SURE_MS = 800
"""Silence after which it would be certain."""
CONFIDENCE = 0.98
ERROR = (
    ListenV2FatalError,
    {"type": "Error", "sequence_id": 0, "code": "INTERNAL", "description": "engine failed"},
)


class FluxListening:
    """One connection to `/v2/listen`."""

    def __init__(self, wire: Wire, ear: Ear, idle_s: float) -> None:
        query = wire.link.query
        self._wire = wire
        self._ear = ear
        self._idle_s = idle_s
        self._sure = float(query.get("eot_threshold", ["0.7"])[0])
        eager = query.get("eager_eot_threshold")
        self._eager = float(eager[0]) if eager else None
        self._timeout_ms = int(query.get("eot_timeout_ms", ["5000"])[0])
        self._rest = b""
        self._now_ms = 0
        self._told_ms = 0
        self._voiced_ms = 0
        self._sequence = 0
        self._turn = 0
        self._taken = 0
        self._is_ongoing = False
        self._is_awaiting = False

    async def run(self) -> None:
        """Serve until the client leaves."""
        await self._wire.send(
            ListenV2Connected, type="Connected", request_id=REQUEST_ID, sequence_id=0
        )
        socket = self._wire.socket
        while True:
            try:
                message = await socket.receive(timeout=self._idle_s)
            except TimeoutError:
                await socket.close(code=1011, message=b"NET-0001")
                return
            if message.type is WSMsgType.BINARY and message.data:
                await self._hear(message.data)
            elif message.type is WSMsgType.TEXT:
                order = self._wire.parsed(message.data)
                if order is not None and order["type"] == "ForceEndTurn":
                    await self._force()
                if order is not None and order["type"] == "CloseStream":
                    await socket.close(code=1000)
                    return
            else:
                return

    async def _force(self) -> None:
        """End the turn on what was heard; without a turn this is ignored."""
        await self._ear.finish()
        if self._is_ongoing or len(self._ear.words) > self._taken:
            await self._end("manual", 0.5)

    async def _hear(self, audio: bytes) -> None:
        self._wire.link.audio += audio
        audio = self._rest + audio
        whole = len(audio) // FRAME_BYTES * FRAME_BYTES
        self._rest = audio[whole:]
        for at in range(0, whole, FRAME_BYTES):
            await self._frame(audio[at : at + FRAME_BYTES])
            await self._wire.go_wrong(self._now_ms, ERROR)

    async def _frame(self, frame: bytes) -> None:
        is_speech = await self._ear.hear(frame, self._now_ms)
        self._now_ms += FRAME_MS
        if is_speech:
            self._voiced_ms = self._now_ms
        quiet_ms = self._now_ms - self._voiced_ms
        sure = min(1.0, quiet_ms / SURE_MS)
        if not self._is_ongoing:
            if len(self._ear.words) > self._taken:
                self._is_ongoing = True
                await self._tell("StartOfTurn", sure)
        elif self._is_awaiting and is_speech:
            self._is_awaiting = False
            await self._tell("TurnResumed", sure)
        elif sure >= self._sure and self._sure < 1:
            await self._end("model", sure)
        elif quiet_ms >= self._timeout_ms:
            await self._end("timeout", sure)
        elif self._eager is not None and sure >= self._eager and not self._is_awaiting:
            self._is_awaiting = True
            await self._tell("EagerEndOfTurn", sure)
        if self._now_ms - self._told_ms >= UPDATE_MS:
            await self._tell("Update", sure)

    async def _end(self, trigger: str, sure: float) -> None:
        await self._tell("EndOfTurn", sure, trigger=trigger)
        self._is_ongoing = self._is_awaiting = False
        self._taken = len(self._ear.words)
        self._turn += 1

    async def _tell(self, event: str, sure: float, **more: str) -> None:
        self._sequence += 1
        words = self._ear.words[self._taken :]
        heard: list[dict[str, Any]] = [
            {
                "word": word.text,
                "confidence": CONFIDENCE,
                "start": word.start_ms / 1000,
                "end": word.end_ms / 1000,
            }
            for word in words
        ]
        started_ms, self._told_ms = self._told_ms, self._now_ms
        await self._wire.send(
            ListenV2TurnInfo,
            type="TurnInfo",
            request_id=REQUEST_ID,
            sequence_id=self._sequence,
            event=event,
            turn_index=self._turn,
            audio_window_start=started_ms / 1000,
            audio_window_end=self._now_ms / 1000,
            transcript=" ".join(word.text for word in words),
            words=heard,
            end_of_turn_confidence=round(sure, 3),
            **more,
        )
