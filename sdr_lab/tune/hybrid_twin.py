"""`hybrid` over one call for many settings: the production class listens once, limits vary.

The scores of `hybrid` do not depend on its settings: they are worked out by the class itself, in
one run, and kept. What comes after them, `Latch`, then runs for all settings together. The result
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
from sdr_lab.tune.energy_twin import LATER, NEVER, Fired, Ints, agent_frames
from sdr_lab.turns.detectors.hybrid import ONSET_LEAD_MS, ONSET_SCORE
from sdr_lab.turns.detectors.latch import AGAIN_MS, QUIET_MS, QUIET_SHARE

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
    """The latch was reset just before: the agent began to be heard, or went on."""
    own: tuple[float, float]
    """The limits that hold where a setting names none: hold, stop."""


def read_scores(call: LabelledCall, settings: InterruptSettings) -> Scores:
    """Run the detector once over a call. Five numbers a frame are kept: 7 MB an hour.

    Raises:
        AudioError: the recording can't be read.
    """
    run = Run(call, replace(settings, enabled=True, hold_score=None, stop_score=None))
    rows: list[tuple[int, float, float, int]] = []
    onset_ms: int | None = None
    was_armed, frames = False, 0
    for frame in listen(call):
        run.hear(frame)
        frames += 1
        if run.is_armed:
            seen = run.detector.reading().values
            if seen["hold"] < ONSET_SCORE or not was_armed:
                onset_ms = None
            if seen["hold"] >= ONSET_SCORE and onset_ms is None:
                onset_ms = max(0, frame.at_ms - ONSET_LEAD_MS)
            onset = frame.at_ms if onset_ms is None else onset_ms
            rows.append((frame.at_ms, seen["hold"], seen["stop"], onset))
        was_armed = run.is_armed
    limits = run.detector.reading().limits
    at, holds, stops, onsets = zip(*rows, strict=True) if rows else ((),) * 4
    armed, changed, _ = agent_frames(frames, call.agent)
    return Scores(
        np.array(at, np.int32),
        np.array(holds, np.float64),
        np.array(stops, np.float64),
        np.array(onsets, np.int32),
        changed[armed],
        (limits["hold"], limits["stop"]),
    )


def hybrid_signs(scores: Scores, settings: Sequence[InterruptSettings]) -> tuple[Fired, Fired]:
    """Return every hold and every stop of every setting over one call.

    A stop that no hold came before is among the holds as well, as `hold_times_s` has it.
    """
    alive = np.flatnonzero([s.enabled for s in settings])
    made = _Made(), _Made()
    if len(alive):
        lanes = _Latches([settings[i] for i in alive.tolist()], scores.own)
        for now_ms, onset_ms, held, stopped in lanes.run(scores):
            made[0].add(now_ms, onset_ms, alive[held])
            made[1].add(now_ms, onset_ms, alive[stopped])
    return made[0].fired(), made[1].fired()


class _Made:
    """Collects decisions."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, Ints]] = []

    def add(self, now_ms: int, onset_ms: int, settings: Ints) -> None:
        if len(settings):
            self._rows.append((now_ms, onset_ms, settings))

    def fired(self) -> Fired:
        counts = [len(row[2]) for row in self._rows]
        return Fired(
            np.repeat([row[0] for row in self._rows], counts).astype(np.int32),
            np.repeat([row[1] for row in self._rows], counts).astype(np.int32),
            np.concatenate([row[2] for row in self._rows]) if counts else np.empty(0, np.int64),
        )


class _Latches:
    """`Latch` of many settings; the state is of shape (settings,)."""

    def __init__(self, settings: Sequence[InterruptSettings], own: tuple[float, float]) -> None:
        n = len(settings)
        holds = [own[0] if s.hold_score is None else s.hold_score for s in settings]
        stops = [own[1] if s.stop_score is None else s.stop_score for s in settings]
        self.hold_limit = np.array(holds, np.float64)
        self.stop_limit = np.array(stops, np.float64)
        self.quiet_limit = QUIET_SHARE * self.hold_limit
        self.debounce_ms = np.array([s.debounce_ms for s in settings], np.int32)
        self.tells_hold = np.array([s.hold for s in settings])
        self.tells_stop = np.array([not s.require_text for s in settings])
        self.lowest = float(self.quiet_limit.min()), float(self.stop_limit.min())
        self.quiet_since_ms = np.full(n, NEVER, np.int32)
        """Start of the quiet; LATER: it is not quiet."""
        self.is_held = np.zeros(n, bool)
        self.is_stopped = np.zeros(n, bool)
        self.stop_ms = np.full(n, NEVER, np.int32)
        self.told_hold_ms = np.full(n, NEVER, np.int32)

    def run(self, scores: Scores) -> Iterator[tuple[int, int, Ints, Ints]]:
        """Yield (end of the frame, onset, who holds, who stops) where anybody does."""
        rows = zip(
            scores.at_ms.tolist(),
            scores.hold.tolist(),
            scores.stop.tolist(),
            scores.onset_ms.tolist(),
            scores.begins.tolist(),
            strict=True,
        )
        quiet_ms = QUIET_MS
        for at_ms, hold, stop, onset_ms, begins in rows:
            if begins:
                self._reset()
                quiet_ms = QUIET_MS
            is_quiet = hold < self.lowest[0] and stop < self.lowest[1]
            if is_quiet and quiet_ms >= QUIET_MS:
                continue  # all of them have been quiet for long enough: nothing can change
            quiet_ms = quiet_ms + FRAME_MS if is_quiet else 0
            found = self._hear(hold, stop, at_ms, onset_ms)
            if found is not None:
                yield at_ms + FRAME_MS, onset_ms, *found

    def _hear(
        self, hold: float, stop: float, at_ms: int, onset_ms: int
    ) -> tuple[Ints, Ints] | None:
        now_ms = at_ms + FRAME_MS
        quiet = (hold < self.quiet_limit) & (stop < self.stop_limit)
        np.minimum(self.quiet_since_ms, at_ms, out=self.quiet_since_ms, where=quiet)
        np.copyto(self.quiet_since_ms, LATER, where=~quiet)
        over = now_ms - self.quiet_since_ms >= QUIET_MS
        self.is_held &= ~over
        self.is_stopped &= ~over
        since_ms = now_ms - self.stop_ms
        free = ~quiet & (since_ms >= self.debounce_ms)
        stops = free & (stop >= self.stop_limit) & (~self.is_stopped | (since_ms >= AGAIN_MS))
        holds = free & ~stops & (hold >= self.hold_limit) & ~self.is_held
        self.is_held |= holds | stops
        self.is_stopped |= stops
        np.copyto(self.stop_ms, now_ms, where=stops)
        told_holds, told_stops = holds & self.tells_hold, stops & self.tells_stop
        if not (told_holds.any() or told_stops.any()):
            return None
        bare = told_stops & (self.told_hold_ms < onset_ms)
        np.copyto(self.told_hold_ms, now_ms, where=told_holds)
        return np.flatnonzero(told_holds | bare), np.flatnonzero(told_stops)

    def _reset(self) -> None:
        self.quiet_since_ms.fill(NEVER)
        self.is_held.fill(False)
        self.is_stopped.fill(False)
