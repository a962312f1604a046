"""Repeat the decisions of a recorded call: the production floor hears the recording again.

The folder of a call holds all that the floor was told: the caller's raw channel, what he heard of
us, and every other input in the event log. With the settings that the call ran with it decides
the same, at the same times. With other settings it shows what would have been decided, as long as
the agent goes on as recorded: what it would have said instead nobody knows, so that a recorded
interruption ends the agent's speech in any case, and recorded speech goes on behind a new one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sdr_lab.audio.energy import frame_energies
from sdr_lab.audio.filters import FilterChain
from sdr_lab.audio.frame import cut_frames
from sdr_lab.audio.wav import read_mulaw
from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    CallEnded,
    DigitPressed,
    Event,
    FixedLine,
    Held,
    Interrupted,
    OrderTaken,
    SentenceReady,
    SentenceSent,
    TimedOut,
    TurnDropped,
    TurnSignalled,
    WordsHeard,
)
from sdr_lab.records import FRAME_MS, CallSettings, Signal, TurnSignal, Words
from sdr_lab.replay.frozen import frozen_settings
from sdr_lab.replay.rows import (
    Decided,
    Difference,
    differences,
    in_order,
    logged_events,
    of_decision,
    of_event,
)
from sdr_lab.turns.decision import Decision, Kind, State
from sdr_lab.turns.detectors.base import Listened
from sdr_lab.turns.floor import Floor

AUDIO = "audio.wav"
BLOCK_MS = 10_000
"""So much of a recording is in memory at once."""


@dataclass(frozen=True, slots=True)
class DecisionReplay:
    """What a floor has decided over a recorded call, beside what the live session did."""

    settings: CallSettings
    logged: tuple[Decided, ...]
    decisions: tuple[Decided, ...]

    @property
    def differences(self) -> list[Difference]:
        """What is not the same; empty when every decision is."""
        return differences(self.logged, self.decisions)

    @property
    def same_decisions(self) -> bool:
        return self.logged == self.decisions


def replay_decisions(folder: Path, settings: CallSettings | None = None) -> DecisionReplay:
    """Let a fresh floor hear a recorded call.

    Args:
        folder: Of the call, with `audio.wav`, `events.jsonl` and `call.json`.
        settings: Thresholds and filters; None: those of the call.

    Raises:
        NotFound: a file of the call is missing, or there is no such detector.
        BadInput: `call.json` holds no settings.
        AudioError: the recording can't be read.
        MissingPackage: the detector is not installed.
    """
    events = logged_events(folder)
    used = settings or frozen_settings(folder)
    logged = in_order(row for row in map(of_event, events) if row is not None)
    decided = _Again(events, used).run(_heard(folder / AUDIO, used.filters))
    return DecisionReplay(used, tuple(logged), tuple(in_order(decided)))


def _heard(audio: Path, filters: tuple[str, ...]) -> Iterator[Listened]:
    """Yield the frames that the floor was told."""
    chain = FilterChain(filters) if filters else None
    at_ms = 0
    callers = read_mulaw(audio, BLOCK_MS, channel=0)
    agents = read_mulaw(audio, BLOCK_MS, channel=1)
    for caller, agent in zip(callers, agents, strict=True):
        frames = cut_frames(caller)
        if chain is not None:
            frames = [chain.process_mulaw(frame) for frame in frames]
            caller = b"".join(frames)
        energies: list[int] = frame_energies(caller).tolist()
        for mulaw, energy, played in zip(frames, energies, cut_frames(agent), strict=True):
            yield Listened(at_ms, mulaw, energy, False, played)
            at_ms += FRAME_MS


class _Again:
    """A fresh floor, told what the log and the recording hold, in the order of stream time."""

    def __init__(self, events: list[Event], settings: CallSettings) -> None:
        self._floor = Floor.of(settings)
        self._rows: list[Decided] = []
        self._last_heard = ""
        self._inputs: dict[int, list[Event]] = defaultdict(list)
        for event in events:
            if isinstance(event, INPUTS):
                self._inputs[event.at_ms].append(event)
        self._cut_in_ms = {e.at_ms for e in events if isinstance(e, Interrupted)}
        self._held_ms = {e.at_ms for e in events if isinstance(e, Held)}
        self._texts = {(e.turn, e.index): e.text for e in events if isinstance(e, SentenceReady)}
        self._echo_ms = {e.at_ms for e in events if _is_echo(e)}
        self._is_cancelled = any(_was_cancelled(event) for event in events)

    def run(self, frames: Iterator[Listened]) -> list[Decided]:
        self._tell_all(0)
        for frame in frames:
            end_ms = frame.at_ms + FRAME_MS
            if decisions := self._floor.hear(frame):
                self._note(end_ms, decisions)
            if end_ms in self._inputs:
                self._tell_all(end_ms)
        return self._rows

    def _tell_all(self, now_ms: int) -> None:
        for event in self._inputs.get(now_ms, ()):
            self._tell(event)

    def _tell(self, event: Event) -> None:
        floor, at_ms = self._floor, event.at_ms
        match event:
            case WordsHeard():
                words = Words(event.text, event.is_final, event.start_ms, event.end_ms)
                self._note(at_ms, floor.read(words))
            case TurnSignalled():
                heard = TurnSignal(Signal(event.signal), event.until_ms, event.confidence)
                self._note(at_ms, floor.signal(heard))
            case DigitPressed():
                self._note(at_ms, floor.press(event.digit))
            case OrderTaken(order="text"):
                self._note(at_ms, floor.type(event.text))
            case OrderTaken(order="message") | OrderTaken(order="end", reason="voicemail"):
                floor.hold(from_machine=True)
            case OrderTaken(order="goodbye" | "end") | TimedOut(name="max_length" | "error"):
                floor.hold()
            case FixedLine(why="greeting"):
                floor.agent_greets()
            case FixedLine():
                floor.agent_thinking()
            case AgentStarted():
                floor.agent_started()
            case SentenceSent():
                floor.agent_says(self._texts.get((event.turn, event.index), ""))
            case CallEnded() if not self._is_cancelled and (last := floor.hang_up()) is not None:
                self._note(at_ms, [last])
            case Interrupted() | AgentStopped():
                self._agent_is_silent(event)

    def _agent_is_silent(self, event: Interrupted | AgentStopped) -> None:
        """The recorded agent says no more."""
        if isinstance(event, Interrupted):
            self._last_heard = event.heard or self._last_heard
            if self._floor.state is State.SPEAKING:  # other settings, which did not stop it
                self._floor.agent_stopped(False)
            return
        # whoever speaks when only the marks are outstanding has not interrupted anybody
        if event.at_ms not in self._cut_in_ms:
            self._forget(event.at_ms, Kind.CUT_IN)
        if event.at_ms not in self._held_ms:
            self._forget(event.at_ms, Kind.HOLD)
        self._last_heard = event.text or self._last_heard
        self._floor.agent_stopped(self._last_heard.strip().endswith("?"))

    def _forget(self, at_ms: int, kind: Kind) -> None:
        self._rows = [row for row in self._rows if row[:2] != (at_ms, kind.value)]

    def _note(self, at_ms: int, decisions: list[Decision]) -> None:
        for decision in decisions:
            row = of_decision(at_ms, decision)
            if decision.kind is Kind.TURN_OVER and at_ms in self._echo_ms:
                row = Decided(at_ms, Kind.TURN_DROPPED.value, 0, "echo")
            self._rows.append(row)


INPUTS = (
    WordsHeard,
    TurnSignalled,
    DigitPressed,
    OrderTaken,
    TimedOut,
    FixedLine,
    SentenceSent,
    AgentStarted,
    AgentStopped,
    Interrupted,
    CallEnded,
)


def _is_echo(event: Event) -> bool:
    """The floor took it for a turn, the session for our own words coming back."""
    return isinstance(event, TurnDropped) and event.why == "echo"


def _was_cancelled(event: Event) -> bool:
    """The call was cancelled: nobody waited for the caller's last words."""
    return isinstance(event, CallEnded) and event.reason == "cancelled"
