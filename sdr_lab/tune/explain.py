"""Why a detector did or did not stop the agent at a moment of a recorded call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sdr_lab.errors import BadInput
from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.tune.detect import Detections, FrameReading, detect
from sdr_lab.tune.labels import Interval, Label
from sdr_lab.tune.score import EARLY_S, GRACE_S, LATEST_S
from sdr_lab.tune.view import LiveMark, Mark, live_marks, marks_of
from sdr_lab.tune.what_if import Change, changes

AROUND_MS = 300
"""Where nothing is labelled, a decision so near is the one that was asked for."""
LIVE_NEAR_MS = 2000
SCORES = {"stop": "stop_score", "probability": "stop_score", "hold": "hold_score"}
"""Reading → the setting that its limit comes from."""

_CLOCK = re.compile(r"(?:(\d+):)?(\d+(?:\.\d*)?)s?")


@dataclass(frozen=True, slots=True)
class Check:
    """One value of the detector against what it must reach."""

    name: str
    value: float
    limit: float

    @property
    def is_reached(self) -> bool:
        return self.value >= self.limit

    @property
    def missing(self) -> float:
        """How much is missing; 0 when it is reached."""
        return max(0.0, self.limit - self.value)


@dataclass(frozen=True, slots=True)
class Moment:
    """What the detector saw in one frame."""

    at_ms: int
    """Start of the frame."""
    energy: int
    is_voiced: bool
    checks: tuple[Check, ...]
    others: Mapping[str, float]
    """Values that need not reach anything."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that can be said of one moment of a call."""

    call: str
    at_ms: int
    within: Interval
    """The stretch that was looked at: about the label, or about the moment."""
    detector: str
    settings: InterruptSettings
    agent: Interval | None
    """The agent's speech at the moment; None: he was silent."""
    label: Label | None
    decisions: tuple[Mark, ...]
    """In the stretch, in order."""
    before: Mark | None
    after: Mark | None
    """The nearest decisions outside it."""
    debounced_until_ms: int | None
    """After a stop nothing counts for `debounce_ms`; None: it was over by then."""
    moment: Moment
    """What was seen at the moment."""
    best: Moment | None
    """Where in the stretch the detector came closest, or what it saw when it decided."""
    changes: tuple[Change, ...]
    live: tuple[LiveMark, ...]
    """What the live session decided nearby."""

    @property
    def stop(self) -> Mark | None:
        """The first stop in the stretch."""
        return next((mark for mark in self.decisions if mark.kind == "stop"), None)

    @property
    def hold(self) -> Mark | None:
        """The first hold in the stretch."""
        return next((mark for mark in self.decisions if mark.kind == "hold"), None)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return asdict(self) | {"stopped": self.stop is not None, "held": self.hold is not None}


def parse_time(text: str, option: str = "--at") -> int:
    """Read seconds or m:ss as ms.

    Raises:
        BadInput: it is neither.

    >>> parse_time("12.34"), parse_time("1:02.5")
    (12340, 62500)
    """
    match = _CLOCK.fullmatch(text.strip())
    if not match:
        allowed = "seconds (12.34) or minutes and seconds (1:02.5)"
        raise BadInput(f"{option}: got {text!r}, allowed: {allowed}")
    return round(1000 * (60 * int(match[1] or 0) + float(match[2])))


def explain(
    call: LabelledCall,
    at_ms: int,
    settings: InterruptSettings,
    found: Detections | None = None,
    what_if: bool = True,
) -> Explanation:
    """Explain a moment of a call.

    Args:
        at_ms: Stream time.
        settings: Of the detector.
        found: A traced run of it; None: it is run.
        what_if: Also find out what would have to change, which takes some dozens of runs.

    Raises:
        BadInput: the moment lies outside the call.
        NotFound: no such detector.
        AudioError: the recording can't be read.
    """
    check_moment(call, at_ms)
    if found is None or not found.readings:
        found = detect(call, settings, trace=True)
    label = label_at(call, at_ms)
    within = stretch(call, at_ms, label)
    marks = marks_of(call, found)
    inside = tuple(m for m in marks if within.start_ms <= m.at_ms <= within.end_ms)
    index = min(at_ms // FRAME_MS, len(found.readings) - 1)
    said = Explanation(
        call=call.id,
        at_ms=at_ms,
        within=within,
        detector=settings.detector,
        settings=settings,
        agent=next((x for x in call.agent if x.start_ms <= at_ms < x.end_ms), None),
        label=label,
        decisions=inside,
        before=next((m for m in reversed(marks) if m.at_ms < within.start_ms), None),
        after=next((m for m in marks if m.at_ms > within.end_ms), None),
        debounced_until_ms=_debounced_until(marks, within, settings),
        moment=moment_of(found.readings[index]),
        best=_best(found.readings, within, inside),
        changes=(),
        live=tuple(m for m in live_marks(call) if abs(m.at_ms - at_ms) <= LIVE_NEAR_MS),
    )
    speaks = any(r.is_armed for r in _frames(found.readings, within))
    if not (what_if and speaks):
        return said
    now = {SCORES[c.name]: c.limit for c in said.moment.checks if c.name in SCORES}
    return replace(said, changes=tuple(changes(call, settings, within, found, now)))


def check_moment(call: LabelledCall, at_ms: int, option: str = "--at") -> None:
    """Refuse a moment that is not in the call.

    Raises:
        BadInput: it lies outside.
    """
    if not 0 <= at_ms < call.duration_ms:
        raise BadInput(
            f"{option}: {at_ms / 1000:.2f} s lies outside call {call.id}; "
            f"allowed: 0 to {call.duration_ms / 1000:.2f} s"
        )


def label_at(call: LabelledCall, at_ms: int) -> Label | None:
    """Return what is labelled there; an interruption before anything else."""
    early_ms = round(EARLY_S * 1000)
    here = [x for x in call.labels if x.onset_ms - early_ms <= at_ms <= x.offset_ms + AROUND_MS]
    here.sort(key=lambda x: (x.kind != "interruption", abs(x.onset_ms - at_ms)))
    return here[0] if here else None


def stretch(call: LabelledCall, at_ms: int, label: Label | None) -> Interval:
    """Return where a decision belongs to the moment: as the score counts it, else around it."""
    if label is None:
        return Interval(max(0, at_ms - AROUND_MS), min(call.duration_ms, at_ms + AROUND_MS))
    start_ms = max(0, label.onset_ms - round(EARLY_S * 1000))
    end_ms = label.offset_ms
    if label.kind == "interruption":
        end_ms = min(end_ms, label.onset_ms + round(LATEST_S * 1000))
    return Interval(start_ms, min(call.duration_ms, end_ms + round(GRACE_S * 1000)))


def moment_of(seen: FrameReading) -> Moment:
    """Put the values of a frame beside their limits."""
    values, limits = seen.reading.values, seen.reading.limits
    checks = tuple(Check(n, float(values[n]), float(limits[n])) for n in limits if n in values)
    others = {name: float(value) for name, value in values.items() if name not in limits}
    return Moment(seen.at_ms, seen.energy, seen.is_voiced, checks, others)


def closeness(moment: Moment) -> tuple[float, float]:
    """Return how much of its limit the worst value has, 0..1, and all values on average."""
    shares = [
        min(1.0, max(0.0, c.value / c.limit)) if c.limit > 0 else float(c.is_reached)
        for c in moment.checks
    ]
    return min(shares, default=0.0), sum(shares) / max(1, len(shares))


def _best(
    readings: Sequence[FrameReading], within: Interval, decisions: Sequence[Mark]
) -> Moment | None:
    """Return the frame that decided, or the one that came closest to it."""
    stop = next((m for m in decisions if m.kind == "stop"), None)
    if stop is not None:
        index = min(stop.at_ms // FRAME_MS - 1, len(readings) - 1)
        decided = moment_of(readings[index])
        if all(check.is_reached for check in decided.checks) or index == 0:
            return decided
        return moment_of(readings[index - 1])  # having decided, it has emptied its buffer
    moments = [moment_of(r) for r in _frames(readings, within) if r.is_armed]
    return max(moments, key=closeness, default=None)


def _frames(readings: Sequence[FrameReading], within: Interval) -> Sequence[FrameReading]:
    return readings[within.start_ms // FRAME_MS : -(-within.end_ms // FRAME_MS)]


def _debounced_until(
    marks: Sequence[Mark], within: Interval, settings: InterruptSettings
) -> int | None:
    earlier = [m.at_ms for m in marks if m.kind == "stop" and m.at_ms < within.start_ms]
    if not earlier or earlier[-1] + settings.debounce_ms <= within.start_ms:
        return None
    return earlier[-1] + settings.debounce_ms
