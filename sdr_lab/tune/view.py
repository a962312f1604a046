"""A stretch of a recorded call, reduced to what a screen can show. Read as a stream.

The picture of a call is drawn from it; a page in a browser can draw the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.codec import MULAW_TO_PCM
from sdr_lab.errors import BadInput
from sdr_lab.events import Event, Held, Interrupted, Resumed, read_events
from sdr_lab.records import FRAME_BYTES, FRAME_MS
from sdr_lab.tune.corpus import EVENTS, LabelledCall
from sdr_lab.tune.detect import Detected, Detections, FrameReading
from sdr_lab.tune.score import score_call

COLUMNS = 1600
"""Columns of a picture; more would not be seen."""
PARTS = (1, 2, 4, 5, 8, 10, 16, 20, 32, 40)
"""Into how many equal parts a frame of 160 samples can be cut."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mark:
    """A decision in the picture."""

    at_ms: int
    kind: str
    """`hold` or `stop`."""
    onset_ms: int
    score: float
    is_right: bool | None = None
    """By the labels; None: the score does not count it, or the call has no labels."""


@dataclass(frozen=True, slots=True)
class LiveMark:
    """What the live session did when the call was recorded."""

    at_ms: int
    kind: str
    """`hold`, `stop`, `go on`."""
    words: str
    """What is known of it: who decided, or why it went on."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Lowest and highest sample per column, -1..1. Arrays of shape (columns,)."""

    at_s: FloatArray
    """Start of each column."""
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, slots=True)
class CallView:
    """A stretch of a call."""

    call: LabelledCall
    start_ms: int
    end_ms: int
    caller: Envelope
    agent: Envelope
    energy: FloatArray
    """Highest RMS of the caller per column of `caller`, int16 units."""
    detector: str = ""
    """Empty: no detector was run."""
    marks: tuple[Mark, ...] = ()
    readings: tuple[FrameReading, ...] = ()
    """One per frame of the stretch, when the detector was traced."""
    live: tuple[LiveMark, ...] = ()


def view(
    call: LabelledCall,
    found: Detections | None = None,
    detector: str = "",
    start_ms: int = 0,
    end_ms: int | None = None,
) -> CallView:
    """Look at a stretch of a call.

    Args:
        found: What a detector decided, with `readings` if it was traced.
        detector: Its name, for the title.
        start_ms: Stream time.
        end_ms: None: to the end of the call.

    Raises:
        BadInput: the stretch does not lie in the call.
        AudioError: the recording can't be read.
    """
    end_ms = call.duration_ms if end_ms is None else min(end_ms, call.duration_ms)
    start_ms = max(0, start_ms) // FRAME_MS * FRAME_MS
    if start_ms >= end_ms:
        length = f"the call is {call.duration_ms / 1000:.2f} s long"
        raise BadInput(f"{call.id}: no sound from {start_ms / 1000:.2f} s on: {length}")
    caller, agent, energy = _envelopes(call, start_ms, end_ms)
    base = CallView(call, start_ms, end_ms, caller, agent, energy, live=live_marks(call))
    if found is None:
        return base
    readings = found.readings
    if readings:
        first, last = start_ms // FRAME_MS, -(-end_ms // FRAME_MS)
        readings = readings[first:last]
    return replace(base, detector=detector, marks=marks_of(call, found), readings=readings)


def marks_of(call: LabelledCall, found: Detections) -> tuple[Mark, ...]:
    """Return the decisions in order, judged by the labels if the call has any."""
    marks = [
        *_judged(call, "hold", found.holds, [x.at_ms / 1000 for x in found.holds]),
        *_judged(call, "stop", found.stops, found.stop_times_s),
    ]
    return tuple(sorted(marks, key=lambda mark: mark.at_ms))


def live_marks(call: LabelledCall) -> tuple[LiveMark, ...]:
    """Return what the live session decided; nothing for a call that was not recorded here."""
    log = call.audio.with_name(EVENTS)
    return tuple(_live(read_events(log))) if log.is_file() else ()


def _live(events: Iterable[Event]) -> list[LiveMark]:
    marks = []
    for event in events:
        match event:
            case Held():
                marks.append(LiveMark(event.at_ms, "hold", f"held by {event.detector}"))
            case Resumed():
                words = f"went on after {event.held_ms} ms ({event.why})"
                marks.append(LiveMark(event.at_ms, "go on", words))
            case Interrupted():
                marks.append(LiveMark(event.at_ms, "stop", f"stopped by {event.detector}"))
            case _:
                continue
    return marks


def _judged(
    call: LabelledCall, kind: str, found: Sequence[Detected], times_s: Sequence[float]
) -> list[Mark]:
    judged = score_call(call, times_s)
    right = {t for _, t in judged.hits}
    wrong = {t for t, _ in judged.false} if call.labels else set()
    return [
        Mark(
            at_ms=one.at_ms,
            kind=kind,
            onset_ms=one.sign.onset_ms,
            score=one.sign.score,
            is_right=True if t in right else False if t in wrong else None,
        )
        for one, t in zip(found, times_s, strict=True)
    ]


def _envelopes(
    call: LabelledCall, start_ms: int, end_ms: int
) -> tuple[Envelope, Envelope, FloatArray]:
    """Read the stretch once; in memory are the columns, never the sound."""
    first, last = start_ms // FRAME_MS, -(-end_ms // FRAME_MS)
    parts = max((n for n in PARTS if n * (last - first) <= COLUMNS), default=1)
    rows: list[FloatArray] = []
    for caller, agent in islice(call.frames(), first, last):
        pcm = MULAW_TO_PCM[np.frombuffer(caller + agent, np.uint8)].astype(np.float64)
        cut = pcm.reshape(2, parts, FRAME_BYTES // parts)
        rms = np.sqrt((pcm[:FRAME_BYTES] ** 2).mean())
        loud = np.full(parts, rms)
        rows.append(np.stack([*cut.min(axis=2), *cut.max(axis=2), loud]))
    table = np.concatenate(rows, axis=1)
    at_s = start_ms / 1000 + np.arange(table.shape[1]) * FRAME_MS / 1000 / parts
    at_s, table = _reduced(at_s, table)
    scaled = table[:4] / 32768
    return (
        Envelope(at_s, scaled[0], scaled[2]),
        Envelope(at_s, scaled[1], scaled[3]),
        table[4],
    )


def _reduced(at_s: FloatArray, table: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Join neighbouring columns when there are more than a picture has."""
    width = -(-len(at_s) // COLUMNS)
    if width <= 1:
        return at_s, table
    starts = np.arange(0, len(at_s), width)
    low = np.minimum.reduceat(table[:2], starts, axis=1)
    high = np.maximum.reduceat(table[2:], starts, axis=1)
    return at_s[starts], np.concatenate((low, high))
