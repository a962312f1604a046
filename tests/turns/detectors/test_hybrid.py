"""`hybrid` with the weights of the package: pure, silent on noise and echo, documented."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from importlib.resources import files

import numpy as np

from sdr_lab.records import InterruptSettings
from sdr_lab.turns.detectors.base import Listened, Sign, SignKind
from sdr_lab.turns.detectors.features import FEATURES
from sdr_lab.turns.detectors.hybrid import HybridDetector
from sdr_lab.turns.detectors.network import load_weights
from sdr_lab.turns.detectors.spectrum import SILENCE
from sdr_lab.turns.detectors.table import make_detector
from tests.turns.detectors.test_echo_gate import call

SETTINGS = InterruptSettings(detector="hybrid")
EAGER = replace(SETTINGS, hold_score=0.05, stop_score=0.1)
"""A buzz is no voice: with low limits something happens all the same."""
SURE = replace(SETTINGS, hold_score=0.0, stop_score=0.0)


def decisions(
    frames: list[Listened], settings: InterruptSettings = EAGER, armed_from: int = 10
) -> list[tuple[int, Sign]]:
    detector = make_detector(settings)
    assert isinstance(detector, HybridDetector)
    found = []
    for index, frame in enumerate(frames):
        if index == armed_from:
            detector.arm(frame.at_ms, settings)
        sign = detector.hear(frame)
        if sign is not None:
            found.append((index, sign))
    return found


def test_equal_frames_give_equal_decisions():
    frames = call()
    found = decisions(frames)
    assert found
    assert found == decisions(frames)


def test_nothing_played_is_silence_played():
    frames = [replace(x, played=SILENCE if i % 50 < 30 else x.played) for i, x in enumerate(call())]
    empty = [replace(x, played=b"") if x.played == SILENCE else x for x in frames]
    assert decisions(frames) == decisions(empty)


def test_not_armed_or_off_it_decides_nothing():
    assert decisions(call(), armed_from=9999) == []
    assert decisions(call(), replace(EAGER, enabled=False)) == []


def test_noise_and_echo_decide_nothing():
    assert decisions(call(echo_db=-20.0, caller=0.0), SETTINGS) == []
    assert decisions(call(echo_db=None, caller=0.0, noise=800.0), SETTINGS) == []


def test_going_on_after_a_hold_forgets_nothing():
    detector = HybridDetector(EAGER)
    frames = call()
    detector.arm(0, EAGER)
    signs = []
    for index, frame in enumerate(frames):
        sign = detector.hear(frame)
        if sign is not None:
            signs.append((index, sign))
            detector.arm(frame.at_ms, EAGER)  # the floor goes on at once
    detector = HybridDetector(EAGER)
    detector.arm(0, EAGER)
    assert signs == [(i, s) for i, f in enumerate(frames) if (s := detector.hear(f)) is not None]


def test_limits_of_the_settings_come_before_those_of_the_weights():
    weights = load_weights()
    detector = HybridDetector(SETTINGS)
    assert detector.reading().limits == {"hold": weights.hold_score, "stop": weights.stop_score}
    detector.arm(0, EAGER)
    assert detector.reading().limits == {"hold": 0.05, "stop": 0.1}


def test_words_confirm_a_stop_that_waits_for_them():
    settings = replace(SURE, require_text=True)
    frames = call()
    stops = [i for i, sign in decisions(frames, SURE, 0) if sign.kind is SignKind.STOP]
    detector = HybridDetector(settings)
    detector.arm(0, settings)
    assert detector.read("no") is None
    for frame in frames[: stops[0] + 1]:
        sign = detector.hear(frame)
        assert sign is None or sign.kind is SignKind.HOLD
    sign = detector.read("no")
    assert sign is not None
    assert sign.kind is SignKind.STOP
    assert detector.read("no") is None


def test_weights_are_those_of_the_card():
    package = files("sdr_lab.turns.detectors")
    card = package.joinpath("hybrid.md").read_text(encoding="utf-8")
    data = package.joinpath("hybrid.npz").read_bytes()
    stated = re.search(r"SHA-256 `([0-9a-f]{64})`", card)
    assert stated is not None
    assert stated[1] == hashlib.sha256(data).hexdigest()
    assert len(data) < 100_000
    weights = load_weights()
    assert weights.dense.shape[1] == FEATURES
    assert 0 < weights.hold_score < 1
    assert 0 < weights.stop_score < 1
    assert f"| hold | {weights.hold_score:.2f} |" in card
    assert f"| stop | {weights.stop_score:.2f} |" in card


def test_readings_are_numbers():
    detector = HybridDetector(SETTINGS)
    detector.arm(0, SETTINGS)
    for frame in call()[:400]:
        detector.hear(frame)
    reading = detector.reading()
    assert np.isfinite(list(reading.values.values())).all()
    assert set(reading.limits) <= set(reading.values)
    assert 0 <= reading.values["stop"] <= 1
