"""`hybrid` over one call for many settings: the production class listens once, limits vary.

The scores of `hybrid` do not depend on its settings: they are worked out by the class itself, in
one run, and kept. What comes after them, `Latch`, is cheap and runs once per setting. The result
is what the class decides under each of them (tests/tune/test_hybrid_twin.py compares).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.tune.detect import Run, listen
from sdr_lab.tune.energy_twin import Fired, Ints
from sdr_lab.turns.detectors.base import SignKind
from sdr_lab.turns.detectors.hybrid import ONSET_LEAD_MS, ONSET_SCORE
from sdr_lab.turns.detectors.latch import QUIET_MS, QUIET_SHARE, Latch

QUIET_FRAMES = QUIET_MS // FRAME_MS + 1
"""After so many quiet frames a latch has forgotten the sound before them."""

Row = tuple[int, int, int]
"""Decided (ms), onset (ms), setting."""
Told = tuple[int, int]
"""Decided, onset (ms)."""

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    """What the detector made of the frames while it was armed. Arrays of shape (frames,)."""

    at_ms: Ints
    """Start of the frame."""
    hold: Floats
    stop: Floats
    onset_ms: Ints
    """What a decision in this frame would give as its onset."""
    begins: Bools
    """The agent began to be heard: the latch was reset just before."""
    own: tuple[float, float]
    """The limits that hold where a setting names none: hold, stop."""


def read_scores(call: LabelledCall, settings: InterruptSettings) -> Scores:
    """Run the detector once over a call. Five numbers a frame are kept: 7 MB an hour.

    Raises:
        AudioError: the recording can't be read.
    """
    run = Run(call, replace(settings, enabled=True, hold_score=None, stop_score=None))
    rows: list[tuple[int, float, float, int, bool]] = []
    onset_ms: int | None = None
    was_armed = False
    for frame in listen(call):
        run.hear(frame)
        if run.is_armed:
            seen = run.detector.reading().values
            if seen["hold"] < ONSET_SCORE or not was_armed:
                onset_ms = None
            if seen["hold"] >= ONSET_SCORE and onset_ms is None:
                onset_ms = max(0, frame.at_ms - ONSET_LEAD_MS)
            onset = frame.at_ms if onset_ms is None else onset_ms
            rows.append((frame.at_ms, seen["hold"], seen["stop"], onset, not was_armed))
        was_armed = run.is_armed
    limits = run.detector.reading().limits
    at, holds, stops, onsets, begins = zip(*rows, strict=True) if rows else ((),) * 5
    return Scores(
        np.array(at, np.int32),
        np.array(holds, np.float64),
        np.array(stops, np.float64),
        np.array(onsets, np.int32),
        np.array(begins, bool),
        (limits["hold"], limits["stop"]),
    )


def hybrid_signs(scores: Scores, settings: Sequence[InterruptSettings]) -> tuple[Fired, Fired]:
    """Return every hold and every stop of every setting over one call.

    A stop that no hold came before is among the holds as well, as `hold_times_s` has it.
    """
    rows: tuple[list[Row], list[Row]] = ([], [])
    for i, one in enumerate(settings):
        if one.enabled:
            for kind, told in zip(rows, _decide(scores, one), strict=True):
                kind += [(now_ms, onset_ms, i) for now_ms, onset_ms in told]
    return _fired(rows[0]), _fired(rows[1])


def _fired(rows: list[Row]) -> Fired:
    table = np.array(sorted(rows), np.int64).reshape(-1, 3)
    return Fired(table[:, 0], table[:, 1], table[:, 2])


def _decide(scores: Scores, one: InterruptSettings) -> tuple[list[Told], list[Told]]:
    """Return (decided, onset) of the holds and the stops of one setting."""
    limits = (
        scores.own[0] if one.hold_score is None else one.hold_score,
        scores.own[1] if one.stop_score is None else one.stop_score,
    )
    latch = Latch(one.debounce_ms)
    holds: list[Told] = []
    stops: list[Told] = []
    held_ms = -1
    for at_ms, hold, stop, onset_ms, begins in _worth_hearing(scores, limits):
        if begins:
            latch.reset()
        now_ms = at_ms + FRAME_MS
        sign = latch.hear((hold, stop), limits, now_ms, onset_ms)
        if sign is None:
            continue
        if sign.kind is SignKind.HOLD and one.hold:
            holds.append((now_ms, onset_ms))
            held_ms = now_ms
        elif sign.kind is SignKind.STOP and not one.require_text:
            stops.append((now_ms, onset_ms))
            if held_ms < onset_ms:
                holds.append((now_ms, onset_ms))
    return holds, stops


def _worth_hearing(
    scores: Scores, limits: tuple[float, float]
) -> Iterator[tuple[int, float, float, int, bool]]:
    """Yield the frames that can change a latch: sound, and the quiet just after it."""
    sound = (scores.hold >= QUIET_SHARE * limits[0]) | (scores.stop >= limits[1])
    worth = sound | scores.begins
    for _ in range(QUIET_FRAMES):
        worth[1:] |= worth[:-1]
    columns = (scores.at_ms, scores.hold, scores.stop, scores.onset_ms, scores.begins)
    return zip(*(column[worth].tolist() for column in columns), strict=True)
