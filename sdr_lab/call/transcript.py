"""Who said what, read from the events of a call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sdr_lab.call.heard import unheard
from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    Event,
    Interrupted,
    ToolFinished,
    TurnOver,
    Withdrawn,
)
from sdr_lab.records import Role


@dataclass(frozen=True, slots=True)
class Line:
    """One turn as it was heard."""

    turn: int
    role: Role
    text: str
    """For the agent: the words that reached the caller."""
    at_ms: int
    """Stream time: when the agent began, or the caller's turn was over."""
    cut_off: str = ""
    """What the agent had wanted to say and was not heard."""
    is_interrupted: bool = False


def transcript(events: Iterable[Event]) -> list[Line]:
    """Return the lines of a call in the order in which they were heard."""
    lines: list[Line] = []
    began_ms = 0
    for event in events:
        match event:
            case TurnOver():
                lines.append(Line(event.turn, "caller", event.text, event.at_ms))
            case Withdrawn() if lines and (lines[-1].role, lines[-1].turn) == (
                "caller",
                event.turn,
            ):
                lines.pop()  # the caller went on: the turn comes again, longer
            case AgentStarted():
                began_ms = event.at_ms
            case AgentStopped() if event.text:
                lines.append(Line(event.turn, "agent", event.text, began_ms))
            case Interrupted():
                rest = unheard(event.planned, event.heard)
                lines.append(Line(event.turn, "agent", event.heard, began_ms, rest, True))
            case _:
                continue
    return lines


def transcript_text(events: Iterable[Event]) -> str:
    """Return the transcript as plain text, a line per turn, tools noted in between."""
    kept = list(events)
    rows = [(line.at_ms, 0, _row(line)) for line in transcript(kept)]
    rows += [
        (event.at_ms, 1, f"           [{event.name}: {' '.join(event.content.split())}]")
        for event in kept
        if isinstance(event, ToolFinished)
    ]
    return "".join(text + "\n" for _, _, text in sorted(rows, key=lambda row: row[:2]))


def _row(line: Line) -> str:
    who = "Caller" if line.role == "caller" else "Agent "
    clock = f"{line.at_ms // 60_000:02d}:{line.at_ms % 60_000 // 100 / 10:04.1f}"
    cut = f" [cut off: {line.cut_off}]" if line.cut_off else ""
    return f"{clock}  {who} {line.text}{cut}"
