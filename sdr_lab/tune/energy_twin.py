"""`energy` over one call for many settings at once: what the production class decides, only faster.

All settings go through the call together, one number per setting in vectors of float64, operation
for operation as `Listening` and `EnergyDetector` calculate, so that the results are equal to the
last bit (tests/tune/test_energy_twin.py compares them). Three things make it fast: energies and
the noise of the line are the same for all settings; most frames are silence to all of them; the
rest costs some two dozen vector operations.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.energy import frame_energies
from sdr_lab.audio.filters import FilterChain
from sdr_lab.records import FRAME_BYTES, FRAME_MS, InterruptSettings
from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.tune.detect import STOPPED_MS
from sdr_lab.tune.labels import Interval
from sdr_lab.tune.two_channels import read_blocks
from sdr_lab.turns.detectors.energy import BASELINE_STEP, HIGH_FRAMES, RESET_SHARE
from sdr_lab.turns.listening import ECHO_TAIL_MS
from sdr_lab.turns.voice import OFF_FACTOR, OFF_MARGIN, ON_FACTOR, ON_MARGIN, SpeechGate

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

NEVER = -(10**9)
LATER = 10**9
"""Eleven days: beyond any call, and far from the end of int32."""


@dataclass(frozen=True, slots=True)
class Track:
    """What one call is to every setting. Arrays of shape (frames,)."""

    energies: NDArray[np.int32]
    on_levels: Floats
    """A frame above this is voiced…"""
    off_levels: Floats
    """…or above this, while the gate is open."""
    armed: Bools
    emptied: Bools
    """The detector is armed or disarmed just before this frame."""
    guarded: Bools


@dataclass(frozen=True, slots=True)
class Fired:
    """Decisions of many settings over one call, in order of time. Arrays of shape (decisions,)."""

    at_ms: Ints
    """End of the frame that decided."""
    onset_ms: Ints
    setting: Ints
    """Index of the setting that decided."""


def read_energies(call: LabelledCall) -> NDArray[np.int32]:
    """Return the energy of every frame of the caller, as the floor hears him. Reads in blocks.

    Raises:
        AudioError: the recording can't be read.
    """
    filters = FilterChain(call.filters)
    parts = []
    for caller, _ in read_blocks(call.audio, call.is_swapped):
        if call.filters:
            frames = range(0, len(caller), FRAME_BYTES)
            caller = b"".join(filters.process_mulaw(caller[i : i + FRAME_BYTES]) for i in frames)
        parts.append(frame_energies(caller))
    return np.concatenate(parts) if parts else np.empty(0, np.int32)


def track_of(energies: NDArray[np.int32], agent: Sequence[Interval]) -> Track:
    """Work out what does not depend on the settings."""
    noise = np.empty(len(energies))
    gate = SpeechGate()
    for i, energy in enumerate(energies.tolist()):
        gate.hear(energy)
        noise[i] = gate.noise
    armed, emptied, guarded = agent_frames(len(energies), agent)
    return Track(
        energies,
        noise * ON_FACTOR + ON_MARGIN,
        noise * OFF_FACTOR + OFF_MARGIN,
        armed,
        emptied,
        guarded,
    )


def agent_frames(frames: int, agent: Sequence[Interval]) -> tuple[Bools, Bools, Bools]:
    """Return in which frames the detector is armed, newly armed or disarmed, and guarded.

    As `detect` arms it: from the frame in which the agent begins to the one in which he ends.
    """
    armed, emptied, guarded = (np.zeros(frames, bool) for _ in range(3))
    coming = deque(agent)
    is_armed, end_ms, echo_until_ms = False, 0, 0
    for i in range(frames):
        at_ms = i * FRAME_MS
        begins = bool(coming) and coming[0].start_ms < at_ms + FRAME_MS
        if is_armed and end_ms <= at_ms:
            echo_until_ms = end_ms + ECHO_TAIL_MS
            is_armed = False
            emptied[i] = True
        if begins and not is_armed:
            end_ms = coming.popleft().end_ms
            is_armed = True
            emptied[i] = True
        armed[i] = is_armed
        guarded[i] = is_armed or at_ms + FRAME_MS <= echo_until_ms
    return armed, emptied, guarded


def energy_stops(track: Track, settings: Sequence[InterruptSettings]) -> Fired:
    """Return every stop of every setting over one call.

    A setting that is not `enabled` or wants text never stops anybody here: no words are known.
    """
    alive = np.flatnonzero([s.enabled and not s.require_text for s in settings])
    at: list[Ints] = []
    onsets: list[Ints] = []
    indices: list[Ints] = []
    if len(alive):
        lanes = _Lanes([settings[i] for i in alive.tolist()])
        for now_ms, fired, onset_ms in lanes.run(track):
            at.append(np.full(len(fired), now_ms))
            onsets.append(onset_ms)
            indices.append(alive[fired])
    return Fired(_joined(at), _joined(onsets), _joined(indices))


def _joined(parts: Sequence[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


class _Lanes:
    """The state of the gate and the detector, shape (settings,) each."""

    def __init__(self, settings: Sequence[InterruptSettings]) -> None:
        n = len(settings)
        self.factor = np.array([s.baseline_factor for s in settings], np.float64)
        self.least = np.array([s.min_energy for s in settings], np.float64)
        self.min_speech_ms = np.array([s.min_speech_ms for s in settings], np.int32)
        self.debounce_ms = np.array([s.debounce_ms for s in settings], np.int32)
        self.needs_no_voice = np.array([not s.use_vad for s in settings])
        self.lowest = float(self.least.min())
        # the gate
        self.is_open = np.zeros(n, bool)
        self.any_open = False
        self.recent = [np.zeros(n, bool)] * 3
        """Voiced frames before this one, the latest first."""
        self.quiet_frames = 3
        """Frames in a row that no setting found voiced, up to three."""
        self.last_voiced_ms = np.zeros(n, np.int32)
        self.none = np.zeros(n, bool)
        self.all = np.ones(n, bool)
        # the detector
        self.baseline = np.zeros(n)
        self.has_baseline = np.zeros(n, bool)
        self.all_have_baseline = False
        self.threshold = self.least.copy()
        self.is_stale = False
        self.since_ms = np.full(n, LATER, np.int32)
        self.high = np.zeros(n, np.int32)
        self.has_voiced = np.zeros(n, bool)
        self.is_empty = True
        self.last_ms = np.full(n, NEVER, np.int32)
        self._work = np.empty(n)

    def run(self, track: Track) -> Iterator[tuple[int, Ints, Ints]]:
        """Yield (end of the frame, which settings fired, onsets)."""
        rows = zip(
            track.energies.tolist(),
            track.on_levels.tolist(),
            track.off_levels.tolist(),
            track.armed.tolist(),
            track.emptied.tolist(),
            track.guarded.tolist(),
            strict=True,
        )
        at_ms = 0
        for energy, on, off, armed, emptied, guarded in rows:
            if emptied:
                self._empty()
            voiced = self._voiced(energy, on, off, guarded)
            self._move_gate(voiced, at_ms + FRAME_MS)
            self._follow_baseline(energy, voiced)
            if armed:
                fired = self._hear(energy, voiced, at_ms)
                if fired is not None:
                    yield at_ms + FRAME_MS, fired, self._stop(fired, at_ms + FRAME_MS)
            at_ms += FRAME_MS

    def _voiced(self, energy: int, on: float, off: float, guarded: bool) -> Bools:
        """Return which settings call the frame voiced; `none` and `all` themselves if it is all."""
        if energy <= off or (energy <= on and not self.any_open):
            return self.none
        if energy <= on or (guarded and energy <= self.lowest):
            return self.is_open if self.any_open else self.none
        if not guarded:
            return self.all
        return (energy > self._thresholds()) | self.is_open

    def _move_gate(self, voiced: Bools, now_ms: int) -> None:
        if voiced is self.none:
            self.quiet_frames = min(3, self.quiet_frames + 1)
            if not self.any_open and self.quiet_frames == 3:
                return
            closing = self.is_open & (now_ms - self.last_voiced_ms >= STOPPED_MS)
            recent = (voiced, *self.recent[:2])
        else:
            self.quiet_frames = 0
            one, two, three = self.recent
            opened = self.is_open | (voiced & ((one & two) | (one & three) | (two & three)))
            closing = opened & ~voiced & (now_ms - self.last_voiced_ms >= STOPPED_MS)
            np.copyto(self.last_voiced_ms, now_ms, where=voiced & opened)
            self.is_open = opened
            recent = (voiced, one, two)
        if closing.any():
            self.is_open = self.is_open & ~closing
            recent = tuple(r & ~closing for r in recent)
        self.recent = list(recent)
        self.any_open = bool(self.is_open.any())

    def _follow_baseline(self, energy: int, voiced: Bools) -> None:
        if voiced is self.all:
            return
        if not self.all_have_baseline:
            first = ~voiced & ~self.has_baseline
            self.baseline[first] = energy
            self.has_baseline |= first
            self.all_have_baseline = bool(self.has_baseline.all())
        np.subtract(energy, self.baseline, out=self._work)
        self._work *= BASELINE_STEP
        if voiced is not self.none:
            self._work *= ~voiced
        self.baseline += self._work
        self.is_stale = True

    def _thresholds(self) -> Floats:
        """Work them out only when somebody asks: most frames need none."""
        if self.is_stale:
            np.multiply(self.baseline, self.factor, out=self.threshold)
            np.maximum(self.threshold, self.least, out=self.threshold)
            self.is_stale = False
        return self.threshold

    def _hear(self, energy: int, voiced: Bools, at_ms: int) -> Ints | None:
        if energy < RESET_SHARE * self.lowest:
            self._empty()
            return None
        threshold = self._thresholds()
        kept = np.multiply(threshold, RESET_SHARE, out=self._work) <= energy
        self.is_empty = self.is_empty and not kept.any()
        if self.is_empty:
            return None
        high = energy > threshold
        np.minimum(self.since_ms, at_ms, out=self.since_ms, where=high)
        np.copyto(self.since_ms, LATER, where=~kept)
        self.high += high
        self.high *= kept
        if voiced is not self.none:
            self.has_voiced |= voiced
        self.has_voiced &= kept
        now_ms = at_ms + FRAME_MS
        fires = now_ms - self.since_ms >= self.min_speech_ms
        fires &= self.high >= HIGH_FRAMES
        if not fires.any():
            return None
        fires &= self.has_voiced | self.needs_no_voice
        fires &= now_ms - self.last_ms >= self.debounce_ms
        return np.flatnonzero(fires) if fires.any() else None

    def _stop(self, fired: Ints, now_ms: int) -> Ints:
        onset_ms = self.since_ms[fired]
        self.last_ms[fired] = now_ms
        self.since_ms[fired] = LATER
        self.high[fired] = 0
        self.has_voiced[fired] = False
        return onset_ms

    def _empty(self) -> None:
        if not self.is_empty:
            self.since_ms.fill(LATER)
            self.high.fill(0)
            self.has_voiced.fill(False)
            self.is_empty = True
