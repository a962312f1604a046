"""What the floor decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


class Kind(StrEnum):
    CALLER_STARTED = "caller_started"
    CALLER_STOPPED = "caller_stopped"
    TURN_ENDING = "turn_ending"
    """The pause is long enough: ask the transcriber for its final words."""
    TURN_OVER = "turn_over"
    TURN_DROPPED = "turn_dropped"
    """What was heard is no turn (`why`: `no_words`, `acknowledgement`)."""
    NOT_UNDERSTOOD = "not_understood"
    """There was speech, but no words in it."""
    WITHDRAW = "withdraw"
    """The caller goes on talking: throw away the reply in preparation."""
    HOLD = "hold"
    """Perhaps he cuts in: fall silent, keep the rest."""
    RELEASE = "release"
    """He did not (`why`: `expired`, `acknowledgement`, `quiet`): go on where he was held."""
    CUT_IN = "cut_in"
    RESUME = "resume"
    """The caller cut in (or withdrew an unasked line) but said nothing: it may be spoken now."""
    SILENCE = "silence"
    """Nobody has said anything for `silence_prompt_ms`."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the session has to act on."""

    kind: Kind
    since_ms: int = 0
    """Onset of the speech (CALLER_STARTED, CUT_IN) or end of it (CALLER_STOPPED, TURN_…)."""
    text: str = ""
    pause_ms: int = 0
    why: str = ""
    digits: str = ""
    """The keys that he pressed, when the turn consists of nothing else."""
