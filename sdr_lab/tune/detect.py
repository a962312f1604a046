"""Run a detector over recorded calls as the live floor would.

A decision is made when a frame is complete: its time is the end of the frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import NamedTuple

from sdr_lab.audio.energy import frame_energies
from sdr_lab.audio.filters import FilterChain
from sdr_lab.errors import SdrLabError
from sdr_lab.records import FRAME_BYTES, FRAME_MS, EndpointSettings, InterruptSettings
from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.tune.interrupt_settings import settings_of as settings_of
from sdr_lab.tune.two_channels import read_blocks
from sdr_lab.turns.detectors.base import Listened, Reading, Sign, SignKind
from sdr_lab.turns.detectors.table import make_detector
from sdr_lab.turns.listening import ECHO_TAIL_MS, Listening

STOPPED_MS = EndpointSettings().stopped_ms
"""Silence after which the gate closes, as the floor closes it."""


class Detected(NamedTuple):
    """A decision and when it was made."""

    at_ms: int
    """End of the frame that decided."""
    sign: Sign


@dataclass(frozen=True, slots=True)
class FrameReading:
    """What a detector saw in one frame."""

    at_ms: int
    """Start of the frame."""
    energy: int
    is_voiced: bool
    is_armed: bool
    reading: Reading


@dataclass(frozen=True, slots=True)
class Detections:
    """All decisions of one run over one call."""

    call_id: str
    holds: tuple[Detected, ...] = ()
    stops: tuple[Detected, ...] = ()
    readings: tuple[FrameReading, ...] = ()
    """One per frame with `trace`, else none."""

    @property
    def stop_times_s(self) -> list[float]:
        """Times of the stops, as `score` and detections.json take them."""
        return [found.at_ms / 1000 for found in self.stops]

    @property
    def hold_times_s(self) -> list[float]:
        """Times of the holds; a stop that no hold came before counts as one."""
        bare = [
            stop.at_ms
            for stop in self.stops
            if not any(stop.sign.onset_ms <= hold.at_ms <= stop.at_ms for hold in self.holds)
        ]
        return [ms / 1000 for ms in sorted([*bare, *(hold.at_ms for hold in self.holds)])]


def detect(call: LabelledCall, settings: InterruptSettings, trace: bool = False) -> Detections:
    """Run the detector of the settings over one call, in constant memory unless `trace`.

    The detector is armed when the agent begins to be heard and disarmed when he ends, whatever
    it decides in between.

    Raises:
        NotFound: no such detector or audio filter.
        AudioError: the recording can't be read.
    """
    run = Run(call, settings)
    readings: list[FrameReading] = []
    holds: list[Detected] = []
    stops: list[Detected] = []
    for frame in listen(call):
        voiced, sign = run.hear(frame)
        if sign is not None:
            kind = stops if sign.kind is SignKind.STOP else holds
            kind.append(Detected(frame.at_ms + FRAME_MS, sign))
        if trace:
            armed = run.is_armed
            seen = FrameReading(frame.at_ms, frame.energy, voiced, armed, run.detector.reading())
            readings.append(seen)
    return Detections(call.id, tuple(holds), tuple(stops), tuple(readings))


def detect_all(
    calls: Sequence[LabelledCall],
    settings: InterruptSettings,
    jobs: int = 1,
    on_done: Callable[[LabelledCall], None] | None = None,
) -> dict[str, Detections]:
    """Run over many calls, in `jobs` processes; by call id, in the order of `calls`.

    Args:
        on_done: Told of each call when it is done, in any order, in this process.

    Raises:
        NotFound: no such detector or audio filter.
        AudioError: a recording can't be read.
        SdrLabError: a process died.
    """
    make_detector(settings)  # a wrong name is told before processes are started
    done = on_done or (lambda call: None)
    found: dict[str, Detections] = {}
    if jobs <= 1 or len(calls) < 2:
        for call in calls:
            found[call.id] = detect(call, settings)
            done(call)
        return found
    # "spawn": a fork would inherit the locks of threads that numerical libraries have started
    workers = min(jobs, len(calls))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(detect, call, settings): call for call in _longest_first(calls)}
        try:
            for one in as_completed(running):
                found[running[one].id] = one.result()
                done(running[one])
        except BrokenProcessPool:
            raise SdrLabError(
                "a process that ran the detector died, perhaps for want of memory; try --jobs 1"
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {call.id: found[call.id] for call in calls}


class Run:
    """The detector of one call, armed and disarmed as the agent speaks."""

    def __init__(self, call: LabelledCall, settings: InterruptSettings) -> None:
        self.detector = make_detector(settings)
        self.is_armed = False
        self._listening = Listening(self.detector)
        self._settings = settings
        self._coming = deque(call.agent)
        self._end_ms = 0
        self._echo_until_ms = 0
        self._last_voiced_ms = 0

    def hear(self, frame: Listened) -> tuple[bool, Sign | None]:
        self._follow_agent(frame.at_ms)
        now_ms = frame.at_ms + FRAME_MS
        is_guarded = self.is_armed or now_ms <= self._echo_until_ms
        voiced, sign = self._listening.hear(frame, is_guarded)
        gate = self._listening.gate
        if voiced and gate.is_open:
            self._last_voiced_ms = now_ms
        elif gate.is_open and now_ms - self._last_voiced_ms >= STOPPED_MS:
            gate.close()
        return voiced, sign

    def _follow_agent(self, at_ms: int) -> None:
        """Arm from the frame in which the agent begins to the one in which he ends."""
        begins = bool(self._coming) and self._coming[0].start_ms < at_ms + FRAME_MS
        if self.is_armed and self._end_ms <= at_ms:
            self._echo_until_ms = self._end_ms + ECHO_TAIL_MS
            self.is_armed = False
            if not begins:  # else he goes on after a hold
                self.detector.disarm(at_ms)
        if begins and not self.is_armed:
            self._end_ms = self._coming.popleft().end_ms
            self.is_armed = True
            self.detector.arm(at_ms, self._settings)


def listen(call: LabelledCall) -> Iterator[Listened]:
    """Yield the call as the floor hears it: filtered, without the gate's judgement."""
    filters = FilterChain(call.filters)
    at_ms = 0
    for caller, agent in read_blocks(call.audio, call.is_swapped):
        if call.filters:
            frames = range(0, len(caller), FRAME_BYTES)
            caller = b"".join(filters.process_mulaw(caller[i : i + FRAME_BYTES]) for i in frames)
        for i, energy in enumerate(frame_energies(caller).tolist()):
            at = slice(i * FRAME_BYTES, (i + 1) * FRAME_BYTES)
            yield Listened(at_ms, caller[at], energy, False, agent[at])
            at_ms += FRAME_MS


def _longest_first(calls: Sequence[LabelledCall]) -> list[LabelledCall]:
    return sorted(calls, key=lambda call: -call.duration_ms)
