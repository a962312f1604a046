"""When a caller made of code speaks, told frame by frame what he hears."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.audio.energy import calculate_audio_energy
from sdr_lab.audio.frame import cut_frames
from sdr_lab.records import FRAME_MS
from sdr_lab.simulate.caller import (
    GAP_S,
    LINGER_S,
    PATIENCE_S,
    SILENCE,
    WORD_S,
    Caller,
    CallerRun,
    speech_like,
)

Talk = list[tuple[int, int]]


def run(caller: Caller, agent: Talk, until_ms: int = 60_000) -> tuple[CallerRun, int]:
    """Run a caller against an agent who speaks at given times; return when it ended."""
    talk = CallerRun(caller)
    for at_ms in range(0, until_ms, FRAME_MS):
        talk.say(at_ms, any(start <= at_ms < end for start, end in agent))
        if talk.has_hung_up:
            return talk, at_ms
    return talk, until_ms


def onsets(talk: CallerRun) -> list[int]:
    return [said.start_ms for said in talk.spoken]


# ---- at


def test_he_speaks_at_his_time_whatever_he_hears():
    talk, _ = run(Caller().says("Hello?", at=1.5), [(0, 5000)])
    assert onsets(talk) == [1500]


def test_two_at_the_same_time_follow_each_other():
    caller = Caller().says("One", at=1.0, lasts=0.5).says("Two", at=1.2, lasts=0.5)
    talk, _ = run(caller, [(0, 500)])
    assert onsets(talk) == [1000, 1520]  # the frame in which he sees that he has finished


def test_a_time_between_two_frames_is_the_later_one():
    assert onsets(run(Caller().says("Hello?", at=1.505), [])[0]) == [1520]


# ---- after


def test_he_waits_until_the_agent_has_been_silent_for_the_gap():
    talk, _ = run(Caller().says("How much?"), [(0, 3000)])
    assert onsets(talk) == [3000 + GAP_S * 1000]


def test_his_own_gap():
    talk, _ = run(Caller().says("How much?", after=0.3), [(0, 3000)])
    assert onsets(talk) == [3300]


def test_a_pause_between_two_sentences_is_not_the_end():
    talk, _ = run(Caller().says("How much?"), [(0, 1000), (1980, 3000)])
    assert onsets(talk) == [4000]


def test_a_pause_as_long_as_the_gap_is_the_end():
    talk, _ = run(Caller().says("How much?"), [(0, 1000), (2020, 3000)])
    assert onsets(talk) == [2000]


def test_the_next_turn_waits_for_an_answer():
    caller = Caller().says("One", at=0.0, lasts=1.0).says("Two")
    talk, _ = run(caller, [(3000, 4000)])
    assert onsets(talk) == [0, 5000]


def test_what_was_said_over_him_is_no_answer():
    caller = Caller().says("One", at=1.0, lasts=2.0).says("Two")
    talk, _ = run(caller, [(0, 2000), (6000, 7000)])
    assert onsets(talk) == [1000, 8000]


def test_an_answer_that_goes_on_when_he_has_finished_counts():
    caller = Caller().says("One", at=1.0, lasts=2.0).says("Two")
    talk, _ = run(caller, [(2000, 5000)])
    assert onsets(talk) == [1000, 6000]


def test_his_patience_with_an_agent_that_says_nothing():
    talk, _ = run(Caller().says("Hello?").says("Anybody there?"), [])
    first = round(PATIENCE_S * 1000)
    ended = talk.spoken[0].end_ms
    assert onsets(talk) == [first, ended + first]


# ---- cuts in


@pytest.mark.parametrize("into", [0.0, 0.02, 0.5, 1.5])
def test_he_cuts_in_exactly_so_long_after_the_agent_became_audible(into: float):
    talk, _ = run(Caller().cuts_in("Wait.", into=into), [(1000, 9000)])
    assert onsets(talk) == [1000 + into * 1000]


def test_he_cuts_into_the_answer_and_not_into_what_came_before():
    caller = Caller().says("One").cuts_in("Wait.", into=1.5)
    talk, _ = run(caller, [(0, 2000), (5000, 9000)])
    assert onsets(talk) == [3000, 6500]


def test_the_pause_of_a_sentence_does_not_move_the_moment():
    talk, _ = run(Caller().cuts_in("Wait.", into=1.5), [(0, 500), (900, 5000)])
    assert onsets(talk) == [1500]


def test_he_cuts_in_twice():
    caller = Caller().cuts_in("Wait.", into=1.0, lasts=0.6).cuts_in("No.", into=0.5)
    talk, _ = run(caller, [(0, 1200), (3000, 6000)])
    assert onsets(talk) == [1000, 3500]


# ---- hanging up


def test_he_hangs_up_after_the_agents_last_word():
    talk, ended_ms = run(Caller().says("Bye.", at=0.0, lasts=0.5), [(2000, 3000)])
    assert talk.has_hung_up
    assert ended_ms == 3000 + LINGER_S * 1000


def test_he_hangs_up_at_his_time():
    assert run(Caller().hangs_up(at=4.0), [(0, 60_000)])[1] == 4000


def test_he_hangs_up_after_his_own_gap():
    assert run(Caller().hangs_up(after=0.5), [(0, 1000)])[1] == 1500


def test_he_hangs_up_on_an_agent_that_says_nothing():
    assert run(Caller(), [])[1] == PATIENCE_S * 1000


def test_a_caller_can_call_twice():
    caller = Caller().says("Hello?", at=1.0)
    first, _ = run(caller, [(2000, 3000)])
    second, _ = run(caller, [(2000, 3000)])
    assert first.spoken == second.spoken
    assert len(caller.acts) == 1  # hanging up was not added to the script


# ---- what he says


def test_frames_of_a_recording_come_out_whole_and_in_order():
    sound = bytes(range(240)) * 2
    talk = CallerRun(Caller().says("Hi", at=0.02, sound=sound))
    said = [talk.say(at_ms, False) for at_ms in range(0, 120, 20)]
    assert said == [SILENCE, *cut_frames(sound), SILENCE, SILENCE]


def test_a_stream_is_read_frame_by_frame():
    read = 0

    def frames() -> Iterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 1
            yield b"\x10" * 160

    talk = CallerRun(Caller().says("Hi", at=0.0, sound=frames))
    for at_ms in range(0, 200, 20):
        talk.say(at_ms, False)
    assert read == 10
    assert (talk.spoken[0].start_ms, talk.spoken[0].end_ms) == (0, 200)


def test_the_length_of_a_turn():
    def length_ms(caller: Caller) -> int:
        said = run(caller, [(0, 100)])[0].spoken[0]
        return said.end_ms - said.start_ms

    assert length_ms(Caller().says("Hello?", lasts=1.0)) == 1000
    words = "one two three four five"
    assert length_ms(Caller().says(words)) == pytest.approx(5 * WORD_S * 1000, abs=FRAME_MS)
    assert length_ms(Caller().says("x", sound=b"\x10" * 1600)) == 200


def test_the_stand_in_for_speech_is_never_silent_for_long():
    frames = cut_frames(speech_like(5))
    quiet = [calculate_audio_energy(frame) < 300 for frame in frames]
    runs = "".join("q" if frame else "." for frame in quiet).split(".")
    assert max(len(run) for run in runs) * FRAME_MS <= 80


def test_the_stand_in_has_no_samples_beyond_the_phones_range():
    pcm = mulaw_to_pcm(speech_like(5)).astype(np.int32)
    assert np.abs(pcm).max() < 32_000


def test_the_stand_in_is_repeatable_and_differs_by_seed():
    assert speech_like(1, 3) == speech_like(1, 3)
    assert speech_like(1, 3) != speech_like(1, 4)
