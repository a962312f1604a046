"""A scripted transcriber that judges turns itself, as a service with such a model does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass

from sdr_lab.records import FRAME_MS, Signal, TurnSignal, Words
from sdr_lab.stt.base import Cue, Heard
from sdr_lab.stt.scripted import Said

START_MS = 120
"""It needs so much of an utterance to know that there is one."""


@dataclass
class SignallingTranscriber:
    """Knows what is said, and says when a turn begins, may be over, goes on and is over.

    Args:
        script: What is said, asked again with every frame.
        eager_ms: Silence after which the turn may be over.
        end_ms: Silence after which it is.
    """

    script: Callable[[], Sequence[Said]]
    eager_ms: int = 160
    end_ms: int = 320
    name: str = "signalling"

    async def transcribe(
        self, audio: AsyncIterator[Heard | Cue]
    ) -> AsyncGenerator[Words | TurnSignal, None]:
        """Yield words and signals while audio comes in; see `Transcriber`."""
        turn = _Turn(self.eager_ms, self.end_ms)
        async for item in audio:
            if isinstance(item, Heard):
                for result in turn.hear(item.at_ms + FRAME_MS, self.script()):
                    yield result
            elif item is Cue.FINISH:
                yield turn.words(is_final=True)
            await asyncio.sleep(0)


class _Turn:
    def __init__(self, eager_ms: int, end_ms: int) -> None:
        self._eager_ms = eager_ms
        self._end_ms = end_ms
        self._now_ms = 0
        self._open: list[Said] = []
        self._taken = 0
        self._is_ending = False

    def hear(self, now_ms: int, script: Sequence[Said]) -> Iterator[Words | TurnSignal]:
        self._now_ms = now_ms
        spoken = [said for said in script if said.text][self._taken :]
        heard = [said for said in spoken if said.start_ms + START_MS <= now_ms]
        if len(heard) > len(self._open):
            was_open, was_ending = bool(self._open), self._is_ending
            self._open, self._is_ending = heard, False
            if not was_open:
                yield self._signal(Signal.TURN_STARTED)
            elif was_ending:
                yield self._signal(Signal.TURN_RESUMED)
        self._open = heard
        if not heard:
            return
        silent_ms = now_ms - heard[-1].end_ms
        if silent_ms >= self._end_ms:
            yield self.words(is_final=True)
            yield self._signal(Signal.TURN_ENDED)
        elif silent_ms >= self._eager_ms and not self._is_ending:
            self._is_ending = True
            yield self.words(is_final=False)
            yield self._signal(Signal.TURN_ENDING)

    def words(self, *, is_final: bool) -> Words:
        """Return the turn so far; a final result is given once."""
        text = " ".join(said.text for said in self._open)
        start_ms = self._open[0].start_ms if self._open else self._now_ms
        if is_final:
            self._taken += len(self._open)
            self._open, self._is_ending = [], False
        return Words(text, is_final, start_ms, self._now_ms)

    def _signal(self, signal: Signal) -> TurnSignal:
        return TurnSignal(signal, self._now_ms, 0.9)
