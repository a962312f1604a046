"""`echo_gate` on crafted calls: who speaks, over which line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sdr_lab.records import InterruptSettings
from sdr_lab.turns.detectors.base import Listened, SignKind
from sdr_lab.turns.detectors.echo_gate import EchoGateDetector
from tests.turns.detectors.crafted import buzz, delayed, hiss, listened

SETTINGS = InterruptSettings(detector="echo_gate")
CALLER_MS = 7000


def call(echo_db: float | None = -20.0, caller: float = 1500.0, noise: float = 15.0):
    """10 s of the agent; the caller speaks for 1 s at 7 s."""
    ours = buzz(10_000, 110.0, 3000.0)
    heard = hiss(10_000, noise)
    if echo_db is not None:
        heard += delayed(ours, 180, echo_db)
    if caller:
        start = CALLER_MS * 8
        heard[start : start + 8000] += buzz(1000, 190.0, caller, seed=7)
    return listened(heard, ours)


def decisions(
    frames: list[Listened], settings: InterruptSettings = SETTINGS
) -> list[tuple[SignKind, int, int]]:
    """Return (kind, end of the frame, onset) of every decision, ms."""
    detector = EchoGateDetector(settings)
    found = []
    for index, frame in enumerate(frames):
        if index == 10:
            detector.arm(frame.at_ms, settings)
        sign = detector.hear(frame)
        if sign is not None:
            found.append((sign.kind, frame.at_ms + 20, sign.onset_ms))
    return found


def test_the_caller_is_held_and_then_stops_the_agent():
    (hold, hold_ms, _), (stop, stop_ms, onset_ms), *_ = decisions(call())
    assert (hold, stop) == (SignKind.HOLD, SignKind.STOP)
    assert CALLER_MS + 100 <= hold_ms <= CALLER_MS + 300
    assert CALLER_MS + 300 <= stop_ms <= CALLER_MS + 700
    assert onset_ms == pytest.approx(CALLER_MS, abs=150)


@pytest.mark.parametrize("echo_db", [-10.0, -18.0, -30.0])
def test_the_agents_own_echo_decides_nothing(echo_db: float):
    late = [x for x in decisions(call(echo_db, caller=0.0)) if x[1] > 1500]
    assert late == []


def test_levels_are_relative():
    frames = call(echo_db=None, caller=120.0, noise=4.0)
    assert [kind for kind, _, _ in decisions(frames)][:2] == [SignKind.HOLD, SignKind.STOP]
    loud_noise = call(echo_db=None, caller=0.0, noise=1500.0)
    assert decisions(loud_noise) == []


def test_margins_and_durations_are_settings():
    frames = call()
    high = replace(SETTINGS, noise_margin_db=60.0)
    assert decisions(frames, high) == []
    slow = replace(SETTINGS, activity_ms=700)
    first = [ms for kind, ms, _ in decisions(frames, SETTINGS) if kind is SignKind.STOP]
    later = [ms for kind, ms, _ in decisions(frames, slow) if kind is SignKind.STOP]
    assert later == [] or later[0] >= first[0] + 300
    stops = decisions(frames, replace(SETTINGS, hold=False))
    assert {kind for kind, _, _ in stops} == {SignKind.STOP}
    assert decisions(frames, replace(SETTINGS, enabled=False)) == []


def test_words_confirm_a_stop_that_waits_for_them():
    settings = replace(SETTINGS, require_text=True)
    detector = EchoGateDetector(settings)
    frames = call()
    detector.arm(0, settings)
    assert detector.read("hello") is None
    for frame in frames[: (CALLER_MS + 800) // 20]:
        sign = detector.hear(frame)
        assert sign is None or sign.kind is SignKind.HOLD
    assert detector.read("  ") is None
    sign = detector.read("hello")
    assert sign is not None
    assert sign.kind is SignKind.STOP
    assert detector.read("hello") is None


def test_its_reading_names_the_limits():
    detector = EchoGateDetector(SETTINGS)
    detector.arm(0, SETTINGS)
    for frame in call()[:380]:
        detector.hear(frame)
    reading = detector.reading()
    assert set(reading.limits) <= set(reading.values)
    assert reading.values["over_noise_db"] > reading.limits["over_noise_db"]
    assert reading.values["echo_delay_ms"] == pytest.approx(180, abs=20)
    assert np.isfinite(list(reading.values.values())).all()
    assert detector.threshold > 0
