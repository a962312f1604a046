"""Speech to text: the protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sdr_lab.records import Signal, TurnSignal, Words

__all__ = ["Cue", "Heard", "Signal", "Transcriber", "TurnSignal", "Words"]


@dataclass(frozen=True, slots=True)
class Heard:
    """20 ms of the caller, after the filters."""

    at_ms: int
    """Stream time of the first sample; frames follow each other without gaps."""
    mulaw: bytes
    """160 bytes of 8 kHz µ-law."""


class Cue(StrEnum):
    """What the floor tells a transcriber between frames. A streaming service may ignore
    all but `FINISH`."""

    STARTED = "started"
    """The caller began to speak some frames ago (keep at least 400 ms of pre-roll)."""
    PAUSED = "paused"
    """The caller is silent; a result for everything said so far is wanted now."""
    FINISH = "finish"
    """The turn is about to be over: answer with a final result soon, empty text if nothing
    was understood."""
    DROP = "drop"
    """Forget what was heard since the last final result (noise, or the agent's own echo)."""


class Transcriber(Protocol):
    """Turns a caller's audio into words. One object serves one call."""

    name: str

    def transcribe(self, audio: AsyncIterator[Heard | Cue]) -> AsyncIterator[Words | TurnSignal]:
        """Yield words while audio comes in; end when it ends.

        Every `FINISH` is answered by one `Words(is_final=True)`. A transcriber that judges turns
        itself also yields `TurnSignal`s; before `TURN_ENDED` come the turn's final words.

        Raises:
            ProviderError: the service failed and could not be reached again.
        """
        ...
