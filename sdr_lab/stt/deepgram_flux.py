"""Speech to text by Deepgram's Flux, which also judges when a turn is over.

Source: https://developers.deepgram.com/docs/flux/state. A turn's text comes whole with each
message; what was handed over of it is remembered as a number of words.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdr_lab.errors import SettingError
from sdr_lab.records import FRAME_MS, TurnSignal, Words
from sdr_lab.stt.base import Cue, Heard, Signal
from sdr_lab.stt.deepgram_client import Account, Lost, opened
from sdr_lab.stt.deepgram_stream import Order, Patience, Stream

if TYPE_CHECKING:
    from deepgram import AsyncDeepgramClient

log = logging.getLogger(__name__)

STOPPED_MS = 160
"""The caller was silent for about so long when `PAUSED` comes (ENDPOINT_STOPPED_MS)."""
STALE_MS = 1_000
"""Words so long before the floor noticed the caller are no part of his turn: echo, a murmur."""
LOWEST_EAGER = 0.3

_SIGNALS = {
    "StartOfTurn": Signal.TURN_STARTED,
    "EagerEndOfTurn": Signal.TURN_ENDING,
    "TurnResumed": Signal.TURN_RESUMED,
}


@dataclass(frozen=True, slots=True)
class FluxSettings:
    """How Flux listens."""

    model: str = "flux-general-en"
    language: str = "en"
    """A hint, for `flux-general-multi` only."""
    eot_threshold: float = 0.7
    """Certainty that ends a turn, 0.5..1."""
    eager_eot_threshold: float = 0.4
    """Certainty that begins a reply early, 0.3..0.9 and at most `eot_threshold`; 0: never."""
    eot_timeout_ms: int = 5000
    """Silence that ends a turn anyhow."""
    vocabulary: tuple[str, ...] = ()
    patience: Patience = field(default_factory=Patience)

    def check(self) -> None:
        """Raise SettingError for a threshold that Deepgram would refuse."""
        eager = self.eager_eot_threshold
        if eager and not LOWEST_EAGER <= eager <= self.eot_threshold:
            allowed = f"0, or {LOWEST_EAGER} up to DEEPGRAM_EOT_THRESHOLD ({self.eot_threshold})"
            raise SettingError("DEEPGRAM_EAGER_EOT_THRESHOLD", eager, allowed)


class DeepgramFlux:
    """Transcribes with Flux and passes its turn signals on. One object serves one call."""

    name = "deepgram_flux"

    def __init__(self, account: Account, settings: FluxSettings | None = None) -> None:
        """Check account and settings; nothing is sent yet.

        Raises:
            SettingError: there is no key, or a threshold is not allowed.
        """
        self.settings = settings or FluxSettings()
        account.check()
        self.settings.check()
        self._account = account

    async def transcribe(
        self, audio: AsyncIterator[Heard | Cue]
    ) -> AsyncGenerator[Words | TurnSignal, None]:
        """Yield words and turn signals while audio comes in; see `Transcriber`."""
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
        hints = [settings.language] if settings.model.endswith("-multi") else None
        return client.listen.v2.connect(
            model=settings.model,
            encoding="mulaw",
            sample_rate=8000,
            eot_threshold=settings.eot_threshold,
            eager_eot_threshold=settings.eager_eot_threshold or None,
            eot_timeout_ms=settings.eot_timeout_ms,
            keyterm=list(settings.vocabulary) or None,
            language_hint=hints,
        )


@dataclass(slots=True)
class _Finish:
    """A `FINISH` that waits for its answer."""

    at_ms: int
    asked_s: float


@dataclass(slots=True)
class _Turn:
    """A turn as Flux sees it."""

    index: int = -1
    text: str = ""
    words: tuple[str, ...] = ()
    ends_ms: tuple[int | None, ...] = ()
    confidence: float = 1.0
    start_ms: int = 0
    end_ms: int = 0
    taken: int = 0
    """So many of its words were handed over, or are not wanted."""
    is_open: bool = False

    @property
    def rest(self) -> str:
        """What is left of its text."""
        return " ".join(self.words[self.taken :]) if self.taken else self.text


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
        self._turn = _Turn()
        self._shown = ""
        self._finish: _Finish | None = None
        self._now_ms = 0
        self._looked_ms = 0
        self._cut_ms = 0
        self._has_spoken = False
        self._is_speaking = False
        self._said_until_ms = 0
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
                self._drop()

    def _start(self) -> None:
        if not self._has_spoken and self._finish is None:
            self._cut(self._now_ms - STALE_MS)
            self._was_answered = False
            self._show()
        self._has_spoken = self._is_speaking = True

    def _drop(self) -> None:
        self._cut(self._now_ms)
        self._has_spoken = False
        if self._finish is not None:
            self._answer()
        if self._turn.is_open:
            self.orders.append(Order("force_end_turn"))
        self._show()

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
        patience = self._patience
        self.due_s = now_s + (patience.late_s if self.is_connected else patience.outage_s)
        self.orders.append(Order("force_end_turn"))

    def _is_complete(self) -> bool:
        """Flux has looked at all that was said, and no turn of its own is open."""
        return not self._turn.is_open and self._looked_ms >= self._said_until_ms

    def _answer(self) -> None:
        finish = self._finish
        assert finish is not None
        self._hand_over(finish.at_ms)
        self._has_spoken = self._is_speaking and self._now_ms > finish.at_ms
        self._finish = self.due_s = None
        self.orders.clear()

    def _hand_over(self, end_ms: int) -> None:
        """Give the rest of the turn as a final result."""
        turn = self._turn
        start_ms = turn.start_ms if turn.rest else end_ms
        self.results.append(Words(turn.rest, True, start_ms, end_ms, turn.confidence))
        self._cut(end_ms)
        turn.taken = len(turn.words)
        self._shown = ""
        self.acknowledged_ms = max(self.acknowledged_ms, end_ms)

    def expire(self) -> None:
        self.is_deaf = self.is_connected and self._has_spoken and not self._was_answered
        if self._finish is not None:
            self._answer()

    def _cut(self, at_ms: int) -> None:
        """Forget the words before a time, as far as words have one."""
        self._cut_ms = max(self._cut_ms, at_ms)
        turn = self._turn
        if turn.end_ms <= self._cut_ms:
            turn.taken = len(turn.words)
        ends = turn.ends_ms
        while turn.taken < len(ends) and (ends[turn.taken] or at_ms + 1) <= self._cut_ms:
            turn.taken += 1

    def _show(self) -> None:
        """Tell the words so far, if they are others than before."""
        turn = self._turn
        text = turn.rest if turn.is_open else ""
        if text != self._shown:
            self._shown = text
            self.results.append(Words(text, False, turn.start_ms, turn.end_ms, turn.confidence))

    # ---- Flux's side

    def lost(self) -> None:
        self._turn = _Turn()  # the next connection begins its turn anew
        self.is_deaf = False
        if self._finish is not None:
            self.due_s = self._finish.asked_s + self._patience.outage_s

    def read(self, message: Any, origin_ms: int) -> bool:
        kind = getattr(message, "type", "")
        if kind == "TurnInfo":
            self._was_answered = True
            try:
                self._read_turn(message, origin_ms)
            except (AttributeError, IndexError, TypeError, ValueError):
                log.warning("deepgram_flux: a turn of another shape")
                return False
            return True
        if kind == "Error":
            raise Lost(f"Deepgram reported {message.code}: {message.description}")
        if kind == "Warning":
            log.warning("deepgram_flux: %s: %s", message.code, message.description)
        return False

    def _read_turn(self, message: Any, origin_ms: int) -> None:
        turn = self._updated(message, origin_ms)
        self._looked_ms = max(self._looked_ms, turn.end_ms)
        sure = min(max(float(message.end_of_turn_confidence or 0), 0), 1)
        if message.event == "EndOfTurn":
            self._end_turn(message.trigger == "manual", sure)
        else:
            self._show()
            if signal := _SIGNALS.get(message.event):
                self.results.append(TurnSignal(signal, turn.end_ms, sure))
            if not turn.is_open:  # silence: nothing here will be wanted again
                self.acknowledged_ms = max(self.acknowledged_ms, turn.end_ms - STALE_MS)
        if self._finish is not None and self._is_complete():
            self._answer()

    def _updated(self, message: Any, origin_ms: int) -> _Turn:
        turn = self._turn
        if message.turn_index != turn.index:
            start_ms = origin_ms + round(1000 * message.audio_window_start)
            turn = self._turn = _Turn(index=message.turn_index, start_ms=start_ms)
        turn.end_ms = origin_ms + round(1000 * message.audio_window_end)
        turn.text = message.transcript.strip()
        turn.words = tuple(word.word for word in message.words or ()) or tuple(turn.text.split())
        turn.ends_ms = tuple(_ms(word.end, origin_ms) for word in message.words or ())
        turn.confidence = min((float(w.confidence) for w in message.words or ()), default=1.0)
        if message.event == "StartOfTurn":
            turn.is_open = True
            first = message.words[0].start if message.words else None
            turn.start_ms = turn.end_ms if first is None else origin_ms + round(1000 * first)
        turn.is_open = turn.is_open or bool(turn.words)
        turn.taken = min(turn.taken, len(turn.words))
        self._cut(self._cut_ms)
        return turn

    def _end_turn(self, was_forced: bool, sure: float) -> None:
        turn = self._turn
        turn.is_open = False
        if self._finish is not None:
            self._answer()
        elif self._has_spoken and turn.rest:
            self._hand_over(turn.end_ms)
            self._has_spoken = self._is_speaking
        else:  # the floor heard no speech there: echo, a voice in the room
            self._shown, shown = "", self._shown
            if shown:
                self.results.append(Words("", False, turn.end_ms, turn.end_ms))
        if not was_forced:
            self.results.append(TurnSignal(Signal.TURN_ENDED, turn.end_ms, sure))
        self._turn = _Turn(index=turn.index, end_ms=turn.end_ms)
        self.acknowledged_ms = max(self.acknowledged_ms, turn.end_ms)


def _ms(seconds: float | None, origin_ms: int) -> int | None:
    return None if seconds is None else origin_ms + round(1000 * seconds)
