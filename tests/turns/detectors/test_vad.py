"""The rules of VAD detectors, held by tables of probabilities → decisions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from sdr_lab.records import FRAME_BYTES, FRAME_MS, InterruptSettings
from sdr_lab.turns.detectors.base import Listened, SignKind
from sdr_lab.turns.detectors.vad import Scores, VadDetector

SETTINGS = InterruptSettings(hold_activity_ms=120, activity_ms=300)
SCORES = Scores(hold=0.5, stop=0.7)
QUIET, MAYBE, VOICE = 0.1, 0.6, 0.9  # below both scores, between them, above both
FRAME = b"\xff" * FRAME_BYTES


@dataclass
class Told:
    """A VAD that was told what to say."""

    probabilities: list[float]
    name: str = "told"

    def probability(self, pcm: NDArray[np.int16]) -> float:
        assert pcm.shape == (FRAME_BYTES,)
        return self.probabilities.pop(0)

    def reset(self) -> None:
        self.probabilities.clear()


def decisions(
    probabilities: list[float],
    settings: InterruptSettings = SETTINGS,
    arm_at: tuple[int, ...] = (0,),
    voiced: bool = True,
) -> list[tuple[int, str, int]]:
    """Return (frame index, kind, onset frame index) of every decision."""
    detector = VadDetector(Told(list(probabilities)), SCORES, settings)
    found = []
    for index in range(len(probabilities)):
        at_ms = index * FRAME_MS
        if index in arm_at:
            detector.arm(at_ms, settings)
        if (sign := detector.hear(Listened(at_ms, FRAME, 0, voiced))) is not None:
            found.append((index, sign.kind.value, sign.onset_ms // FRAME_MS))
    return found


HOLD, STOP = SignKind.HOLD.value, SignKind.STOP.value


@pytest.mark.parametrize(
    ("name", "probabilities", "expected"),
    [
        ("silence", [QUIET] * 40, []),
        ("five frames are 100 ms, too short", [VOICE] * 5 + [QUIET] * 20, []),
        ("the sixth completes 120 ms", [VOICE] * 6 + [QUIET] * 20, [(5, HOLD, 0)]),
        ("the fifteenth completes 300 ms", [VOICE] * 15, [(5, HOLD, 0), (14, STOP, 0)]),
        ("between the scores: a hold, no stop", [MAYBE] * 40, [(5, HOLD, 0)]),
        ("pauses of 180 ms do not end a run, and do not count",
         [VOICE] * 4 + [QUIET] * 9 + [VOICE] * 2, [(14, HOLD, 0)]),
        ("pauses of 200 ms end it", [VOICE] * 4 + [QUIET] * 10 + [VOICE] * 6, [(19, HOLD, 14)]),
        ("one hold a run", [VOICE] * 6 + [QUIET] * 9 + [VOICE] * 6, [(5, HOLD, 0)]),
        ("the next run may be held again",
         [VOICE] * 6 + [QUIET] * 10 + [VOICE] * 6, [(5, HOLD, 0), (21, HOLD, 16)]),
        ("a stop begins a new run; it is not held again without a pause",
         [VOICE] * 35, [(5, HOLD, 0), (14, STOP, 0), (34, STOP, 15)]),
        ("what was complete within the debounce is decided by a voice, not in a pause",
         [VOICE] * 31 + [QUIET] * 9, [(5, HOLD, 0), (14, STOP, 0)]),
    ],
)  # fmt: skip
def test_table(name: str, probabilities: list[float], expected: list[tuple[int, str, int]]):
    assert decisions(probabilities) == expected, name


def test_not_armed_never_decides():
    assert decisions([VOICE] * 40, arm_at=()) == []


def test_arming_begins_a_new_run():
    assert decisions([VOICE] * 16, arm_at=(4,)) == [(9, HOLD, 4)]


def test_a_caller_who_goes_on_after_a_hold_is_not_held_again():
    assert decisions([VOICE] * 28, arm_at=(0, 8)) == [(5, HOLD, 0), (22, STOP, 8)]


def test_disarming_ends_the_run():
    detector = VadDetector(Told([VOICE] * 40), SCORES, SETTINGS)
    detector.arm(0, SETTINGS)
    detector.hear(Listened(0, FRAME, 0, True))
    detector.disarm(20)
    assert all(detector.hear(Listened(20 * i, FRAME, 0, True)) is None for i in range(1, 30))


def test_settings_win_over_the_own_scores():
    settings = replace(SETTINGS, hold_score=0.95, stop_score=0.55)
    assert decisions([MAYBE] * 40, settings)[0] == (14, STOP, 0)
    assert decisions([0.8] * 40, replace(SETTINGS, stop_score=0.85)) == [(5, HOLD, 0)]


@pytest.mark.parametrize("change", [{"enabled": False}, {"hold": False, "activity_ms": 5000}])
def test_switched_off(change: dict[str, bool]):
    assert decisions([VOICE] * 40, replace(SETTINGS, **change)) == []


def test_without_holds_it_stops_as_before():
    assert decisions([VOICE] * 15, replace(SETTINGS, hold=False)) == [(14, STOP, 0)]


def test_the_speech_gate_may_be_asked_too():
    settings = replace(SETTINGS, use_vad=True)
    assert decisions([VOICE] * 40, settings, voiced=False) == []
    assert decisions([VOICE] * 15, settings) == [(5, HOLD, 0), (14, STOP, 0)]


def test_words_may_be_needed_for_a_stop():
    settings = replace(SETTINGS, require_text=True)
    detector = VadDetector(Told([VOICE] * 40), SCORES, settings)
    detector.arm(0, settings)
    assert detector.read("wait") is None  # nothing was heard that they could confirm
    signs = [detector.hear(Listened(20 * i, FRAME, 0, True)) for i in range(20)]
    assert [sign.kind for sign in signs if sign] == [SignKind.HOLD]
    assert detector.read(" ") is None
    sign = detector.read("wait")
    assert sign is not None
    assert (sign.kind, sign.onset_ms) == (SignKind.STOP, 0)
    assert detector.read("wait") is None


def test_a_reading_names_values_and_limits():
    detector = VadDetector(Told([VOICE] * 3), SCORES, SETTINGS)
    detector.arm(0, SETTINGS)
    for i in range(3):
        detector.hear(Listened(20 * i, FRAME, 0, True))
    reading = detector.reading()
    assert reading.values == {"probability": 0.9, "hold_activity_ms": 60, "activity_ms": 60}
    assert reading.limits == {"probability": 0.7, "hold_activity_ms": 120, "activity_ms": 300}
