"""What was handed to the line, what of it has been played, and what the caller heard.

All on the stream clock in slots of 20 ms. The line plays what it gets at once and in order, so
the slot of every frame is known when it is sent; marks that come back later than that tell how
far the line lags behind. After a hold a stretch of sound is sent for the second time.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from sdr_lab.call.heard import FIRST_MS_PER_WEIGHT, unheard, weight_of, words_heard
from sdr_lab.call.rejoin import faded_in
from sdr_lab.call.sentence_sound import SILENCE, SentenceSound
from sdr_lab.records import FRAME_MS

__all__ = ["SILENCE", "Cleared", "Playout", "Speech"]

SOON = 10
"""Frames of the next sentence, about a word: with more of them on their way, the one before is
not said again."""


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
        self._sentences: list[SentenceSound] = []
        self._played: deque[tuple[int, bytes]] = deque()
        self._next_slot = 0
        self._lag_ms = 0.0
        self._ms_per_weight = FIRST_MS_PER_WEIGHT
        self._cleared: Counter[str] = Counter()
        """Marks that come back because of a `clear`, and how often."""
        self._begun: list[SentenceSound] = []
        self._last_index: int | None = None
        """No later sentence of this reply is taken."""
        self._held: Cleared | None = None
        self._is_soft = False
        """The next frame begins softly."""
        self._repeated_ms = 0
        self.underruns = 0
        """Times the line ran dry in the middle of a reply."""

    @property
    def pending_ms(self) -> int:
        """Audio that waits to be handed to the line."""
        return sum(sentence.pending for sentence in self._sentences) * FRAME_MS

    @property
    def is_held(self) -> bool:
        """Nothing is handed to the line until `resume`."""
        return self._held is not None

    @property
    def text(self) -> str:
        """Everything given to the voice in this reply."""
        return " ".join(sentence.text for sentence in self._sentences if sentence.text)

    def begin(self) -> None:
        """Start a new reply; the one before is accounted for."""
        self._sentences = []
        self._last_index = None
        self._held = None

    def keep_sentence(self) -> bool:
        """Forget all behind the sentence that is going out; return whether that one is complete."""
        self._sentences = [sentence for sentence in self._sentences if sentence.slots]
        kept = self._sentences[-1] if self._sentences else None
        self._last_index = kept.index if kept else -1
        return kept is None or kept.is_made

    def add(self, speech: Speech) -> None:
        """Take a piece of a sentence. Pieces come in order; the last is padded to a frame."""
        if self._last_index is not None and speech.index > self._last_index:
            return
        last = self._sentences[-1] if self._sentences else None
        if last is None or (last.turn, last.index) != (speech.turn, speech.index):
            last = SentenceSound(speech.turn, speech.index, speech.text, speech.text)
            self._sentences.append(last)
        last.mulaw += speech.mulaw
        last.estimate(self._ms_per_weight)
        if speech.is_torn:
            last.text = words_heard(last.text, bytes(last.mulaw), last.length_ms, last.to_come_ms)
        if speech.is_last:
            last.is_made = True
            last.to_come_ms = 0.0
            if not speech.is_torn:
                self._learn_pace(last)

    def take(self, now_ms: int) -> list[bytes | str]:
        """Return what the line should get now: audio, and names of marks behind it."""
        now = now_ms // FRAME_MS
        out: list[bytes | str] = []
        waiting = [] if self.is_held else [s for s in self._sentences if not s.is_sent]
        if self._next_slot < now and any(sentence.pending for sentence in waiting):
            self.underruns += bool(self._sentences[0].slots)
            self._next_slot = now
        run = bytearray()
        for sentence in waiting:
            while sentence.pending and self._next_slot < now + self._ahead:
                run += self._next_frame(sentence)
            if sentence.pending or not sentence.is_made:
                break
            sentence.is_sent = True
            if run:
                out.append(bytes(run))
                run = bytearray()
            out.append(sentence.name)
        if run:
            out.append(bytes(run))
        return out

    def begun(self) -> list[tuple[int, int, str]]:
        """Return turn, index and text of the sentences whose sound has begun to go out since
        asked."""
        begun, self._begun = self._begun, []
        return [(sentence.turn, sentence.index, sentence.whole_text) for sentence in begun]

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
        if self._cleared[name] > 0:
            self._cleared[name] -= 1
            return False
        for sentence in self._sentences:
            if sentence.name == name:
                sentence.is_heard = True
                self._learn_lag(sentence, now_ms)
                return True
        return False

    def drop_unsent(self) -> None:
        """Send nothing more of this reply: what is left is silence, or nobody wants to hear it."""
        for sentence in self._sentences:
            sentence.is_sent = True

    def is_done(self, now_ms: int, patience_ms: int = 2000) -> bool:
        """Tell whether everything added has been played, by marks or else by time."""
        if any(sentence.pending for sentence in self._sentences):
            return False
        if all(sentence.is_heard for sentence in self._sentences if sentence.is_sent):
            return all(sentence.is_sent for sentence in self._sentences)
        return now_ms > self._next_slot * FRAME_MS + self._lag_ms + patience_ms

    def is_said(self, now_ms: int) -> bool:
        """Tell whether all that was added has been heard, by time: only marks are outstanding."""
        until = (now_ms - self._lag_ms) / FRAME_MS
        return all(sentence.is_said(until) for sentence in self._sentences)

    # ---- what is not played

    def hold(self, now_ms: int) -> Cleared:
        """The line is cleared: keep what has not been heard, and send nothing until `resume`.

        What was on its way when the line was cleared may or may not have been heard: it is not
        counted as heard, and said again as far as the rule of two words allows.
        """
        if self._held is not None:
            return self._held
        now, heard_until = now_ms // FRAME_MS, (now_ms - self._lag_ms) / FRAME_MS
        self._held = held = self._account(heard_until)
        self._stop_line(now)
        self._repeated_ms = 0
        behind: list[SentenceSound] = []
        for sentence in reversed(self._sentences):
            if sentence.is_said(heard_until):
                if sentence.is_sent:
                    sentence.is_heard = True
                continue
            behind.append(sentence)
        self._take_back(behind[::-1], heard_until, now)
        return held

    def resume(self, now_ms: int) -> int:
        """Go on after a hold; return how much is said again, in ms."""
        self._held = None
        self._next_slot = now_ms // FRAME_MS
        return self._repeated_ms

    def clear(self, now_ms: int) -> Cleared:
        """Forget what has not been played and say which words were heard until now."""
        cleared = self._account((now_ms - self._lag_ms) / FRAME_MS)
        if self._held is None:
            self._stop_line(now_ms // FRAME_MS)
        else:
            cleared = Cleared(
                self._held.heard, cleared.planned, self._held.sentences, cleared.next_index
            )
        self._sentences = []
        self._last_index = None
        self._held = None
        return cleared

    def _account(self, heard_until: float) -> Cleared:
        heard: list[str] = []
        planned: list[str] = []
        for sentence in self._sentences:
            words = sentence.words_heard(heard_until)
            heard += [words] if words else []
            is_cut = not sentence.is_said(heard_until)  # then what a voice tore off is missing too
            planned.append(sentence.whole_text if is_cut else sentence.text)
        next_index = self._sentences[-1].index + 1 if self._sentences else 0
        return Cleared(" ".join(heard), " ".join(filter(None, planned)), len(heard), next_index)

    def _stop_line(self, now: int) -> None:
        """The line has thrown away what it had not played; its marks come back at once."""
        for sentence in self._sentences:
            if sentence.is_sent and not sentence.is_heard:
                self._cleared[sentence.name] += 1
        while self._played and self._played[-1][0] >= now:
            self._played.pop()
        self._next_slot = now

    def _take_back(self, behind: list[SentenceSound], heard_until: float, now: int) -> None:
        """Let what was sent and is not certain to have been heard be sent again."""
        sent = [sentence.sent_frames(now) for sentence in behind]
        begun = [i for i, frames in enumerate(sent) if frames]
        last = begun[-1] if begun else 0
        for i, sentence in enumerate(behind):
            frame = sentence.rejoin(heard_until, now) if i == 0 else 0
            if i < last and sum(sent[i + 1 :]) > SOON:
                frame = sent[i]  # it was on its way, with more than a word behind it
            sentence.take_back(frame)
            self._repeated_ms += (sent[i] - frame) * FRAME_MS
        self._is_soft = bool(begun)

    def _next_frame(self, sentence: SentenceSound) -> bytes:
        if not sentence.has_begun:
            sentence.has_begun = True
            self._begun.append(sentence)
        frame = sentence.next_frame(self._next_slot)
        if self._is_soft:
            frame, self._is_soft = faded_in(frame), False
        self._played.append((self._next_slot, frame))
        self._next_slot += 1
        return frame

    def _learn_pace(self, sentence: SentenceSound) -> None:
        if sentence.mulaw:
            pace = sentence.length_ms / weight_of(sentence.text)
            self._ms_per_weight += 0.5 * (pace - self._ms_per_weight)

    def _learn_lag(self, sentence: SentenceSound, now_ms: int) -> None:
        if not sentence.slots:
            return
        lag_ms = max(0.0, now_ms - (sentence.slots[-1] + 1) * FRAME_MS)
        self._lag_ms += 0.5 * (min(lag_ms, 500.0) - self._lag_ms)
