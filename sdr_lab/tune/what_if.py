"""What would have to change: a detector is run again with other values, one setting at a time.

Nothing is guessed from formulas: every value that is named was run, and decided what is said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from sdr_lab.audio.mulaw_wav import MulawWavWriter
from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.tune.detect import Detections, detect
from sdr_lab.tune.labels import Interval

WARM_UPS_MS = (20_000, 120_000)
"""How long before the stretch a run begins. If its decisions there differ from those of the whole
call, a longer one is taken, at last the whole."""
AFTER_MS = 200
STEPS = 14
FINE = 0.01
"""The way between a value that decides so and one that does not is halved so often at most, and
until they differ by one per cent."""


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a setting may take."""

    lowest: float
    highest: float
    is_whole: bool = True


RANGES: Mapping[str, Range] = {
    "min_energy": Range(0, 32_124),
    "baseline_factor": Range(1, 100, False),
    "min_speech_ms": Range(20, 5000),
    "debounce_ms": Range(0, 10_000),
    "hold_score": Range(0.01, 0.99, False),
    "stop_score": Range(0.01, 0.99, False),
    "activity_ms": Range(20, 5000),
    "noise_margin_db": Range(0, 60, False),
    "echo_margin_db": Range(0, 60, False),
}
"""A lower value makes each of these more willing to stop the agent."""

VADS = ("stop_score", "activity_ms", "debounce_ms")
USED: Mapping[str, tuple[str, ...]] = {
    "energy": ("min_energy", "baseline_factor", "min_speech_ms", "debounce_ms"),
    "echo_gate": ("noise_margin_db", "echo_margin_db", "activity_ms", "debounce_ms"),
    "hybrid": ("stop_score", "debounce_ms"),
    "silero": VADS,
    "ten": VADS,
    "webrtc": VADS,
}
"""Detector → the settings that decide when it stops the agent. Of others all are tried."""
SWITCHES: Mapping[str, bool] = {"enabled": True, "require_text": False, "use_vad": False}
"""Setting → the value that lets a stop happen."""


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that alone would have decided otherwise."""

    setting: str
    now: float | bool
    value: float | bool
    """The value nearest to `now` that was found."""
    stop_ms: int | None
    """When it would have stopped the agent; None: it would not have."""
    holds_beyond: bool = True
    """The end of the setting's range decides so, too."""

    @property
    def words(self) -> str:
        """Say it in a line."""
        if isinstance(self.value, bool):
            which = f"{self.setting} = {'yes' if self.value else 'no'}"
        else:
            sign = "=" if not self.holds_beyond else "≤" if self.value < self.now else "≥"
            which = f"{self.setting} {sign} {self.value:g} (now {self.now:g})"
        if self.stop_ms is None:
            return f"{which} would not have stopped the agent here"
        return f"{which} would have stopped the agent at {self.stop_ms / 1000:.2f} s"


def changes(
    call: LabelledCall,
    settings: InterruptSettings,
    within: Interval,
    whole: Detections,
    now: Mapping[str, float],
) -> list[Change]:
    """Find, for each setting, the nearest value that turns the decision in a stretch round.

    Args:
        within: The stretch: did a stop come in it or not?
        whole: What the settings decide over the whole call.
        now: Values in force of settings that are None in `settings`.

    Raises:
        AudioError: the recording can't be read.
    """
    stopped = _first_stop(whole, within)
    with _excerpt(call, settings, within, whole) as (part, shift_ms):

        def run(changed: InterruptSettings) -> int | None:
            found = detect(part, changed)
            shifted = Interval(within.start_ms - shift_ms, within.end_ms - shift_ms)
            at_ms = _first_stop(found, shifted)
            return None if at_ms is None else at_ms + shift_ms

        return list(_found(settings, now, stopped is None, run))


Run = Callable[[InterruptSettings], int | None]
"""Settings → when the agent is stopped in the stretch."""


def _found(
    settings: InterruptSettings, now: Mapping[str, float], wanted: bool, run: Run
) -> Iterator[Change]:
    for name, lets in SWITCHES.items():
        if wanted and getattr(settings, name) is not lets:
            at_ms = run(replace(settings, **{name: lets}))
            if at_ms is not None:
                yield Change(name, getattr(settings, name), lets, at_ms)
    for name in USED.get(settings.detector, tuple(RANGES)):
        value = getattr(settings, name)
        value = now.get(name) if value is None else value
        if value is not None:
            change = _nearest(settings, name, float(value), wanted, run)
            if change is not None:
                yield change


def _nearest(
    settings: InterruptSettings, name: str, now: float, wanted: bool, run: Run
) -> Change | None:
    """Halve the way from `now` to the end of the range."""
    span = RANGES[name]
    end = span.lowest if wanted else span.highest

    def decides(value: float) -> tuple[bool, int | None]:
        given = round(value) if span.is_whole else value
        at_ms = run(replace(settings, **{name: given}))
        return (at_ms is not None) == wanted, at_ms

    good, at_ms = _any_good(now, end, decides)
    if good is None:
        return None
    bad = now
    for _ in range(STEPS):
        middle = neat((good + bad) / 2, span, wanted)
        if middle in (good, bad) or abs(good - bad) <= FINE * abs(good):
            break
        is_good, found_ms = decides(middle)
        if is_good:
            good, at_ms = middle, found_ms
        else:
            bad = middle
    beyond = good == end or decides(end)[0]
    return Change(name, now, round(good) if span.is_whole else good, at_ms, beyond)


def _any_good(
    now: float, end: float, decides: Callable[[float], tuple[bool, int | None]]
) -> tuple[float | None, int | None]:
    """Try points further and further away: at the end of its range a setting may spoil all."""
    for share in (0.5, 0.8, 1.0):
        value = now + (end - now) * share
        if value == now:
            continue
        is_good, at_ms = decides(value)
        if is_good:
            return value, at_ms
    return None, None


def neat(value: float, span: Range, down: bool) -> float:
    """Round to a whole number or to three digits, away from the value that is now.

    >>> neat(641.7, RANGES["min_energy"], True), neat(0.61239, RANGES["stop_score"], False)
    (641.0, 0.613)
    """
    turn = math.floor if down else math.ceil
    if span.is_whole:
        return float(turn(value))
    digits = 3 if abs(value) < 1 else 2
    return turn(value * 10**digits) / 10**digits


def _first_stop(found: Detections, within: Interval) -> int | None:
    return next((s.at_ms for s in found.stops if within.start_ms <= s.at_ms <= within.end_ms), None)


@contextmanager
def _excerpt(
    call: LabelledCall, settings: InterruptSettings, within: Interval, whole: Detections
) -> Iterator[tuple[LabelledCall, int]]:
    """Give a shorter call in which the settings decide as they do in the whole one."""
    end_ms = min(call.duration_ms, within.end_ms + AFTER_MS)
    with TemporaryDirectory(prefix="sdr-lab-") as folder:
        for warm_up_ms in WARM_UPS_MS:
            start_ms = max(0, within.start_ms - warm_up_ms) // FRAME_MS * FRAME_MS
            part = _cut(call, start_ms, end_ms, Path(folder) / "part.wav")
            if start_ms == 0 or _agrees(part, start_ms, settings, within, whole):
                yield part, start_ms
                return
        yield _cut(call, 0, end_ms, Path(folder) / "part.wav"), 0


def _agrees(
    part: LabelledCall,
    start_ms: int,
    settings: InterruptSettings,
    within: Interval,
    whole: Detections,
) -> bool:
    again = {s.at_ms + start_ms for s in detect(part, settings).stops}
    seen = {ms for ms in again if within.start_ms <= ms <= within.end_ms}
    return seen == {s.at_ms for s in whole.stops if within.start_ms <= s.at_ms <= within.end_ms}


def _cut(call: LabelledCall, start_ms: int, end_ms: int, path: Path) -> LabelledCall:
    first, last = start_ms // FRAME_MS, -(-end_ms // FRAME_MS)
    with MulawWavWriter(path) as wav:
        for caller, agent in islice(call.frames(), first, last):
            wav.write(caller, agent)
    agent = tuple(
        Interval(max(x.start_ms, start_ms) - start_ms, x.end_ms - start_ms)
        for x in call.agent
        if x.end_ms > start_ms and x.start_ms < end_ms
    )
    return replace(
        call, audio=path, duration_ms=end_ms - start_ms, agent=agent, labels=(), is_swapped=False
    )
