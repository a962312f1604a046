from __future__ import annotations

import json
from typing import Any

from sdr_lab.events import (
    AgentStopped,
    Event,
    FixedLine,
    Interrupted,
    SentenceReady,
    SentenceSent,
    TurnOver,
)
from sdr_lab.live.convai_words import Words


def told(*events: Event) -> list[tuple[str, ...]]:
    """Return what the client is told: kind and texts."""
    sent: list[dict[str, Any]] = []
    words = Words(lambda text: sent.append(json.loads(text)))
    for event in events:
        words.take(event)
    return [
        (message["type"], *next(part for name, part in message.items() if name != "type").values())
        for message in sent
    ]


def at(kind: type[Event], **fields: Any) -> Event:
    return kind(at_ms=0, clock_ms=0.0, **fields)


def ready(turn: int, index: int, text: str) -> Event:
    return at(SentenceReady, turn=turn, index=index, text=text)


def sent(turn: int, index: int) -> Event:
    return at(SentenceSent, turn=turn, index=index)


def cut(turn: int, heard: str) -> Event:
    return at(Interrupted, turn=turn, heard=heard, planned="", onset_ms=0, detector="energy")


def test_a_fixed_line_is_told_whole_when_its_sound_begins():
    assert told(
        at(FixedLine, turn=0, text="Hello. I am Joe.", why="greeting"),
        ready(0, 0, "Hello."),
        ready(0, 1, "I am Joe."),
        sent(0, 0),
        sent(0, 1),
        at(AgentStopped, turn=0, text="Hello. I am Joe."),
    ) == [("agent_response", "Hello. I am Joe.")]


def test_a_reply_is_told_as_far_as_it_is_made():
    assert told(
        ready(1, 0, "Sure."),
        sent(1, 0),
        ready(1, 1, "It costs $49."),
        ready(1, 2, "Shall I book?"),
        sent(1, 1),
        sent(1, 2),
    ) == [("agent_response", "Sure."), ("agent_response", "It costs $49. Shall I book?")]


def test_what_was_not_heard_is_corrected():
    assert told(
        ready(1, 0, "Sure."),
        sent(1, 0),
        ready(1, 1, "It costs $49 a month."),
        sent(1, 1),
        cut(1, "Sure. It costs"),
    )[2:] == [("agent_response_correction", "It costs $49 a month.", "It costs")]


def test_what_was_never_told_needs_no_correction():
    assert told(ready(1, 0, "Sure."), ready(1, 1, "It costs $49."), cut(1, "")) == []


def test_a_late_interruption_of_another_turn_corrects_nothing():
    assert told(ready(1, 0, "Sure."), sent(1, 0), cut(0, "")) == [("agent_response", "Sure.")]


def test_a_turn_of_the_caller_is_told_when_it_is_over():
    over = at(TurnOver, turn=1, text="Hi.", last_voiced_ms=0, pause_ms=0, why="complete")

    assert told(over) == [("user_transcript", "Hi.")]
