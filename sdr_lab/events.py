"""Everything that happens in a call, one class per kind.

`events.jsonl` holds one event a line: `{"kind": "TurnOver", "at_ms": …, "clock_ms": …, …}`.
Traces, pages, scores, replay and the database are readers of it. docs/events.md is held to
this file by a test. Readers skip kinds they do not know, so that new ones may be added.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sdr_lab.event import Event, from_dict, kinds, read_events, to_dict, to_json

__all__ = ["KINDS", "Event", "from_dict", "read_events", "to_dict", "to_json"]

# ---- the call


@dataclass(frozen=True, kw_only=True)
class CallStarted(Event):
    """The line is open and the first frame has been seen."""

    conversation_id: str
    agent: str
    agent_version: int
    line: str
    stt: str
    llm: str
    tts: str


@dataclass(frozen=True, kw_only=True)
class CallEnded(Event):
    """The last event of a call that was not broken off."""

    reason: str
    """`agent`, `caller`, `transfer`, `silence`, `voicemail`, `max_length`, `stalled`, `error`,
    `cancelled`, or an order's."""
    duration_ms: int


@dataclass(frozen=True, kw_only=True)
class GapFilled(Event):
    """Audio was missing on the caller's side; silence of this length stands in for it."""

    missing_ms: int


@dataclass(frozen=True, kw_only=True)
class DigitPressed(Event):
    """The caller pressed a key (input of the floor)."""

    digit: str


@dataclass(frozen=True, kw_only=True)
class OrderTaken(Event):
    """An order from outside (input of the floor: `goodbye`, `message` hold it, `text` is said)."""

    order: str
    """`goodbye`, `message`, `end`, `text`, `context`."""
    text: str = ""
    """What was typed, is to be said, or is to be known."""
    reason: str = ""
    """Of `goodbye` and `end`: why the call will be over."""


@dataclass(frozen=True, kw_only=True)
class TimedOut(Event):
    """A time-out on the loop's clock fired (input of the floor: `max_length` holds it)."""

    name: str
    """`silence`, `max_length`, `overdue` (goodbye or message took too long), `stalled`, `error`."""


# ---- the caller


@dataclass(frozen=True, kw_only=True)
class CallerStarted(Event):
    """The caller began to speak."""

    onset_ms: int
    """Stream time of the first voiced frame, some frames before `at_ms`."""


@dataclass(frozen=True, kw_only=True)
class CallerStopped(Event):
    """The caller has been silent for `stopped_ms` of the endpoint settings."""

    last_voiced_ms: int
    """Stream time of the end of the last voiced frame."""


@dataclass(frozen=True, kw_only=True)
class WordsHeard(Event):
    """A transcriber's result (input of the floor)."""

    text: str
    is_final: bool
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True, kw_only=True)
class TurnSignalled(Event):
    """A transcriber with an end-of-turn model has judged the caller's turn (input of the floor)."""

    signal: str
    """`turn_started`, `turn_ending`, `turn_resumed`, `turn_ended`."""
    until_ms: int
    """Stream time up to which it has heard."""
    confidence: float


@dataclass(frozen=True, kw_only=True)
class TurnEnding(Event):
    """The pause is long enough; the transcriber was asked for its final words."""

    pause_ms: int
    why: str
    """The rule that set the pause: `fixed`, `complete`, `short_answer`, `trailing`, `plain`."""


@dataclass(frozen=True, kw_only=True)
class TurnOver(Event):
    """The caller's turn is over and the agent may answer."""

    turn: int
    text: str
    last_voiced_ms: int
    pause_ms: int
    why: str
    """As in `TurnEnding`; or `signal`, `digits`, `typed`, `hung_up` (the call ended within it)."""


@dataclass(frozen=True, kw_only=True)
class TurnDropped(Event):
    """Sound that was no turn: no words in it, an acknowledgement, or the agent's own echo."""

    text: str
    why: str
    """`no_words`, `acknowledgement`, `echo`."""


# ---- understanding


@dataclass(frozen=True, kw_only=True)
class SpeculationStarted(Event):
    """A reply is being prepared before the turn is over. Nothing of it is heard yet."""

    text: str


@dataclass(frozen=True, kw_only=True)
class SpeculationEnded(Event):
    """The turn is over (or went on): the prepared reply was used or thrown away."""

    used: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class IntentFound(Event):
    """What the caller wants."""

    turn: int
    intent: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class PassagesFound(Event):
    """What the knowledge base has on it."""

    turn: int
    query: str
    passages: list[dict[str, Any]] = field(default_factory=list)
    """`{"id", "source", "score", "text"}` each, best first."""
    took_ms: float


# ---- the reply


@dataclass(frozen=True, kw_only=True)
class FixedLine(Event):
    """The agent is about to say a fixed text, unasked (input of the floor)."""

    turn: int
    text: str
    why: str
    """`greeting`, `silence`, `not_heard`, `goodbye`, `apology`, `rest`, `voicemail`."""


@dataclass(frozen=True, kw_only=True)
class ReplyBegun(Event):
    """The model was asked."""

    turn: int
    model: str
    cached: bool = False
    """The answer comes from the response cache."""


@dataclass(frozen=True, kw_only=True)
class FirstToken(Event):
    """The model's first piece of text or tool call arrived."""

    turn: int


@dataclass(frozen=True, kw_only=True)
class SentenceReady(Event):
    """A sentence (the first one possibly a clause) is complete and goes to the voice."""

    turn: int
    index: int
    """0, 1, 2… within the turn."""
    text: str


@dataclass(frozen=True, kw_only=True)
class SpeechReady(Event):
    """The first audio of a sentence is there."""

    turn: int
    index: int
    cached: bool


@dataclass(frozen=True, kw_only=True)
class AgentStarted(Event):
    """The first audio of a reply was handed to the line (input of the floor)."""

    turn: int


@dataclass(frozen=True, kw_only=True)
class SentenceSent(Event):
    """The first audio of a sentence was handed to the line (input of the floor, with its text)."""

    turn: int
    index: int


@dataclass(frozen=True, kw_only=True)
class MarkPlayed(Event):
    """The line says that a sentence has been played to its end."""

    name: str
    """`turn:index`."""
    heard: bool
    """False for marks that came back because of a `clear`."""


@dataclass(frozen=True, kw_only=True)
class AgentStopped(Event):
    """A reply is over: all of it has been played, or the call has ended (input of the floor)."""

    turn: int
    text: str
    """What the caller heard of it."""


@dataclass(frozen=True, kw_only=True)
class Withdrawn(Event):
    """The caller went on talking while the reply was being prepared; nothing of it was heard."""

    turn: int


@dataclass(frozen=True, kw_only=True)
class Held(Event):
    """The caller may be cutting in: the line was cleared, the rest of the reply is kept.

    A decision of the floor. When nothing was left to be heard there is an `AgentStopped` at the
    same time instead. A hold ends by `Resumed`, `Interrupted` or `AgentStopped`.
    """

    turn: int
    heard: str
    """The part of the reply that had reached the caller."""
    onset_ms: int
    """Stream time of the first frame that spoke for it."""
    detector: str


@dataclass(frozen=True, kw_only=True)
class Resumed(Event):
    """He did not: the reply goes on. A decision of the floor, but for `order`."""

    turn: int
    why: str
    """`expired`, `acknowledgement`, `quiet` (he fell silent after `hold_ms`), or `order`: the
    reply is the goodbye that was ordered."""
    held_ms: int
    repeated_ms: int
    """Sound that is said again, so that no word is lost."""


@dataclass(frozen=True, kw_only=True)
class Interrupted(Event):
    """The caller cut in and the agent stopped."""

    turn: int
    heard: str
    """The part of the reply that reached the caller."""
    planned: str
    """What had been given to the voice, `heard` and the rest."""
    onset_ms: int
    """Stream time of the first frame that counted as cutting in."""
    detector: str
    """Its name; or `signal`, `keys`, `typed`, `stop_word`, `words` (others, during a hold)."""


@dataclass(frozen=True, kw_only=True)
class LineCleared(Event):
    """`clear` was handed to the line."""

    turn: int


@dataclass(frozen=True, kw_only=True)
class ProviderFailed(Event):
    """A provider failed; the caller hears an apology instead of silence."""

    stage: str
    """`stt`, `llm`, `tts`, `knowledge`, `tool`, `reply`, `line`."""
    provider: str
    error: str


# ---- tools


@dataclass(frozen=True, kw_only=True)
class ToolProposed(Event):
    """The agent asked for the caller's yes."""

    turn: int
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ToolDropped(Event):
    """A tool did not run."""

    turn: int
    name: str
    why: str
    """`denied`, `changed_topic`, `cancelled`, `refused`."""


@dataclass(frozen=True, kw_only=True)
class ToolStarted(Event):
    """A tool runs."""

    turn: int
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ToolFinished(Event):
    """A tool has run."""

    turn: int
    name: str
    ok: bool
    content: str
    data: dict[str, Any] = field(default_factory=dict)


KINDS: dict[str, type[Event]] = kinds()
"""Every kind by its name."""
