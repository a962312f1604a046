"""Where the time of a turn went, read from the events of the call.

All times are milliseconds of loop time since the start of the call. A stage may begin before the
turn is over: then the reply was prepared in the caller's pause (speculation).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    CallerStarted,
    CallerStopped,
    CallStarted,
    Event,
    FirstToken,
    Held,
    IntentFound,
    Interrupted,
    LineCleared,
    MarkPlayed,
    PassagesFound,
    ReplyBegun,
    Resumed,
    SentenceReady,
    SpeculationStarted,
    SpeechReady,
    TurnDropped,
    TurnEnding,
    TurnOver,
    Withdrawn,
    WordsHeard,
    read_events,
)
from sdr_lab.records import Role
from sdr_lab.trace.clock import CallClock


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLatency:
    """One turn of the agent. None: did not happen, or is not known."""

    turn: int
    caller: str = ""
    """What the caller said; empty when the agent spoke unprompted (greeting, reminder)."""
    agent: str = ""
    """What was heard of the agent."""
    last_voiced_ms: float | None = None
    """The caller's last voiced sample came in. All waiting counts from here."""
    stopped_ms: float | None = None
    """The caller counted as silent; the transcriber was asked for what it has."""
    ending_ms: float | None = None
    """The pause was long enough; the transcriber was asked for its final words."""
    words_ms: float | None = None
    """The final words were there."""
    over_ms: float | None = None
    """The turn was over (endpoint)."""
    intent_ms: float | None = None
    search_began_ms: float | None = None
    passages_ms: float | None = None
    asked_ms: float | None = None
    """The model was asked."""
    token_ms: float | None = None
    """The model's first token came."""
    sentence_ms: float | None = None
    """The first sentence was complete."""
    speech_ms: float | None = None
    """The first audio of it was there."""
    sent_ms: float | None = None
    """The first frame was handed to the line: the caller begins to hear the agent."""
    mark_ms: float | None = None
    """The line said that the first sentence had been played to its end."""
    stopped_speaking_ms: float | None = None
    """The agent fell silent: everything played, or cut off."""
    pause_ms: int | None = None
    """The pause that the endpoint rule asked for."""
    why: str = ""
    """The endpoint rule."""
    interrupted: bool = False
    withdrawn: bool = False
    """The caller went on before anything was heard."""
    began_ms: float | None = None
    """Work on the answer began: at the end of the turn, or in the pause before it."""
    cached: bool = False
    """The answer came from the response cache."""

    @property
    def voice_to_voice_ms(self) -> float | None:
        """The caller's last voiced sample → the agent's first frame."""
        return between(self.last_voiced_ms, self.sent_ms)

    @property
    def speculated(self) -> bool:
        """The answer was prepared before the turn was over."""
        return None not in (self.began_ms, self.over_ms) and self.began_ms != self.over_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class BargeIn:
    """The caller cut in."""

    turn: int
    onset_ms: float
    """The first frame that counted as cutting in came in."""
    decided_ms: float
    """The frame that decided it, or the hold before it, came in. (A call clears the line before
    it writes the decision down, so the clock of `Interrupted` itself would come too late.)"""
    cleared_ms: float
    """The agent fell silent: `clear` had been handed to the line."""
    heard: str
    detector: str

    @property
    def total_ms(self) -> float:
        return round(self.cleared_ms - self.onset_ms, 3)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A stretch of time in which one side spoke, loop time."""

    role: Role
    start_ms: float
    end_ms: float
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class CallLatency:
    """The latency of one call."""

    call: str
    """Conversation id."""
    turns: tuple[TurnLatency, ...] = ()
    barge_ins: tuple[BargeIn, ...] = ()
    spoken: tuple[Spoken, ...] = ()

    @property
    def answers(self) -> tuple[TurnLatency, ...]:
        """The turns in which the agent answered the caller."""
        return tuple(turn for turn in self.turns if turn.voice_to_voice_ms is not None)


def between(start_ms: float | None, end_ms: float | None) -> float | None:
    """Return the time from one moment to another; None when one of them is missing."""
    if start_ms is None or end_ms is None:
        return None
    return round(end_ms - start_ms, 3)


def measure_folder(path: Path) -> CallLatency:
    """Measure a call folder. Raises `OSError` when it has no `events.jsonl`."""
    return measure(read_events(path / "events.jsonl"), path.name)


def measure(events: Iterable[Event], call: str = "") -> CallLatency:
    """Measure one call.

    Args:
        events: In the order of the file.
        call: Name for a call whose `CallStarted` is missing.
    """
    kept = list(events)
    clock = CallClock(kept)
    reader = Reader(clock)
    for event in kept:
        reader.read(event)
    start = next((event for event in kept if isinstance(event, CallStarted)), None)
    return CallLatency(
        call=start.conversation_id if start else call,
        turns=tuple(reader.rows()),
        barge_ins=tuple(barge_ins(kept, clock)),
        spoken=tuple(sorted(spoken(kept, clock), key=lambda part: part.start_ms)),
    )


@dataclass
class Reader:
    """Collects the moments of each turn as the events go by. The first of a kind counts."""

    clock: CallClock
    _turns: dict[int, dict[str, object]] = field(default_factory=dict)
    _pause: dict[str, object] = field(default_factory=dict)
    """What the caller's pause has brought so far; belongs to the turn that it ends."""
    _speculations_ms: list[float] = field(default_factory=list)

    def rows(self) -> list[TurnLatency]:
        """Return the turns, by number."""
        rows = []
        for turn, moments in sorted(self._turns.items()):
            row = TurnLatency(turn=turn, **moments)  # type: ignore[arg-type]
            rows.append(dataclasses.replace(row, began_ms=self._began_ms(row)))
        return rows

    def _began_ms(self, row: TurnLatency) -> float | None:
        """Return the start of the speculation whose work this row shows, else the endpoint."""
        work_ms = min((ms for ms in (row.intent_ms, row.asked_ms) if ms is not None), default=None)
        if row.over_ms is None or work_ms is None or work_ms >= row.over_ms:
            return row.over_ms
        return max((ms for ms in self._speculations_ms if ms <= work_ms), default=work_ms)

    def read(self, event: Event) -> None:
        self._read_caller(event)
        self._read_reply(event)
        self._read_speech(event)

    def _read_caller(self, event: Event) -> None:
        match event:
            case CallerStarted():
                self._pause.pop("stopped_ms", None)
                self._pause.pop("ending_ms", None)
            case CallerStopped():
                self._pause["stopped_ms"] = event.clock_ms
            case TurnEnding():
                self._pause["ending_ms"] = event.clock_ms
            case WordsHeard(is_final=True):
                self._pause["words_ms"] = event.clock_ms
            case TurnOver():
                moments = self._turns.setdefault(event.turn, {})
                moments.update(self._pause)
                moments.update(
                    caller=event.text,
                    over_ms=event.clock_ms,
                    last_voiced_ms=self.clock.clock_ms(event.last_voiced_ms),
                    pause_ms=event.pause_ms,
                    why=event.why,
                )
                self._pause = {}
            case TurnDropped():
                self._pause = {}
            case SpeculationStarted():
                self._speculations_ms.append(event.clock_ms)
            case _:
                return

    def _read_reply(self, event: Event) -> None:
        match event:
            case IntentFound():
                self._first(event.turn, intent_ms=event.clock_ms)
            case PassagesFound():
                began_ms = round(event.clock_ms - event.took_ms, 3)
                self._first(event.turn, passages_ms=event.clock_ms, search_began_ms=began_ms)
            case ReplyBegun():
                self._first(event.turn, asked_ms=event.clock_ms, cached=event.cached)
            case FirstToken():
                self._first(event.turn, token_ms=event.clock_ms)
            case SentenceReady(index=0):
                self._first(event.turn, sentence_ms=event.clock_ms)
            case SpeechReady(index=0):
                self._first(event.turn, speech_ms=event.clock_ms)
            case _:
                return

    def _read_speech(self, event: Event) -> None:
        match event:
            case AgentStarted():
                self._first(event.turn, sent_ms=event.clock_ms)
            case MarkPlayed(heard=True) if event.name.partition(":")[0].isdigit():
                self._first(int(event.name.partition(":")[0]), mark_ms=event.clock_ms)
            case AgentStopped():
                self._first(event.turn, stopped_speaking_ms=event.clock_ms, agent=event.text)
            case LineCleared():
                self._first(event.turn, stopped_speaking_ms=event.clock_ms)
            case Resumed():
                self._turns.setdefault(event.turn, {}).pop("stopped_speaking_ms", None)
            case Interrupted():
                self._first(event.turn, stopped_speaking_ms=event.clock_ms)
                self._turns[event.turn].update(agent=event.heard, interrupted=True)
            case Withdrawn():
                self._first(event.turn, withdrawn=True)
            case _:
                return

    def _first(self, turn: int, **moments: object) -> None:
        known = self._turns.setdefault(turn, {})
        for name, value in moments.items():
            known.setdefault(name, value)


def barge_ins(events: Sequence[Event], clock: CallClock) -> list[BargeIn]:
    """Return the interruptions of a call, in order."""
    cleared: dict[int, LineCleared] = {}  # of a hold, when that became the interruption
    found = []
    for event in events:
        if isinstance(event, LineCleared):
            cleared[event.turn] = event
        elif isinstance(event, Resumed):
            cleared.pop(event.turn, None)
        elif isinstance(event, Interrupted):
            silent = cleared.get(event.turn, event)
            cleared_ms = silent.clock_ms
            found.append(
                BargeIn(
                    turn=event.turn,
                    onset_ms=min(clock.clock_ms(event.onset_ms), cleared_ms),
                    decided_ms=min(clock.clock_ms(silent.at_ms), cleared_ms),
                    cleared_ms=cleared_ms,
                    heard=event.heard,
                    detector=event.detector,
                )
            )
    return found


def spoken(events: Sequence[Event], clock: CallClock) -> list[Spoken]:
    """Return who spoke when. What was still going on at the end ends with the last event."""
    last_ms = max((event.clock_ms for event in events), default=0.0)
    parts: list[Spoken] = []
    began: dict[Role, float] = {}

    def close(role: Role, end_ms: float, cut_off: bool = False) -> None:
        start_ms = began.pop(role, None)
        if start_ms is not None:
            parts.append(Spoken(role, start_ms, max(start_ms, end_ms), cut_off))

    def mark_last(role: Role, cut_off: bool) -> None:
        own = [i for i, part in enumerate(parts) if part.role == role]
        if own:
            parts[own[-1]] = replace(parts[own[-1]], cut_off=cut_off)

    for event in events:
        match event:
            case CallerStarted():
                began.setdefault("caller", clock.clock_ms(event.onset_ms))
            case CallerStopped():
                close("caller", clock.clock_ms(event.last_voiced_ms))
            case AgentStarted():
                close("agent", event.clock_ms)
                began["agent"] = event.clock_ms
            case AgentStopped():
                close("agent", event.clock_ms)
            case LineCleared():
                close("agent", event.clock_ms, cut_off=True)
            case Held():
                mark_last("agent", cut_off=False)
            case Resumed():
                began["agent"] = event.clock_ms
            case Interrupted():
                close("agent", event.clock_ms, cut_off=True)
                mark_last("agent", cut_off=True)
            case _:
                continue
    close("caller", last_ms)
    close("agent", last_ms)
    return parts
