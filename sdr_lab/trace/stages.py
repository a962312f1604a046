"""The stages of a turn, in plain words, and how long they take over many turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sdr_lab.trace.latency import TurnLatency, between

Group = Literal["heard out", "interrupted"]


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a turn."""

    key: str
    """Its name in JSON and CSV, with `_ms`."""
    words: str
    """Its name for people."""
    start: str
    end: str
    """Fields of `TurnLatency`."""

    def span(self, turn: TurnLatency) -> tuple[float, float] | None:
        """Return when the stage began and ended, loop time; None when it did not happen."""
        start, end = getattr(turn, self.start), getattr(turn, self.end)
        if start is None or end is None:
            return None
        if self.key == "send" and turn.over_ms is not None:
            start = max(start, turn.over_ms)  # a reply made ahead is held until the turn is over
        return (min(start, end), end)  # words that were there before they were asked for: 0 ms

    def ms(self, turn: TurnLatency) -> float | None:
        """Return how long the stage took."""
        span = self.span(turn)
        return between(*span) if span else None


STAGES = (
    Stage("end_of_turn", "end of turn", "last_voiced_ms", "over_ms"),
    Stage("last_words", "wait for words", "ending_ms", "words_ms"),
    Stage("intent", "intent", "began_ms", "intent_ms"),
    Stage("look_up", "look up", "search_began_ms", "passages_ms"),
    Stage("first_token", "first token", "asked_ms", "token_ms"),
    Stage("first_sentence", "first sentence", "token_ms", "sentence_ms"),
    Stage("first_sound", "first sound", "sentence_ms", "speech_ms"),
    Stage("send", "send", "speech_ms", "sent_ms"),
)
"""In the order in which they happen. `wait for words` is a part of `end of turn`."""

TOTAL = Stage("voice_to_voice", "voice to voice", "last_voiced_ms", "sent_ms")
"""The caller's last sound → the agent's first: what the caller feels."""

ANSWER = Stage("answer", "answer", "over_ms", "sent_ms")
"""The part of the total that is not waiting for the caller to be done."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How long a stage took over many turns, in milliseconds."""

    stage: Stage
    count: int
    p50: float
    p90: float
    p95: float
    p99: float


def percentiles(turns: Iterable[TurnLatency]) -> dict[Group, tuple[Figures, ...]]:
    """Return the figures of every stage over the turns that answered a caller.

    Turns whose reply was cut off stand apart: callers cut in on what went wrong. Percentiles are
    interpolated between the values, so that few turns give figures as well. Withdrawn replies
    and unprompted ones (greeting, reminders) are left out; stages that never happened, too.
    """
    answers = [turn for turn in turns if turn.voice_to_voice_ms is not None]
    groups: dict[Group, list[TurnLatency]] = {
        "heard out": [turn for turn in answers if not turn.interrupted],
        "interrupted": [turn for turn in answers if turn.interrupted],
    }
    return {
        group: tuple(
            figures for stage in (*STAGES, ANSWER, TOTAL) if (figures := over(stage, kept))
        )
        for group, kept in groups.items()
        if kept
    }


def over(stage: Stage, turns: Iterable[TurnLatency]) -> Figures | None:
    """Return the figures of one stage; None when it happened in none of the turns."""
    taken = [ms for turn in turns if (ms := stage.ms(turn)) is not None]
    if not taken:
        return None
    return Figures(stage, **percentiles_of(taken))


def percentiles_of(taken_ms: Sequence[float]) -> dict[str, Any]:
    """Return `count`, `p50`, `p90`, `p95` and `p99` of some times; empty when there are none."""
    if not taken_ms:
        return {}
    p50, p90, p95, p99 = (round(float(p), 1) for p in np.percentile(taken_ms, (50, 90, 95, 99)))
    return {"count": len(taken_ms), "p50": p50, "p90": p90, "p95": p95, "p99": p99}
