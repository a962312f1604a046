from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdr_lab.errors import BadInput
from sdr_lab.events import Held, Interrupted, Resumed, to_json
from sdr_lab.records import InterruptSettings
from sdr_lab.tune.corpus import LabelledCall, open_corpus
from sdr_lab.tune.detect import detect
from sdr_lab.tune.view import COLUMNS, view
from tests.tune.made_calls import channels, corpus, write_wav

ENERGY = InterruptSettings(detector="energy")


@pytest.fixture
def call(tmp_path: Path) -> LabelledCall:
    (found,) = open_corpus(corpus(tmp_path))
    return found


def test_columns_hold_the_peaks_of_both_channels(call: LabelledCall):
    seen = view(call)
    speaks = (seen.caller.at_s >= 4.0) & (seen.caller.at_s < 5.2)
    assert seen.caller.high[speaks].max() > 0.3
    assert np.abs(seen.caller.high[seen.caller.at_s < 3.9]).max() < 0.01
    assert seen.agent.high[speaks].max() > 0.3
    assert seen.agent.high[seen.agent.at_s < 0.9].max() == 0
    assert len(seen.caller.at_s) <= COLUMNS


def test_energy_is_the_rms_that_detectors_are_told(call: LabelledCall):
    seen = view(call, start_ms=4000, end_ms=5000)
    found = detect(call, ENERGY, trace=True)
    told = [r.energy for r in found.readings[200:250]]
    frames = seen.energy.reshape(50, -1)
    assert np.allclose(frames[:, 0], told, atol=1)


def test_a_long_call_has_no_more_columns_and_loses_no_peak(tmp_path: Path):
    caller, agent = channels()
    path = write_wav(tmp_path / "long.wav", caller * 10, agent * 10)
    seen = view(LabelledCall("long", path, 120_000, ()))
    assert len(seen.caller.at_s) <= COLUMNS
    assert seen.caller.high.max() == view(LabelledCall("l", path, 12_000, ())).caller.high.max()


def test_decisions_are_judged_by_the_labels(call: LabelledCall):
    seen = view(call, detect(call, ENERGY), "energy")
    verdicts = {mark.at_ms: mark.is_right for mark in seen.marks}
    assert verdicts == {4100: True, 4500: None, 4900: None, 7500: False, 9100: False}


def test_without_labels_nothing_is_judged(tmp_path: Path):
    path = write_wav(tmp_path / "call" / "audio.wav", *channels())
    (call,) = open_corpus(path.parent)
    assert {mark.is_right for mark in view(call, detect(call, ENERGY)).marks} == {None}


def test_readings_are_those_of_the_stretch(call: LabelledCall):
    seen = view(call, detect(call, ENERGY, trace=True), "energy", 4010, 5000)
    assert seen.start_ms == 4000
    assert [seen.readings[0].at_ms, seen.readings[-1].at_ms] == [4000, 4980]


@pytest.mark.parametrize("start_ms", [12_000, 99_000])
def test_a_stretch_outside_the_call_is_refused(call: LabelledCall, start_ms: int):
    with pytest.raises(BadInput, match=r"talk: no sound from .* the call is 12.00 s long"):
        view(call, start_ms=start_ms)


def test_what_the_live_session_did_is_beside_it(tmp_path: Path):
    path = write_wav(tmp_path / "conv_1" / "audio.wav", *channels())
    events = [
        Held(at_ms=4200, clock_ms=4200, turn=1, heard="Hello", onset_ms=4000, detector="hybrid"),
        Resumed(at_ms=5000, clock_ms=5000, turn=1, why="expired", held_ms=800, repeated_ms=200),
        Interrupted(
            at_ms=7600, clock_ms=7600, turn=2, heard="", planned="", onset_ms=7400, detector="x"
        ),
    ]
    (path.parent / "events.jsonl").write_text("".join(to_json(e) + "\n" for e in events))
    seen = view(LabelledCall("conv_1", path, 12_000, ()))
    assert [(m.at_ms, m.kind) for m in seen.live] == [
        (4200, "hold"), (5000, "go on"), (7600, "stop"),
    ]  # fmt: skip
    assert seen.live[1].words == "went on after 800 ms (expired)"
