"""What the ears of `echo_gate` and `hybrid` hear in crafted sound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sdr_lab.turns.detectors.base import Listened
from sdr_lab.turns.detectors.features import FEATURES, VOICED, Hearing
from sdr_lab.turns.detectors.spectrum import SILENCE
from tests.turns.detectors.crafted import buzz, delayed, hiss, listened, mulaw_frames


def hear(frames: list[Listened], armed_from: int = 25) -> tuple[Hearing, np.ndarray]:
    hearing = Hearing()
    rows = []
    for index, frame in enumerate(frames):
        if index == armed_from:
            hearing.arm()
        if index < armed_from:
            hearing.skip(frame)
            continue
        hearing.hear(frame)
        rows.append(hearing.vector())
    return hearing, np.array(rows)


def test_levels_are_those_of_the_sound():
    hearing, _ = hear(listened(hiss(2000, 328.0), None))  # white: 9/10 lies in 200..3800 Hz
    assert hearing.level_db == pytest.approx(-40.5, abs=1.5)
    assert hearing.noise_level_db == pytest.approx(-42.5, abs=2.5)
    assert hearing.active_share < 0.2


def test_a_voice_rises_above_noise_and_has_a_pitch():
    sound = hiss(3000, 60.0)
    sound[16000:] += buzz(1000, 140.0, 3000.0)
    frames = listened(sound, None)
    quiet, _ = hear(frames[:100])
    voice, _ = hear(frames[:130])
    assert voice.voicing > VOICED > 0.25 > quiet.voicing
    assert voice.level_db - voice.noise_level_db > 20
    assert voice.active_share > 0.5
    assert voice.active_frames > 20 > quiet.active_frames


@pytest.mark.parametrize("delay_ms", [40, 120, 260, 480])
def test_the_delay_and_the_gain_of_an_echo_are_found(delay_ms: int):
    ours = buzz(8000, 110.0, 3000.0)
    heard = delayed(ours, delay_ms, -15.0) + hiss(8000, 15.0)
    hearing, _ = hear(listened(heard, ours))
    assert abs(hearing.echo.lag * 20 - delay_ms) <= 20
    assert hearing.echo.similarity > 0.5
    assert hearing.level_db - hearing.expected_db < 6
    assert hearing.echo_level_db == pytest.approx(hearing.level_db, abs=8)


def test_somebody_else_is_heard_above_the_echo():
    ours = buzz(8000, 110.0, 3000.0)
    heard = delayed(ours, 160, -20.0) + hiss(8000, 15.0)
    alone, _ = hear(listened(heard, ours))
    heard[60000:] += buzz(500, 210.0, 2000.0, seed=5)
    both, _ = hear(listened(heard, ours))
    assert alone.active_frames < 8 <= both.active_frames
    assert np.mean(both.over_db > 6.0) > 0.15 > np.mean(alone.over_db > 6.0)


def test_without_an_echo_none_is_expected():
    hearing, _ = hear(listened(hiss(6000, 200.0), buzz(6000, 110.0, 3000.0)))
    assert hearing.echo_level_db < hearing.noise_level_db


def test_nothing_played_is_silence_played():
    ours = buzz(3000, 110.0, 3000.0)
    ours[:8000] = 0.0
    heard = delayed(ours, 100, -18.0) + hiss(3000, 20.0)
    frames = listened(heard, ours)
    empty = [replace(x, played=b"") if x.played == SILENCE else x for x in frames]
    assert sum(not x.played for x in empty) >= 50
    assert np.array_equal(hear(frames)[1], hear(empty)[1])


def test_equal_frames_give_equal_values():
    frames = listened(buzz(2000, 200.0, 900.0) + hiss(2000, 30.0), buzz(2000, 110.0, 3000.0))
    first, second = hear(frames)[1], hear(frames)[1]
    assert first.shape == (75, FEATURES)
    assert np.array_equal(first, second)
    assert np.abs(first).max() <= 3.0


def test_it_remembers_no_more_than_the_last_second_of_silence():
    frames = listened(hiss(4000, 100.0), None)
    long, short = hear(frames, 150)[1], hear(frames[100:], 50)[1]
    assert np.array_equal(long, short)


def test_lost_frames_sound_like_the_one_before():
    sound = hiss(2000, 40.0) + buzz(2000, 150.0, 2000.0)
    frames = listened(sound, None)
    hearing, _ = hear(frames[:80])
    level_db = hearing.level_db
    for index in (80, 81):
        hearing.hear(replace(frames[index], mulaw=SILENCE, energy=0))
    assert hearing.is_zero
    assert hearing.level_db == level_db
    for index in range(82, 90):
        hearing.hear(replace(frames[index], mulaw=SILENCE, energy=0))
    assert hearing.level_db < -90


def test_digital_silence_is_no_noise_floor():
    sound = np.concatenate((np.zeros(8000), buzz(1000, 150.0, 500.0)))
    hearing, rows = hear(listened(sound, None))
    assert np.isfinite(rows).all()
    assert hearing.level_db - hearing.noise_level_db > 20


def test_the_callers_level_is_learned_while_the_agent_is_silent():
    sound = np.concatenate((buzz(1500, 180.0, 3277.0), hiss(500, 10.0)))
    hearing, _ = hear(listened(sound, None), armed_from=75)
    assert hearing.is_caller_known
    assert hearing.caller_db == pytest.approx(-20.0, abs=4)


def test_frames_of_a_wrong_length_are_taken_for_what_they_hold():
    hearing = Hearing()
    hearing.arm()
    for mulaw in (b"", b"\x20" * 7, mulaw_frames(hiss(40, 900.0))[0] * 2):
        hearing.hear(Listened(0, mulaw, 0, False, b""))
        assert np.isfinite(hearing.vector()).all()
