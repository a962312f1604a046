"""What was handed to the line, what of it has been played, and what the caller heard.

All on the stream clock in slots of 20 ms. The line plays what it gets at once and in order, so
the slot of every frame is known when it is sent; marks that come back later than that tell how
far the line lags behind.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field

from sdr_lab.call.heard import FIRST_MS_PER_WEIGHT, unheard, weight_of, words_heard
from sdr_lab.records import FRAME_BYTES, FRAME_MS

SILENCE = b"\xff" * FRAME_BYTES


@dataclass(frozen=True, slots=True)
class Speech:
    """A piece of a sentence's sound."""

    turn: int
    index: int
    """The sentence within the turn."""
    text: str
    """The whole sentence as it is written in the transcript."""
    mulaw: bytes
    is_last: bool
    """The sentence ends with this piece."""
    cached: bool = False
    is_torn: bool = False
    """The voice broke off: only a part of the sentence will ever be heard."""


@dataclass(slots=True)
class _Sentence:
    turn: int
    index: int
    text: str
    mulaw: bytearray = field(default_factory=bytearray)
    slots: list[int] = field(default_factory=list)
    """The slots in which its frames are played, rising."""
    is_made: bool = False
    """All its audio has been added."""
    is_whole: bool = False
    """All its audio has been sent."""
    is_heard: bool = False
    """Its mark came back."""

    @property
    def name(self) -> str:
        return f"{self.turn}:{self.index}"


@dataclass(frozen=True, slots=True)
class Cleared:
    """What a `clear` leaves of a reply."""

    heard: str
    planned: str
    sentences: int = 0
    """Sentences of which something was heard."""
    next_index: int = 0
    """The first sentence of the reply of which no sound had come."""

    @property
    def rest(self) -> str:
        """The words that were not heard."""
        return unheard(self.planned, self.heard)


class Playout:
    """Paces audio to the line and keeps account of it. Pure: told the time."""

    def __init__(self, ahead_ms: int) -> None:
        self._ahead = max(1, ahead_ms // FRAME_MS)
        self._pending: deque[tuple[_Sentence, bytes, bool]] = deque()
        """Sentence, up to 20 ms of it, whether these are its last."""
        self._sentences: list[_Sentence] = []
        self._played: deque[tuple[int, bytes]] = deque()
        self._next_slot = 0
        self._lag_ms = 0.0
        self._ms_per_weight = FIRST_MS_PER_WEIGHT
        self._cleared: set[str] = set()
        self._begun: list[tuple[int, int]] = []
        self._last_index: int | None = None
        """No later sentence of this reply is taken."""
        self.underruns = 0
        """Times the line ran dry in the middle of a reply."""

    @property
    def pending_ms(self) -> int:
        """Audio that waits to be handed to the line."""
        return len(self._pending) * FRAME_MS

    @property
    def text(self) -> str:
        """Everything given to the voice in this reply."""
        return " ".join(sentence.text for sentence in self._sentences if sentence.text)

    def begin(self) -> None:
        """Start a new reply; the one before is accounted for."""
        self._sentences = []
        self._last_index = None

    def keep_sentence(self) -> bool:
        """Forget all behind the sentence that is going out; return whether that one is complete."""
        begun = [sentence for sentence in self._sentences if sentence.slots]
        kept = begun[-1] if begun else None
        self._sentences = begun
        self._pending = deque(item for item in self._pending if item[0] is kept)
        self._last_index = kept.index if kept else -1
        return kept is None or kept.is_made

    def add(self, speech: Speech) -> None:
        """Take a piece of a sentence. Pieces come in order; the last is padded to a frame."""
        if self._last_index is not None and speech.index > self._last_index:
            return
        last = self._sentences[-1] if self._sentences else None
        if last is None or (last.turn, last.index) != (speech.turn, speech.index):
            last = _Sentence(speech.turn, speech.index, speech.text)
            self._sentences.append(last)
        data = bytes(last.mulaw[len(last.mulaw) // FRAME_BYTES * FRAME_BYTES :]) + speech.mulaw
        del last.mulaw[len(last.mulaw) // FRAME_BYTES * FRAME_BYTES :]
        last.mulaw += data
        if speech.is_last and len(data) % FRAME_BYTES:
            data += SILENCE[len(data) % FRAME_BYTES :]
        whole = len(data) // FRAME_BYTES
        for i in range(whole):
            frame = data[i * FRAME_BYTES : (i + 1) * FRAME_BYTES]
            self._pending.append((last, frame, speech.is_last and i == whole - 1))
        if speech.is_torn:
            last.text = words_heard(
                last.text, bytes(last.mulaw), _length_ms(last), self._to_come_ms(last)
            )
            last.is_made = True
        elif speech.is_last:
            self._learn_pace(last)
        if speech.is_last and not whole:
            self._pending.append((last, b"", True))

    def take(self, now_ms: int) -> list[bytes | str]:
        """Return what the line should get now: audio, and names of marks behind it."""
        now = now_ms // FRAME_MS
        out: list[bytes | str] = []
        run = bytearray()
        if self._pending and self._next_slot < now:
            self.underruns += bool(self._sentences and self._sentences[0].slots)
            self._next_slot = now
        while self._pending and self._next_slot < now + self._ahead:
            sentence, frame, is_end = self._pending.popleft()
            if frame:
                if not sentence.slots:
                    self._begun.append((sentence.turn, sentence.index))
                sentence.slots.append(self._next_slot)
                self._played.append((self._next_slot, frame))
                self._next_slot += 1
                run += frame
            if is_end:
                sentence.is_whole = True
                if run:
                    out.append(bytes(run))
                    run.clear()
                out.append(sentence.name)
        if run:
            out.append(bytes(run))
        return out

    def begun(self) -> list[tuple[int, int]]:
        """Return turn and index of the sentences whose sound has begun to go out since asked."""
        begun, self._begun = self._begun, []
        return begun

    def slot(self, at_ms: int) -> bytes:
        """Return the 20 ms that the caller hears of us from `at_ms` on; empty for silence.

        To be asked once per slot, in rising order.
        """
        slot = at_ms // FRAME_MS
        while self._played and self._played[0][0] < slot:
            self._played.popleft()
        if self._played and self._played[0][0] == slot:
            return self._played.popleft()[1]
        return b""

    def marked(self, name: str, now_ms: int) -> bool:
        """A mark came back; return whether it says that its sentence was heard."""
        if name in self._cleared:
            self._cleared.discard(name)
            return False
        for sentence in self._sentences:
            if sentence.name == name:
                sentence.is_heard = True
                self._learn_lag(sentence, now_ms)
                return True
        return False

    def is_done(self, now_ms: int, patience_ms: int = 2000) -> bool:
        """Tell whether everything added has been played, by marks or else by time."""
        if self._pending:
            return False
        if all(sentence.is_heard for sentence in self._sentences if sentence.is_whole):
            return all(sentence.is_whole for sentence in self._sentences)
        return now_ms > self._next_slot * FRAME_MS + self._lag_ms + patience_ms

    def clear(self, now_ms: int) -> Cleared:
        """Forget what has not been played and say which words were heard until now."""
        now = now_ms // FRAME_MS
        heard_until = (now_ms - self._lag_ms) / FRAME_MS
        heard = []
        for sentence in self._sentences:
            if sentence.is_heard:
                heard += [sentence.text] if sentence.text else []
                continue
            if sentence.is_whole:
                self._cleared.add(sentence.name)
            frames = bisect_left(sentence.slots, heard_until)
            words = words_heard(
                sentence.text,
                bytes(sentence.mulaw),
                frames * FRAME_MS,
                self._to_come_ms(sentence),
            )
            if words:
                heard.append(words)
        next_index = self._sentences[-1].index + 1 if self._sentences else 0
        cleared = Cleared(" ".join(heard), self.text, len(heard), next_index)
        self._pending.clear()
        while self._played and self._played[-1][0] >= now:
            self._played.pop()
        self._next_slot = now
        self._sentences = []
        self._last_index = None
        return cleared

    def _learn_pace(self, sentence: _Sentence) -> None:
        sentence.is_made = True
        if sentence.mulaw:
            pace = _length_ms(sentence) / weight_of(sentence.text)
            self._ms_per_weight += 0.5 * (pace - self._ms_per_weight)

    def _to_come_ms(self, sentence: _Sentence) -> float:
        """A voice that streams may be cut off before it has made the whole sentence."""
        if sentence.is_made:
            return 0.0
        whole_ms = weight_of(sentence.text) * self._ms_per_weight
        return max(0.0, whole_ms - _length_ms(sentence))

    def _learn_lag(self, sentence: _Sentence, now_ms: int) -> None:
        if not sentence.slots:
            return
        lag_ms = max(0.0, now_ms - (sentence.slots[-1] + 1) * FRAME_MS)
        self._lag_ms += 0.5 * (min(lag_ms, 500.0) - self._lag_ms)


def _length_ms(sentence: _Sentence) -> float:
    return len(sentence.mulaw) / FRAME_BYTES * FRAME_MS
