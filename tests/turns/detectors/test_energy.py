"""The seed's energy algorithm, held by tables of frame energies → decisions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.turns.detectors.base import Listened
from sdr_lab.turns.detectors.energy import EnergyDetector

SETTINGS = InterruptSettings()  # 800, × 2.8, 100 ms, 400 ms
QUIET, EDGE, LOUD = 100, 600, 2000  # below 0.6 × 800, between, above


def decisions(
    energies: list[int],
    settings: InterruptSettings = SETTINGS,
    armed_from: int = 0,
    voiced: bool = True,
) -> list[tuple[int, int]]:
    """Return (frame index, onset frame index) of every decision."""
    detector = EnergyDetector(settings)
    found = []
    for index, energy in enumerate(energies):
        at_ms = index * FRAME_MS
        if index == armed_from:
            detector.arm(at_ms, settings)
        is_voiced = voiced and energy > QUIET
        sign = detector.hear(Listened(at_ms, b"", energy, is_voiced))
        if sign is not None:
            found.append((index, sign.onset_ms // FRAME_MS))
    return found


@pytest.mark.parametrize(
    ("name", "energies", "expected"),
    [
        ("silence", [QUIET] * 20, []),
        ("four loud frames are 80 ms, too short", [LOUD] * 4 + [QUIET] * 20, []),
        ("the fifth loud frame completes 100 ms", [LOUD] * 5, [(4, 0)]),
        ("a quiet frame empties the buffer", [LOUD] * 4 + [QUIET] + [LOUD] * 4, []),
        ("an edge frame lengthens it", [LOUD, EDGE, EDGE, EDGE, LOUD], [(4, 0)]),
        ("one high frame is not sustained", [LOUD, EDGE, EDGE, EDGE, EDGE, EDGE], []),
        ("edge frames before it do not count", [EDGE] * 5 + [LOUD] * 4, []),
        ("exactly the threshold is not above it", [800] * 20, []),
        ("speech that goes on decides again after the debounce", [LOUD] * 30, [(4, 0), (24, 5)]),
        ("two interruptions within the debounce are one", [LOUD] * 5 + [QUIET] + [LOUD] * 5,
         [(4, 0)]),
    ],
)  # fmt: skip
def test_table(name: str, energies: list[int], expected: list[tuple[int, int]]):
    assert decisions(energies) == expected, name


def test_not_armed_never_decides():
    assert decisions([LOUD] * 30, armed_from=99) == []


def test_arming_empties_the_buffer():
    assert decisions([LOUD] * 12, armed_from=4) == [(8, 4)]


def test_disabled():
    assert decisions([LOUD] * 30, replace(SETTINGS, enabled=False)) == []


def test_baseline_raises_the_threshold_in_noise():
    noise, speech = 500, 1300  # 500 × 2.8 = 1400
    assert decisions([noise] * 100 + [speech] * 10, voiced=False) == []
    assert decisions([QUIET] * 100 + [speech] * 10, voiced=False) == [(104, 100)]


def test_speech_does_not_raise_the_baseline():
    detector = EnergyDetector(SETTINGS)
    for index in range(100):
        detector.hear(Listened(index * FRAME_MS, b"", 700, True))
    assert detector.threshold == 800


def test_use_vad_needs_a_voiced_frame():
    settings = replace(SETTINGS, use_vad=True)
    assert decisions([LOUD] * 5, settings, voiced=False) == []
    assert decisions([LOUD] * 5, settings) == [(4, 0)]


def test_require_text_waits_for_words():
    detector = EnergyDetector(replace(SETTINGS, require_text=True))
    detector.arm(0, detector.settings)
    for index in range(10):
        assert detector.hear(Listened(index * FRAME_MS, b"", LOUD, True)) is None
    assert detector.read("") is None
    sign = detector.read("wait")
    assert sign is not None
    assert sign.onset_ms == 0
    assert detector.read("wait a minute") is None


def test_require_text_forgets_at_disarm():
    detector = EnergyDetector(replace(SETTINGS, require_text=True))
    detector.arm(0, detector.settings)
    for index in range(10):
        detector.hear(Listened(index * FRAME_MS, b"", LOUD, True))
    detector.disarm(200)
    detector.arm(220, detector.settings)
    assert detector.read("wait") is None


def test_noise_above_the_threshold_is_learnt_and_stops_interrupting():
    noise = [1300] * 200
    found = decisions(noise, voiced=False)
    assert all(index < 50 for index, _ in found)
    assert decisions([*noise, *[5000] * 10], voiced=False)[-1] == (204, 200)
