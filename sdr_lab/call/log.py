"""The call's event log: stamps events with both clocks and hands them to whoever listens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from sdr_lab.events import (
    CallStarted,
    Event,
    TurnEnding,
    TurnOver,
    TurnSignalled,
    WordsHeard,
)
from sdr_lab.records import CallConfig, TurnSignal, Words
from sdr_lab.turns.decision import Decision

log = logging.getLogger(__name__)

Sink = Callable[[Event], None]


class CallLog:
    """Stamps and distributes. `at_ms` is moved by the session as audio comes in."""

    def __init__(self, clock_s: Callable[[], float], sinks: Sequence[Sink]) -> None:
        self.at_ms = 0
        self._clock_s = clock_s
        self._start_s = clock_s()
        self._sinks = tuple(sinks)

    @property
    def clock_ms(self) -> float:
        """Loop time since the start of the call."""
        return round((self._clock_s() - self._start_s) * 1000, 3)

    def add(self, kind: type[Event], **fields: Any) -> None:
        """Make an event of `kind` that happens now."""
        self.write(kind(at_ms=self.at_ms, clock_ms=self.clock_ms, **fields))

    def write(self, event: Event) -> None:
        for sink in self._sinks:
            try:
                sink(event)
            except Exception:  # a listener's fault is not the caller's
                log.exception("a listener failed on %s", type(event).__name__)


def log_start(call: CallLog, config: CallConfig) -> None:
    """Write the first event of a call."""
    call.add(
        CallStarted,
        conversation_id=config.conversation_id,
        agent=config.agent.id,
        agent_version=config.agent.version,
        line=config.line,
        stt=config.stt,
        llm=config.llm,
        tts=config.tts,
    )


def log_turn_over(call: CallLog, turn: int, decision: Decision) -> None:
    """Write that the caller's turn is over."""
    call.add(
        TurnOver,
        turn=turn,
        text=decision.text,
        last_voiced_ms=decision.since_ms,
        pause_ms=decision.pause_ms,
        why=decision.why,
    )


def log_turn_ending(call: CallLog, decision: Decision) -> None:
    """Write that the transcriber is asked for its final words."""
    call.add(TurnEnding, pause_ms=decision.pause_ms, why=decision.why)


def log_words(call: CallLog, words: Words) -> None:
    """Write what a transcriber has understood."""
    call.add(
        WordsHeard,
        text=words.text,
        is_final=words.is_final,
        start_ms=words.start_ms,
        end_ms=words.end_ms,
        confidence=round(words.confidence, 4),
    )


def log_signal(call: CallLog, heard: TurnSignal) -> None:
    """Write what a transcriber says about the caller's turn."""
    call.add(
        TurnSignalled,
        signal=heard.signal.value,
        until_ms=heard.at_ms,
        confidence=round(heard.confidence, 4),
    )


class HeldLog:
    """Keeps the events of a reply in preparation until it is certain that it is used.

    Their clocks say when they happened; they enter the file later, so `clock_ms` may step back
    there. What was prepared in vain leaves no trace.
    """

    def __init__(self, log: CallLog) -> None:
        self._log = log
        self._held: list[Event] | None = []

    def add(self, kind: type[Event], **fields: Any) -> None:
        log = self._log
        event = kind(at_ms=log.at_ms, clock_ms=log.clock_ms, **fields)
        if self._held is None:
            log.write(event)
        else:
            self._held.append(event)

    def release(self) -> None:
        """Write what was held; from now on events go straight through."""
        held, self._held = self._held, None
        for event in held or ():
            self._log.write(event)
