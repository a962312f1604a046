"""A call written by hand. Audio reaches us 40 ms late; every time is a sum one can do in the head.

Turn 0: the agent greets. Turn 1: an answer prepared after the turn, heard to its end.
Turn 2: an answer prepared in the caller's pause, cut off by the caller.
"""

import pytest

from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    CallEnded,
    CallerStarted,
    CallerStopped,
    CallStarted,
    Event,
    FirstToken,
    IntentFound,
    Interrupted,
    LineCleared,
    MarkPlayed,
    PassagesFound,
    ReplyBegun,
    SentenceReady,
    SpeculationEnded,
    SpeculationStarted,
    SpeechReady,
    TurnEnding,
    TurnOver,
    WordsHeard,
)

DELAY_MS = 40


def at(kind: type[Event], at_ms: int, late_ms: float = 0, **fields) -> Event:
    """Make an event that happened `late_ms` after the audio up to `at_ms` had come in."""
    return kind(at_ms=at_ms, clock_ms=at_ms + DELAY_MS + late_ms, **fields)


GREETING = [
    at(
        CallStarted, 20, conversation_id="conv_1", agent="sam", agent_version=3, line="simulated",
        stt="scripted", llm="scripted", tts="tone",
    ),
    at(SentenceReady, 20, turn=0, index=0, text="Hello."),
    at(SpeechReady, 20, turn=0, index=0, cached=True),
    at(AgentStarted, 40, turn=0),
    at(MarkPlayed, 940, name="0:0", heard=True),
    at(AgentStopped, 940, turn=0, text="Hello."),
]  # fmt: skip

ANSWERED = [
    at(CallerStarted, 1100, onset_ms=1000),
    at(CallerStopped, 2160, last_voiced_ms=2000),
    at(WordsHeard, 2300, text="how much is", is_final=False, start_ms=1000, end_ms=1900,
       confidence=0.5),
    at(TurnEnding, 2500, pause_ms=500, why="complete"),
    at(WordsHeard, 2600, text="how much is it", is_final=True, start_ms=1000, end_ms=2000,
       confidence=0.9),
    at(TurnOver, 2600, turn=1, text="how much is it", last_voiced_ms=2000, pause_ms=500,
       why="complete"),
    at(IntentFound, 2600, 5, turn=1, intent="QUESTION", confidence=0.9),
    at(PassagesFound, 2600, 15, turn=1, query="how much is it", passages=[], took_ms=10),
    at(ReplyBegun, 2600, 15, turn=1, model="scripted"),
    at(FirstToken, 2660, 5, turn=1),
    at(SentenceReady, 2700, turn=1, index=0, text="It costs ten."),
    at(SpeechReady, 2780, turn=1, index=0, cached=False),
    at(AgentStarted, 2800, turn=1),
    at(SentenceReady, 2900, turn=1, index=1, text="Per month."),
    at(SpeechReady, 2960, turn=1, index=1, cached=False),
    at(MarkPlayed, 3800, name="1:0", heard=True),
    at(MarkPlayed, 4600, name="1:1", heard=True),
    at(AgentStopped, 4600, turn=1, text="It costs ten. Per month."),
]  # fmt: skip

CUT_OFF = [
    at(CallerStarted, 5100, onset_ms=5000),
    at(CallerStopped, 6160, last_voiced_ms=6000),
    at(WordsHeard, 6200, text="and then", is_final=True, start_ms=5000, end_ms=6000,
       confidence=0.9),
    at(SpeculationStarted, 6200, text="and then"),
    at(TurnEnding, 6500, pause_ms=500, why="plain"),
    at(TurnOver, 6500, turn=2, text="and then", last_voiced_ms=6000, pause_ms=500, why="plain"),
    at(SpeculationEnded, 6500, used=True, text="and then"),
    at(IntentFound, 6200, 1, turn=2, intent="OTHER", confidence=0.5),
    at(ReplyBegun, 6200, 1, turn=2, model="scripted"),
    at(FirstToken, 6260, 1, turn=2),
    at(SentenceReady, 6300, turn=2, index=0, text="Then you sign the order."),
    at(SpeechReady, 6400, turn=2, index=0, cached=False),
    at(AgentStarted, 6500, 2, turn=2),
    at(CallerStarted, 7600, onset_ms=7500),
    at(LineCleared, 7700, 3, turn=2),
    at(Interrupted, 7700, 4, turn=2, heard="Then you", planned="Then you sign the order.",
       onset_ms=7500, detector="energy"),
    at(MarkPlayed, 7720, name="2:0", heard=False),
    at(CallerStopped, 8160, last_voiced_ms=8000),
    at(CallEnded, 8200, reason="caller", duration_ms=8200),
]  # fmt: skip


@pytest.fixture
def events() -> list[Event]:
    return [*GREETING, *ANSWERED, *CUT_OFF]
