"""The turn that the caller has begun: its words and keys so far, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sdr_lab.turns.endpoint import Pause

DIGIT_GAP_MS = 1500
"""Nobody needs longer from one key to the next."""
MAX_DIGITS = 64
"""More keys in a row are no number."""
SPEECH_WITHOUT_WORDS_MS = 600
"""So much voiced audio without a word was probably speech that nobody could make out."""


@dataclass(slots=True)
class OpenTurn:
    """Made anew when a turn is over."""

    is_open: bool = False
    """He has begun."""
    is_ending: bool = False
    """The transcriber was asked for its final words."""
    has_final: bool = False
    has_speech: bool = False
    """He has spoken, not only typed."""
    was_over_agent: bool = False
    """It began while the agent spoke, and did not stop him."""
    was_cut_in: bool = False
    """It stopped the agent (or withdrew what nobody had asked for)."""
    may_only_listen: bool = False
    """It stopped the agent while nothing was asked: an acknowledgement is no turn."""
    voiced_ms: int = 0
    finals: list[str] = field(default_factory=list)
    tail: str = ""
    """The interim words behind the final ones."""
    kept: str = ""
    """Words of the turn before, to which the reply was withdrawn."""
    digits: str = ""
    typed_ms: int | None = None
    """When he pressed a key or typed, last."""
    typed_due_ms: int = 0
    signalled_ms: int | None = None
    """The transcriber says that the turn is over, by the audio up to here."""

    @property
    def text(self) -> str:
        """The words so far, then the keys."""
        parts = (self.kept, *self.finals, self.tail, self.digits)
        return " ".join(part for part in parts if part)

    @property
    def is_typed(self) -> bool:
        """It consists of keys or typed words alone."""
        return self.typed_ms is not None and not self.has_speech

    @property
    def is_long(self) -> bool:
        """There was more voice in it than in a cough."""
        return self.voiced_ms >= SPEECH_WITHOUT_WORDS_MS

    def known_end(self, now_ms: int, last_voiced_ms: int) -> Pause | None:
        """The turn is over for certain, whatever its pause: return that."""
        if self.is_typed:
            return Pause(now_ms - (self.typed_ms or 0), "digits" if self.digits else "typed")
        signalled_ms = self.signalled_ms
        if signalled_ms is not None and last_voiced_ms <= signalled_ms and self.text:
            return Pause(now_ms - last_voiced_ms, "signal")
        return None

    def press(self, digit: str, now_ms: int) -> None:
        """Take a key; # ends a number."""
        is_end = digit == "#" and bool(self.digits)
        if not is_end and len(self.digits) < MAX_DIGITS:
            self.digits += digit
        self.typed_due_ms = now_ms if is_end else now_ms + DIGIT_GAP_MS

    def is_being_typed(self, now_ms: int) -> bool:
        """More keys may follow."""
        return self.typed_ms is not None and now_ms < self.typed_due_ms

    def open(self, over_agent: bool) -> None:
        """He has begun, or goes on."""
        if not self.is_open:
            self.is_open = True
            self.voiced_ms = 0
            self.was_over_agent = over_agent
        self.is_ending = False

    def read(self, text: str, is_final: bool) -> None:
        """Take a transcriber's result."""
        if not is_final:
            self.tail = text
            return
        self.tail = ""
        self.has_final = True
        if text:
            self.finals.append(text)
