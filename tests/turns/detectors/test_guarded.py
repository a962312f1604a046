"""Detectors of the user's own that fail in mid-call."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from sdr_lab.errors import BadInput
from sdr_lab.events import Interrupted
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings, InterruptSettings
from sdr_lab.replay.decisions import replay_decisions
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.rehearsal import Scene, rehearse
from sdr_lab.turns.detectors.base import Listened
from sdr_lab.turns.detectors.table import make_detector
from tests.importable import importable

OWN = """
from sdr_lab.turns.detectors.scripted import VoicedDetector

class Tired(VoicedDetector):
    name = "tired"
    heard = 0
    def hear(self, frame):
        self.heard += 1
        if self.heard > 10:
            raise ZeroDivisionError("no frames left")
        return super().hear(frame)

class Late(VoicedDetector):
    def arm(self, at_ms, settings):
        if at_ms > 3000:
            raise KeyError("weights")
        super().arm(at_ms, settings)

class Yes(VoicedDetector):
    def hear(self, frame):
        return True

class Blind(VoicedDetector):
    def reading(self):
        raise ValueError("dark")

class Flat(VoicedDetector):
    hear = 3
"""
LONG = "I would like to tell you about our new plan today and about all that it can do for you."


def frame(at_ms: int) -> Listened:
    return Listened(at_ms, b"\x00" * 160, 3000, True)


def test_the_first_fault_is_logged_once_and_nothing_is_decided_any_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    settings = InterruptSettings(detector="own_ears:Tired")
    with importable(tmp_path, "own_ears", OWN), caplog.at_level(logging.ERROR):
        made = make_detector(settings)
        made.arm(0, settings)
        signs = [made.hear(frame(at_ms)) for at_ms in range(0, 1000, 20)]
    assert sum(sign is not None for sign in signs) == 1  # the hold of before
    assert made.read("anything") is None
    assert (made.name, made.threshold) == ("tired", 400.0)
    (told,) = caplog.messages
    assert "detector own_ears:Tired: raised ZeroDivisionError: no frames left;" in told


def test_what_is_no_sign_is_a_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with importable(tmp_path, "own_ears", OWN):
        made = make_detector(InterruptSettings(detector="own_ears:Yes"))
        assert made.hear(frame(0)) is None
    assert "hear() returned True; allowed: a Sign or None" in caplog.text


def test_who_looks_at_it_does_not_change_what_it_decides(tmp_path: Path):
    settings = InterruptSettings(detector="own_ears:Blind")
    with importable(tmp_path, "own_ears", OWN):
        made = make_detector(settings)
        made.arm(0, settings)
        signs = []
        for at_ms in range(0, 400, 20):
            signs.append(made.hear(frame(at_ms)))
            assert not made.reading().values
    assert sum(sign is not None for sign in signs) == 2


def test_a_method_that_is_none_is_told(tmp_path: Path):
    with importable(tmp_path, "own_ears", OWN), pytest.raises(BadInput, match="it lacks hear; see"):
        make_detector(InterruptSettings(detector="own_ears:Flat"))


@pytest.mark.parametrize("name", ["Tired", "Late", "Yes"])
def test_the_call_goes_on_and_its_replay_agrees(tmp_path: Path, name: str):
    with importable(tmp_path, "own_ears", OWN):
        settings = CallSettings(interrupt=InterruptSettings(detector=f"own_ears:{name}"))
        caller = Caller().says("Tell me more.", at=3.0, lasts=1.0)
        caller = caller.cuts_in("And for ten?", into=1.0, lasts=1.5)
        model = ScriptedModel([LONG, "It is $49."])
        done = rehearse(caller, model, tmp_path / "calls", Scene(settings=settings))
        replay = replay_decisions(done.folder)
    assert not done.all(Interrupted)
    assert done.said[-3:] == [("agent", LONG), ("caller", "And for ten?"), ("agent", "It is $49.")]
    assert replay.same_decisions
