"""Speech to text by Deepgram's live API (Nova).

Source: https://developers.deepgram.com/docs/live-streaming-audio. The caller's µ-law goes there
as it is.

Deepgram cuts its results where it likes; ours belong to the floor's turns. So its finished pieces
are collected, shown as interim words, and handed over as one final result at `FINISH`: at once when
Deepgram has finished all that was said by then, else after `Finalize`. (Its formatting of numbers
alone may hold a result back for 3 s, in case digits follow; `Finalize` makes it come.)
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdr_lab.records import FRAME_MS, TurnSignal, Words
from sdr_lab.stt.base import Cue, Heard
from sdr_lab.stt.deepgram_client import Account, Lost, opened
from sdr_lab.stt.deepgram_draft import Draft, Piece, Spoken
from sdr_lab.stt.deepgram_stream import Order, Patience, Stream

if TYPE_CHECKING:
    from deepgram import AsyncDeepgramClient

log = logging.getLogger(__name__)

STOPPED_MS = 160
"""The caller was silent for about so long when `PAUSED` comes (ENDPOINT_STOPPED_MS)."""
VAD_MS = 100
"""Deepgram's idea of where speech ends may differ by so much from the floor's."""
STALE_MS = 1_000
"""Words so long before the floor noticed the caller are no part of his turn: echo, a murmur."""
MAX_TERMS = 100
"""Deepgram's limit of keywords; of key terms it takes 500 tokens."""


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """How Deepgram listens."""

    model: str = "nova-2"
    language: str = "en"
    endpointing_ms: int = 300
    """Pause after which it finishes a piece."""
    utterance_end_ms: int = 1000
    """Gap between words after which it says that the speaker has stopped."""
    vocabulary: tuple[str, ...] = ()
    """Names it should know how to spell."""
    patience: Patience = field(default_factory=Patience)


class Deepgram:
    """Transcribes with Nova. One object serves one call."""

    name = "deepgram"

    def __init__(self, account: Account, settings: LiveSettings | None = None) -> None:
        """Check the account; nothing is sent yet.

        Raises:
            SettingError: there is no key.
        """
        account.check()
        self._account = account
        self.settings = settings or LiveSettings()

    async def transcribe(
        self, audio: AsyncIterator[Heard | Cue]
    ) -> AsyncGenerator[Words | TurnSignal, None]:
        """Yield words while audio comes in; see `Transcriber`."""
        what = f"model {self.settings.model!r}"
        patience = self.settings.patience
        stream = Stream(
            self.name,
            lambda: opened(self._account, self._connect, what),
            _Mind(patience),
            patience,
        )
        async with aclosing(stream.results(audio)) as results:
            async for result in results:
                yield result

    def _connect(self, client: AsyncDeepgramClient) -> Any:
        settings = self.settings
        names: Any = terms(settings.model, settings.vocabulary)
        return client.listen.v1.connect(
            model=settings.model,
            language=settings.language or None,
            encoding="mulaw",
            sample_rate=8000,
            channels=1,
            interim_results=True,
            endpointing=settings.endpointing_ms,
            utterance_end_ms=settings.utterance_end_ms,
            vad_events=True,
            smart_format=True,
            **names,
        )


def terms(model: str, vocabulary: Sequence[str]) -> dict[str, list[str]]:
    """Return the parameter that a model has for names: Nova-3 takes phrases, the others words."""
    names = list(dict.fromkeys(name.strip() for name in vocabulary if name.strip()))
    if not names:
        return {}
    if model.startswith("nova-3"):
        return {"keyterm": names[:MAX_TERMS]}
    words = [word for name in names for word in name.split() if len(word) > 2]
    return {"keywords": list(dict.fromkeys(words))[:MAX_TERMS]}


@dataclass(slots=True)
class _Finish:
    """A `FINISH` that waits for its answer."""

    at_ms: int
    asked_s: float


class _Mind:
    """The state of one call: see `Mind`."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self.results: deque[Words | TurnSignal] = deque()
        self.orders: deque[Order] = deque()
        self.acknowledged_ms = 0
        self.due_s: float | None = None
        self.is_deaf = False
        self.is_connected = False
        self._draft = Draft()
        self._shown = ""
        self._finish: _Finish | None = None
        self._now_ms = 0
        self._looked_ms = 0
        self._has_spoken = False
        self._is_speaking = False
        self._said_until_ms = 0
        self._ended_ms = -VAD_MS
        self._was_answered = False

    # ---- the floor's side

    def take(self, item: Heard | Cue) -> None:
        match item:
            case Heard():
                self._now_ms = item.at_ms + FRAME_MS
            case Cue.STARTED:
                self._start()
            case Cue.PAUSED:
                self._is_speaking = False
                self._said_until_ms = self._now_ms - STOPPED_MS
            case Cue.FINISH:
                self._wants_final()
            case Cue.DROP:
                self._draft.cut(self._now_ms)
                self._has_spoken = False
                if self._finish is not None:
                    self._answer()
                self._show()

    def _start(self) -> None:
        if not self._has_spoken and self._finish is None:
            self._draft.cut(self._now_ms - STALE_MS)
            self._was_answered = False
            self._show()
        self._has_spoken = self._is_speaking = True

    def _wants_final(self) -> None:
        if self._finish is not None:
            self._answer()
        if self._is_speaking:  # he hung up in mid-word
            self._said_until_ms = self._now_ms
        now_s = asyncio.get_running_loop().time()
        self._finish = _Finish(self._now_ms, now_s)
        if not self._has_spoken or self._is_complete():
            self._answer()
            return
        self.due_s = now_s + self._wait_s()
        self.orders.append(Order("finalize"))

    def _wait_s(self) -> float:
        if not self.is_connected:
            return self._patience.outage_s
        is_open = self._draft.has_tail or self._looked_ms < self._said_until_ms
        return self._patience.late_s if is_open else self._patience.finalize_s

    def _is_complete(self) -> bool:
        """Deepgram has finished everything that the caller has said."""
        if self._draft.has_tail:
            return False
        said_ms = self._said_until_ms
        return self.acknowledged_ms >= said_ms or self._ended_ms >= said_ms - VAD_MS

    def _answer(self) -> None:
        finish = self._finish
        assert finish is not None
        piece = self._draft.until(finish.at_ms)
        start_ms = piece.words[0].start_ms if piece.words else finish.at_ms
        self.results.append(Words(piece.text, True, start_ms, finish.at_ms, piece.confidence))
        self._draft.cut(finish.at_ms)
        self.acknowledged_ms = max(self.acknowledged_ms, finish.at_ms)
        self._shown = ""
        self._has_spoken = self._is_speaking and self._now_ms > finish.at_ms
        self._finish = self.due_s = None
        self.orders.clear()

    def expire(self) -> None:
        self.is_deaf = self.is_connected and self._has_spoken and not self._was_answered
        if self._finish is not None:
            self._answer()

    def _show(self) -> None:
        """Tell the words so far, if they are others than before."""
        piece = self._draft.until()
        if piece.text == self._shown:
            return
        self._shown = piece.text
        start_ms = piece.words[0].start_ms if piece.words else self._now_ms
        end_ms = max(self._looked_ms, self._draft.end_ms)
        self.results.append(Words(piece.text, False, start_ms, end_ms, piece.confidence))

    # ---- Deepgram's side

    def lost(self) -> None:
        self._draft.drop_tail()
        self.is_deaf = False
        if self._finish is not None:
            self.due_s = self._finish.asked_s + self._patience.outage_s

    def read(self, message: Any, origin_ms: int) -> bool:
        self._was_answered = True
        kind = getattr(message, "type", "")
        if kind == "Results":
            try:
                self._read_results(message, origin_ms)
            except (AttributeError, IndexError, TypeError, ValueError):
                log.warning("deepgram: a result of another shape")
                return False
            return True
        if kind == "UtteranceEnd" and isinstance(message.last_word_end, float | int):
            self._ended_ms = max(self._ended_ms, origin_ms + round(1000 * message.last_word_end))
            self._answer_if_complete()
        elif kind == "Error":
            raise Lost(f"Deepgram reported {message.variant}: {message.description}")
        return False

    def _read_results(self, message: Any, origin_ms: int) -> None:
        best = message.channel.alternatives[0]
        start_ms = origin_ms + round(1000 * message.start)
        end_ms = start_ms + round(1000 * message.duration)
        piece = _piece(best, origin_ms, start_ms, end_ms)
        self._draft.add(piece, bool(message.is_final))
        self._looked_ms = max(self._looked_ms, end_ms)
        if message.is_final:
            self.acknowledged_ms = max(self.acknowledged_ms, end_ms)
            if message.speech_final or message.from_finalize:
                self._ended_ms = max(self._ended_ms, end_ms)
        self._show()
        self._answer_if_complete()

    def _answer_if_complete(self) -> None:
        if self._finish is not None and self._is_complete():
            self._answer()


def _piece(best: Any, origin_ms: int, start_ms: int, end_ms: int) -> Piece:
    words = tuple(
        Spoken(
            word.punctuated_word or word.word,
            origin_ms + round(1000 * word.start),
            origin_ms + round(1000 * word.end),
        )
        for word in best.words or ()
    )
    text = best.transcript.strip()
    if text and not words:
        words = (Spoken(text, start_ms, end_ms),)
    return Piece(text, words if text else (), min(max(float(best.confidence or 0), 0), 1))
