"""From a recogniser that takes a whole utterance to a transcriber that takes a call."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from sdr_lab.audio.energy import frame_energies
from sdr_lab.records import FRAME_BYTES, FRAME_MS, Words
from sdr_lab.stt.answers import Backlog, answers
from sdr_lab.stt.base import Cue, Heard

PRE_ROLL_MS = 400
"""Kept from before `STARTED`: the floor needs some voiced frames before it says so."""

LONGEST_MS = 28_000
"""Longer utterances are decoded in pieces; Whisper's window is 30 s."""

SEARCH_MS = 5_000
"""Without a pause to cut at, the quietest frame of so much before `LONGEST_MS` is taken."""

_BYTES_PER_MS = FRAME_BYTES // FRAME_MS


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a recogniser made of one piece of audio."""

    text: str
    """Empty when there were no words."""
    confidence: float
    """0..1."""


class Recogniser(Protocol):
    """Understands one utterance. One object may serve many calls at once."""

    name: str

    async def recognise(self, mulaw: bytes) -> Recognised:
        """Turn 8 kHz µ-law, at most 30 s, into text. Must not block the event loop.

        Raises:
            ProviderError: the recogniser failed.
        """
        ...

    async def warm_up(self) -> None:
        """Load what the first call needs."""
        ...


@dataclass(eq=False, slots=True)
class _Utterance:
    """The caller's audio since the last final result. Places in it are counted in bytes."""

    start_ms: int
    audio: bytearray
    is_speaking: bool = True
    pauses: list[int] = field(default_factory=list)
    recognised: dict[tuple[int, int], Recognised] = field(default_factory=dict)

    @property
    def content_end(self) -> int:
        """The place behind which nothing was voiced."""
        return len(self.audio) if self.is_speaking else self.pauses[-1]

    def ms(self, place: int) -> int:
        return self.start_ms + place // _BYTES_PER_MS

    def pieces(self, end: int) -> list[tuple[int, int]]:
        """Cut the audio up to `end` into pieces of at most `LONGEST_MS`, at pauses if it can.

        The cuts stay where they are when the utterance grows, so that a piece is decoded once.
        """
        start, pieces = 0, []
        while end - start > LONGEST_MS * _BYTES_PER_MS:
            limit = start + LONGEST_MS * _BYTES_PER_MS
            at_pause = max((p for p in self.pauses if start < p <= limit), default=None)
            cut = at_pause or self._quietest(limit)
            pieces.append((start, cut))
            start = cut
        return [*pieces, (start, end)]

    def _quietest(self, limit: int) -> int:
        first = limit - SEARCH_MS * _BYTES_PER_MS
        energies = frame_energies(bytes(self.audio[first:limit]))
        return first + (int(np.argmin(energies)) + 1) * FRAME_BYTES


@dataclass(eq=False, slots=True)
class _Decode:
    """A result that is wanted for the first `end` bytes of an utterance."""

    utterance: _Utterance | None
    """None: nothing was said, or it is to be forgotten."""
    end: int
    end_ms: int
    is_final: bool


class Utterances:
    """A transcriber around a batch recogniser.

    Audio costs nothing until `STARTED`. A pause makes it decode all that was said so far; when
    the turn then ends there, that result becomes the final one without a second decode.
    """

    def __init__(self, recogniser: Recogniser, *, interim_ms: int | None = None) -> None:
        """Wrap a recogniser.

        Args:
            recogniser: Does the work.
            interim_ms: Decode also while the caller speaks, each time so much audio has come
                and no decode is under way; None: only in pauses.
        """
        self.name = recogniser.name
        self._recogniser = recogniser
        self._interim_ms = interim_ms

    async def warm_up(self) -> None:
        """Load what the first utterance needs."""
        await self._recogniser.warm_up()

    async def transcribe(self, audio: AsyncIterator[Heard | Cue]) -> AsyncGenerator[Words, None]:
        """Yield words while audio comes in; see `Transcriber`."""
        ear = _Ear(self._recogniser, self._interim_ms)
        async with aclosing(answers(audio, ear.take, ear.backlog, ear.decode)) as stream:
            async for words in stream:
                yield words


class _Ear:
    """The state of one call."""

    def __init__(self, recogniser: Recogniser, interim_ms: int | None) -> None:
        self.backlog: Backlog[_Decode] = Backlog()
        self._recogniser = recogniser
        self._interim_ms = interim_ms
        self._pre_roll: deque[Heard] = deque(maxlen=PRE_ROLL_MS // FRAME_MS)
        self._utterance: _Utterance | None = None
        self._now_ms = 0

    def take(self, item: Heard | Cue) -> None:
        match item:
            case Heard():
                self._hear(item)
            case Cue.STARTED:
                self._start()
            case Cue.PAUSED:
                self._pause()
            case Cue.FINISH:
                self._finish()
            case Cue.DROP:
                self._drop()

    def _hear(self, frame: Heard) -> None:
        self._now_ms = frame.at_ms + FRAME_MS
        self._pre_roll.append(frame)
        utterance = self._utterance
        if utterance is None:
            return
        utterance.audio += frame.mulaw
        if self._interim_ms and utterance.is_speaking and not self.backlog.unanswered():
            last = max((end for _, end in utterance.recognised), default=0)
            if len(utterance.audio) - last >= self._interim_ms * _BYTES_PER_MS:
                self._want(utterance, is_final=False)

    def _start(self) -> None:
        if self._utterance is not None:
            self._utterance.is_speaking = True
            return
        start_ms = self._pre_roll[0].at_ms if self._pre_roll else self._now_ms
        audio = bytearray().join(frame.mulaw for frame in self._pre_roll)
        self._utterance = _Utterance(start_ms, audio)

    def _pause(self) -> None:
        utterance = self._utterance
        if utterance is None or not utterance.is_speaking:
            return
        utterance.is_speaking = False
        utterance.pauses.append(len(utterance.audio))
        self._want(utterance, is_final=False)

    def _finish(self) -> None:
        utterance, self._utterance = self._utterance, None
        if utterance is None:
            self.backlog.add(_Decode(None, 0, self._now_ms, is_final=True))
            return
        end_ms = utterance.ms(utterance.content_end)
        self._forget_before(end_ms)
        for decode in self.backlog.unanswered():
            if decode.utterance is utterance and decode.end >= utterance.content_end:
                decode.is_final = True
                return
        self._want(utterance, is_final=True)

    def _drop(self) -> None:
        self._utterance = None
        self._forget_before(self._now_ms)
        for decode in self.backlog.unanswered():
            decode.utterance = None  # a FINISH among them still gets its answer, an empty one

    def _want(self, utterance: _Utterance, *, is_final: bool) -> None:
        end = utterance.content_end
        self.backlog.add(_Decode(utterance, end, utterance.ms(end), is_final))

    def _forget_before(self, at_ms: int) -> None:
        """Words that were decoded must not come again with the next utterance's pre-roll."""
        while self._pre_roll and self._pre_roll[0].at_ms < at_ms:
            self._pre_roll.popleft()

    async def decode(self, wanted: _Decode) -> Words | None:
        """Decode the pieces that are not known yet and put the result together."""
        utterance = wanted.utterance
        found = await self._recognise(utterance, wanted) if utterance else []
        if utterance is None or wanted.utterance is None:
            empty = Words("", True, wanted.end_ms, wanted.end_ms)
            return empty if wanted.is_final else None
        return Words(
            text=" ".join(piece.text for piece in found if piece.text),
            is_final=wanted.is_final,
            start_ms=utterance.start_ms,
            end_ms=wanted.end_ms,
            confidence=min((piece.confidence for piece in found if piece.text), default=1.0),
        )

    async def _recognise(self, utterance: _Utterance, wanted: _Decode) -> list[Recognised]:
        pieces = utterance.pieces(wanted.end)
        for start, end in pieces:
            if wanted.utterance is None:  # dropped meanwhile
                return []
            if (start, end) not in utterance.recognised:
                sound = bytes(utterance.audio[start:end])
                utterance.recognised[start, end] = await self._recogniser.recognise(sound)
        return [utterance.recognised[piece] for piece in pieces]
