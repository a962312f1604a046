from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from sdr_lab.errors import NotFound, SdrLabError
from sdr_lab.records import InterruptSettings
from sdr_lab.tune.corpus import LabelledCall, open_corpus
from sdr_lab.tune.detect import detect, detect_all
from sdr_lab.tune.labels import Interval
from sdr_lab.turns.detectors.base import Listened, Reading, Sign, SignKind
from tests.tune.made_calls import EVENTS, corpus

ENERGY = InterruptSettings(detector="energy")


class Diary:
    """A detector that writes down what it is told, and stops at every loud frame."""

    name = "diary"
    threshold = 800.0
    entries: list[tuple] = []  # noqa: RUF012 - made anew by the fixture

    def __init__(self, settings: InterruptSettings) -> None:
        self._now_ms = 0

    def arm(self, at_ms: int, settings: InterruptSettings) -> None:
        self.entries.append(("arm", at_ms))

    def disarm(self, at_ms: int) -> None:
        self.entries.append(("disarm", at_ms))

    def hear(self, frame: Listened) -> Sign | None:
        self._now_ms = frame.at_ms
        if frame.energy < 2000:
            return None
        return Sign(SignKind.HOLD if frame.at_ms < 5000 else SignKind.STOP, frame.at_ms)

    def read(self, text: str) -> Sign | None:
        return None

    def reading(self) -> Reading:
        return Reading({"now_ms": self._now_ms})


class Killer(Diary):
    """A detector that takes its process with it."""

    def hear(self, frame: Listened) -> Sign | None:
        os._exit(9)


DIARY = InterruptSettings(detector=f"{__name__}:Diary")


@pytest.fixture
def call(tmp_path: Path) -> LabelledCall:
    Diary.entries = []
    return open_corpus(corpus(tmp_path))[0]


def test_a_loud_caller_is_found_at_the_end_of_a_frame(call: LabelledCall):
    stops = detect(call, ENERGY).stops

    assert stops[0].at_ms == 4100  # 100 ms of speech from 4000 on
    assert stops[0].sign.onset_ms == 4000


def test_a_high_threshold_finds_nobody(call: LabelledCall):
    assert detect(call, replace(ENERGY, min_energy=32_000)).stops == ()


def test_detectors_are_armed_while_the_agent_speaks(call: LabelledCall):
    detect(call, DIARY)

    assert Diary.entries == [("arm", 1000), ("disarm", 6000), ("arm", 6800), ("disarm", 11_000)]


def test_a_frame_in_which_the_agent_begins_or_ends_counts(call: LabelledCall):
    detect(replace(call, agent=(Interval(1005, 6015),)), DIARY)

    assert Diary.entries == [("arm", 1000), ("disarm", 6020)]


def test_going_on_after_a_hold_arms_again(call: LabelledCall):
    detect(replace(call, agent=(Interval(1000, 2800), Interval(2800, 6000))), DIARY)

    assert Diary.entries == [("arm", 1000), ("arm", 2800), ("disarm", 6000)]


def test_both_kinds_of_signs_are_kept(call: LabelledCall):
    found = detect(call, DIARY)

    assert {sign.kind for _, sign in found.holds} == {SignKind.HOLD}
    assert {sign.kind for _, sign in found.stops} == {SignKind.STOP}
    assert all(at_ms == sign.onset_ms + 20 for at_ms, sign in found.holds + found.stops)


def test_a_trace_has_a_reading_of_every_frame(call: LabelledCall):
    found = detect(call, DIARY, trace=True)

    assert [r.at_ms for r in found.readings] == list(range(0, 12_000, 20))
    assert [r.reading.values["now_ms"] for r in found.readings[:3]] == [0, 20, 40]
    assert next(r.at_ms for r in found.readings if r.is_armed) == 1000
    assert not detect(call, DIARY).readings


def test_detectors_hear_through_the_filters_of_the_call(call: LabelledCall):
    plain = detect(call, ENERGY, trace=True)
    filtered = detect(replace(call, filters=("highpass_gate",)), ENERGY, trace=True)

    quiet = [r.energy for r in plain.readings[:40]], [r.energy for r in filtered.readings[:40]]
    assert sum(quiet[1]) < sum(quiet[0])
    assert filtered.stops


def test_a_swapped_recording_is_heard_the_right_way_round(call: LabelledCall):
    swapped = detect(replace(call, is_swapped=True), ENERGY)

    assert swapped.stops != detect(call, ENERGY).stops


def test_processes_find_the_same(tmp_path: Path):
    calls = open_corpus(corpus(tmp_path, a=EVENTS, b=EVENTS[1:], c=EVENTS[:1]))
    done: list[str] = []

    alone = detect_all(calls, ENERGY)
    together = detect_all(calls, ENERGY, 2, lambda call: done.append(call.id))

    assert alone == together
    assert list(together) == ["a", "b", "c"]
    assert sorted(done) == ["a", "b", "c"]


def test_an_unknown_detector_is_told_before_anything_runs(call: LabelledCall):
    with pytest.raises(NotFound, match="detector 'nobody': unknown"):
        detect_all([call], replace(ENERGY, detector="nobody"), 2)


def test_a_process_that_dies_is_told(tmp_path: Path):
    calls = open_corpus(corpus(tmp_path, a=EVENTS, b=EVENTS))

    with pytest.raises(SdrLabError, match="a process that ran the detector died"):
        detect_all(calls, replace(DIARY, detector=f"{__name__}:Killer"), 2)
