"""The pretended Deepgram's live transcription, version 1 (Nova).

Source: https://developers.deepgram.com/docs/understand-endpointing-interim-results. All timing is
audio time, so a client may send faster than real time.
"""

from __future__ import annotations

from typing import Any

from aiohttp import WSMsgType
from deepgram.listen.v1.types.listen_v1close_stream import ListenV1CloseStream
from deepgram.listen.v1.types.listen_v1configure import ListenV1Configure
from deepgram.listen.v1.types.listen_v1error import ListenV1Error
from deepgram.listen.v1.types.listen_v1finalize import ListenV1Finalize
from deepgram.listen.v1.types.listen_v1keep_alive import ListenV1KeepAlive
from deepgram.listen.v1.types.listen_v1metadata import ListenV1Metadata
from deepgram.listen.v1.types.listen_v1results import ListenV1Results
from deepgram.listen.v1.types.listen_v1speech_started import ListenV1SpeechStarted
from deepgram.listen.v1.types.listen_v1utterance_end import ListenV1UtteranceEnd
from pydantic import BaseModel

from sdr_lab.records import FRAME_BYTES, FRAME_MS
from sdr_lab.simulate.deepgram_ear import Ear, HeardWord
from sdr_lab.simulate.deepgram_wire import MODEL_UUID, REQUEST_ID, Wire

CLIENT_FRAMES: dict[str, type[BaseModel]] = {
    "KeepAlive": ListenV1KeepAlive,
    "Finalize": ListenV1Finalize,
    "CloseStream": ListenV1CloseStream,
    "Configure": ListenV1Configure,
}
INTERIM_MS = 240
"""Interim results come so often while there is something new."""
LONGEST_MS = 5_000
"""A piece is finished after so long, wherever it is."""
CONFIDENCE = 0.98
ERROR = (ListenV1Error, {"type": "Error", "variant": "Internal", "description": "engine failed"})


class LiveListening:
    """One connection to `/v1/listen`."""

    def __init__(self, wire: Wire, ear: Ear, idle_s: float) -> None:
        query = wire.link.query
        self._wire = wire
        self._ear = ear
        self._idle_s = idle_s
        self._model = query["model"][0]
        self._endpointing_ms = int(query.get("endpointing", ["10"])[0])
        self._interims = query.get("interim_results", ["false"])[0] == "true"
        self._gap_ms = int(query.get("utterance_end_ms", ["0"])[0])
        self._tells_starts = query.get("vad_events", ["false"])[0] == "true"
        self._rest = b""
        self._now_ms = 0
        self._piece_ms = 0
        self._finished = 0
        self._shown = 0
        self._shown_ms = 0
        self._voiced_ms: int | None = None
        self._is_speaking = False
        self._last_word_ms: int | None = None

    async def run(self) -> None:
        """Serve until the client leaves."""
        socket = self._wire.socket
        while True:
            try:
                message = await socket.receive(timeout=self._idle_s)
            except TimeoutError:
                await socket.close(code=1011, message=b"NET-0001")
                return
            if message.type is WSMsgType.BINARY:
                if not message.data:
                    await socket.close(code=1000)
                    return
                await self._hear(message.data)
            elif message.type is WSMsgType.TEXT:
                if not await self._obey(message.data):
                    return
            else:
                return

    async def _obey(self, text: str) -> bool:
        order = self._wire.parsed(text)
        if order is None:
            wrong = {"variant": "SchemaError", "description": "unknown frame", "message": text}
            await self._wire.send(ListenV1Error, type="Error", **wrong)
        elif order["type"] == "Finalize":
            await self._finalize()
        elif order["type"] == "CloseStream":
            await self._close()
            return False
        return True

    async def _close(self) -> None:
        await self._finalize()
        await self._wire.send(
            ListenV1Metadata,
            type="Metadata",
            transaction_key="deprecated",
            request_id=REQUEST_ID,
            sha256="0" * 64,
            created="2026-11-24T10:00:00.000Z",
            duration=self._now_ms / 1000,
            channels=1,
        )
        await self._wire.socket.close(code=1000)

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
        if is_speech and not self._is_speaking and self._tells_starts:
            at_s = self._now_ms / 1000
            await self._wire.send(
                ListenV1SpeechStarted, type="SpeechStarted", channel=[0, 1], timestamp=at_s
            )
        self._now_ms += FRAME_MS
        if is_speech:
            self._voiced_ms = self._now_ms
            self._is_speaking = True
        quiet_ms = self._now_ms - (self._voiced_ms or 0)
        if self._is_speaking and quiet_ms >= self._endpointing_ms:
            self._is_speaking = False
            await self._finish(speech_final=True)
        elif self._now_ms - self._piece_ms >= LONGEST_MS and not is_speech:
            await self._finish(speech_final=False)
        elif self._interims and self._now_ms - self._shown_ms >= INTERIM_MS:
            await self._interim()
        await self._utterance_end()

    async def _interim(self) -> None:
        if len(self._ear.words) > max(self._shown, self._finished):
            self._shown, self._shown_ms = len(self._ear.words), self._now_ms
            await self._results(is_final=False)

    async def _finalize(self) -> None:
        """Finish what is open; say nothing when nothing is."""
        await self._ear.finish()
        if self._is_speaking or len(self._ear.words) > self._finished:
            await self._finish(speech_final=True, from_finalize=True)

    async def _finish(self, **flags: bool) -> None:
        await self._results(is_final=True, **flags)
        words = self._open_words()
        if words:
            self._last_word_ms = words[-1].end_ms
        self._finished = len(self._ear.words)
        self._piece_ms = self._now_ms

    async def _utterance_end(self) -> None:
        last_ms = self._last_word_ms
        if not self._gap_ms or last_ms is None or self._now_ms - last_ms < self._gap_ms:
            return
        self._last_word_ms = None
        end_s = last_ms / 1000
        await self._wire.send(
            ListenV1UtteranceEnd, type="UtteranceEnd", channel=[0, 1], last_word_end=end_s
        )

    def _open_words(self) -> list[HeardWord]:
        return self._ear.words[self._finished :]

    async def _results(
        self, is_final: bool, speech_final: bool = False, from_finalize: bool = False
    ) -> None:
        words = self._open_words()
        best: dict[str, Any] = {
            "transcript": " ".join(word.text for word in words),
            "confidence": CONFIDENCE if words else 0.0,
            "words": [_word(word) for word in words],
        }
        info = {"name": self._model, "version": "2026-11-24.0", "arch": "loopback"}
        await self._wire.send(
            ListenV1Results,
            type="Results",
            channel_index=[0, 1],
            start=self._piece_ms / 1000,
            duration=(self._now_ms - self._piece_ms) / 1000,
            is_final=is_final,
            speech_final=speech_final,
            from_finalize=from_finalize,
            channel={"alternatives": [best]},
            metadata={"request_id": REQUEST_ID, "model_info": info, "model_uuid": MODEL_UUID},
        )


def _word(word: HeardWord) -> dict[str, Any]:
    times = {"start": word.start_ms / 1000, "end": word.end_ms / 1000}
    return {"word": word.text, "confidence": CONFIDENCE, "punctuated_word": word.text, **times}
