"""Decisions as rows that can be compared: of the live session by its log, of a floor by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sdr_lab.errors import NotFound
from sdr_lab.events import (
    CallerStarted,
    CallerStopped,
    Event,
    Held,
    Interrupted,
    Resumed,
    TimedOut,
    TurnDropped,
    TurnEnding,
    TurnOver,
    Withdrawn,
    read_events,
)
from sdr_lab.turns.decision import Decision, Kind

EVENTS = "events.jsonl"

DROPPED = {Kind.TURN_DROPPED, Kind.NOT_UNDERSTOOD, Kind.RESUME}
"""Three answers to a turn that is none; the log tells of them by one event."""

NEAR_MS = 1000
"""Decisions of one kind that lie no farther apart are one that has moved."""


class Decided(NamedTuple):
    """A decision and when it was made."""

    at_ms: int
    """Stream time: end of the frame, or time of the word, that decided."""
    kind: str
    """Of `Kind`; all of `DROPPED` are `turn_dropped`."""
    moment_ms: int = 0
    """What the decision names: an onset, the end of speech, the pause (`turn_ending`); else 0."""
    why: str = ""
    """The rule or the detector that decided, where the log tells it."""


def of_decision(at_ms: int, decision: Decision) -> Decided:
    """Make the row of what a floor has decided."""
    kind, since_ms, why = decision.kind, decision.since_ms, decision.why
    match kind:
        case Kind.CALLER_STARTED | Kind.CALLER_STOPPED:
            return Decided(at_ms, kind.value, since_ms)
        case Kind.TURN_OVER | Kind.CUT_IN | Kind.HOLD:
            return Decided(at_ms, kind.value, since_ms, why)
        case Kind.TURN_ENDING:
            return Decided(at_ms, kind.value, decision.pause_ms, why)
        case Kind.TURN_DROPPED | Kind.RESUME:
            return Decided(at_ms, Kind.TURN_DROPPED.value, 0, why)
        case Kind.NOT_UNDERSTOOD:
            return Decided(at_ms, Kind.TURN_DROPPED.value, 0, "no_words")
        case Kind.RELEASE:
            return Decided(at_ms, kind.value, 0, why)
        case Kind.WITHDRAW | Kind.SILENCE:
            return Decided(at_ms, kind.value)


def of_event(event: Event) -> Decided | None:
    """Make the row of a decision that the log tells of; None for any other event."""
    at_ms = event.at_ms
    match event:
        case CallerStarted():
            return Decided(at_ms, Kind.CALLER_STARTED.value, event.onset_ms)
        case CallerStopped():
            return Decided(at_ms, Kind.CALLER_STOPPED.value, event.last_voiced_ms)
        case TurnEnding():
            return Decided(at_ms, Kind.TURN_ENDING.value, event.pause_ms, event.why)
        case TurnOver():
            return Decided(at_ms, Kind.TURN_OVER.value, event.last_voiced_ms, event.why)
        case TurnDropped():
            return Decided(at_ms, Kind.TURN_DROPPED.value, 0, event.why)
        case Held():
            return Decided(at_ms, Kind.HOLD.value, event.onset_ms, event.detector)
        case Resumed() if event.why != "order":  # that is no decision of the floor
            return Decided(at_ms, Kind.RELEASE.value, 0, event.why)
        case Interrupted():
            return Decided(at_ms, Kind.CUT_IN.value, event.onset_ms, event.detector)
        case Withdrawn():
            return Decided(at_ms, Kind.WITHDRAW.value)
        case TimedOut(name="silence"):
            return Decided(at_ms, Kind.SILENCE.value)
    return None


def logged_decisions(folder: Path) -> list[Decided]:
    """Return what the live session of a recorded call decided, in order of time.

    Raises:
        NotFound: the folder holds no event log.
    """
    return in_order(row for row in map(of_event, logged_events(folder)) if row is not None)


def logged_events(folder: Path) -> list[Event]:
    """Read the event log of a call.

    Raises:
        NotFound: the folder holds none.
    """
    path = folder / EVENTS
    if not path.is_file():
        raise NotFound(f"{folder}: holds no {EVENTS}; give the folder of a recorded call")
    return list(read_events(path))


def in_order(rows: Iterable[Decided]) -> list[Decided]:
    """Sort by time; what is decided at the same time has no order of its own."""
    return sorted(rows)


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that only one side has made, or that has moved."""

    kind: str
    before: Decided | None
    """Of the first list; None: only the second has it."""
    after: Decided | None

    @property
    def at_ms(self) -> int:
        """When it was made, by the first side that made it."""
        return min(row.at_ms for row in (self.before, self.after) if row is not None)

    @property
    def text(self) -> str:
        """One line for people."""
        if self.after is None:
            return f"{_told(self.before)}: no longer"
        if self.before is None:
            return f"{_told(self.after)}: new"
        if self.before.at_ms == self.after.at_ms:
            return f"{_told(self.before)}: now {_details(self.after) or 'without details'}"
        return f"{_told(self.before)}: {self.after.at_ms - self.before.at_ms:+d} ms"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {
            "kind": self.kind,
            "at_ms": self.at_ms,
            "before": self.before._asdict() if self.before else None,
            "after": self.after._asdict() if self.after else None,
            "text": self.text,
        }


def differences(before: Sequence[Decided], after: Sequence[Decided]) -> list[Difference]:
    """Return what is not the same in two lists of decisions, in order of time; [] when equal.

    Equal rows are put aside first. Of what is left, decisions of one kind within `NEAR_MS` are
    taken for the same one that has moved, the nearest first.
    """
    left, right = _without_common(before, after)
    pairs = sorted(
        (abs(a.at_ms - b.at_ms), i, j)
        for i, a in enumerate(left)
        for j, b in enumerate(right)
        if a.kind == b.kind and abs(a.at_ms - b.at_ms) <= NEAR_MS
    )
    found: list[Difference] = []
    used: tuple[set[int], set[int]] = (set(), set())
    for _, i, j in pairs:
        if i not in used[0] and j not in used[1]:
            used[0].add(i)
            used[1].add(j)
            found.append(Difference(left[i].kind, left[i], right[j]))
    found += [Difference(a.kind, a, None) for i, a in enumerate(left) if i not in used[0]]
    found += [Difference(b.kind, None, b) for j, b in enumerate(right) if j not in used[1]]
    return sorted(found, key=lambda difference: (difference.at_ms, difference.kind))


def _without_common(
    before: Sequence[Decided], after: Sequence[Decided]
) -> tuple[list[Decided], list[Decided]]:
    common = Counter(before) & Counter(after)
    return _minus(before, Counter(common)), _minus(after, Counter(common))


def _minus(rows: Sequence[Decided], common: Counter[Decided]) -> list[Decided]:
    kept: list[Decided] = []
    for row in rows:
        if common[row]:
            common[row] -= 1
        else:
            kept.append(row)
    return kept


def _told(row: Decided | None) -> str:
    if row is None:
        return ""
    details = _details(row)
    name = row.kind.replace("_", " ")
    return f"{row.at_ms / 1000:.2f} s {name}{f' ({details})' if details else ''}"


def _details(row: Decided) -> str:
    moment = f"{row.moment_ms / 1000:.2f} s" if row.moment_ms else ""
    return ", ".join(part for part in (moment, row.why) if part)
