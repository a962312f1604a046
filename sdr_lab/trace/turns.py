"""The turns of a call with what was measured of them, as the store keeps them."""

from __future__ import annotations

from collections.abc import Sequence

from sdr_lab.call.transcript import transcript
from sdr_lab.events import Event
from sdr_lab.store.folder import Turn
from sdr_lab.trace.latency import TurnLatency, measure
from sdr_lab.trace.stages import ANSWER, STAGES, TOTAL


def turns_of(events: Sequence[Event]) -> list[Turn]:
    """Return who said what, as it was heard, with the latencies of the agent's answers."""
    measured = {turn.turn: turn for turn in measure(events).turns}
    return [
        Turn(
            role=line.role,
            text=line.text,
            at_ms=line.at_ms,
            interrupted=line.is_interrupted,
            metrics=metrics_of(measured[line.turn]) if line.role == "agent" else {},
        )
        for line in transcript(events)
    ]


def metrics_of(turn: TurnLatency) -> dict[str, float]:
    """Return the stages of a turn that happened, `voice_to_voice_ms` and so on."""
    return {
        f"{stage.key}_ms": ms
        for stage in (*STAGES, ANSWER, TOTAL)
        if (ms := stage.ms(turn)) is not None
    }
