"""A handset has no clock: a step is 20 ms, so sums are done in the head."""

from __future__ import annotations

import pytest

from sdr_lab.call.line import Digit
from sdr_lab.simulate.caller import SILENCE, Caller
from sdr_lab.simulate.condition import Condition
from sdr_lab.simulate.handset import Clear, Handset

A, B = b"\x10" * 160, b"\x20" * 160


def test_sound_is_played_in_order_and_its_mark_comes_back_at_its_end():
    handset = Handset(Caller())
    handset.play(A + B)
    handset.mark("end")
    back = []
    for _ in range(3):
        handset.step(0.0)
        back.append(handset.marks())

    assert back == [[], ["end"], []]
    assert bytes(handset.heard) == A + B + SILENCE
    assert handset.at_ms == 60


def test_a_clear_drops_what_waits_and_returns_its_marks():
    handset = Handset(Caller())
    handset.play(A + B)
    handset.mark("cleared")
    handset.step(0.0)
    handset.clear()

    assert handset.marks() == ["cleared"]
    assert handset.clears == [Clear(20, 20)]
    handset.step(0.0)
    assert bytes(handset.heard) == A + SILENCE


def test_less_than_a_frame_is_played_as_it_is():
    handset, waiting = Handset(Caller()), Handset(Caller(), waits_for_whole_frames=True)
    for one in (handset, waiting):
        one.play(A[:60])
        one.step(0.0)

    assert bytes(handset.heard) == A[:60] + SILENCE[60:]
    assert bytes(waiting.heard) == SILENCE


def test_keys_come_five_a_second_and_the_next_act_waits_for_them():
    handset = Handset(Caller().presses("9#", at=0.1).says("hello", after=0.5))
    pressed: list[tuple[int, Digit]] = []
    for _ in range(60):
        pressed += [(handset.at_ms, digit) for digit in handset.digits()]
        handset.step(0.0)

    assert pressed == [(120, Digit("9")), (320, Digit("#"))]
    assert [said.text for said in handset.caller.spoken] == []
    for _ in range(600):
        handset.step(0.0)
    assert [said.text for said in handset.caller.spoken] == ["hello"]


def test_a_telephone_has_twelve_keys():
    with pytest.raises(ValueError, match="not '9A'"):
        Caller().presses("9A")


def test_late_frames_come_in_bunches_with_their_own_time():
    handset = Handset(Caller(), Condition(jitter_ms=100))
    came: list[list[int]] = []
    for slot in range(100):
        handset.step(slot * 0.02)
        came.append([frame.at_ms for frame in handset.frames(slot * 0.02)])

    times = [at_ms for bunch in came for at_ms in bunch]
    assert times == list(range(0, 20 * len(times), 20))
    assert max(len(bunch) for bunch in came) > 1
    assert [] in came


def test_a_handset_that_keeps_no_sound_keeps_none():
    handset = Handset(Caller(), keeps_sound=False)
    handset.play(A)
    handset.step(0.0)

    assert not handset.heard
    assert not handset.spoken
