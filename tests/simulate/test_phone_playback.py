"""When sound came too late to be played. 160 bytes are 20 ms."""

from __future__ import annotations

import pytest

from sdr_lab.simulate.phone_playback import Playback


def test_sound_ahead_of_its_time_is_never_late():
    playback = Playback()
    for i in range(10):
        playback.sound(i * 0.01, 160)

    assert (playback.frames, playback.late_frames, playback.late_ms) == (10, 0, [])
    assert playback.is_quiet_at == pytest.approx(0.2)
    assert playback.ahead_ms == pytest.approx(110)


def test_a_hole_within_a_sentence_is_late_and_what_follows_is_not():
    playback = Playback()
    playback.sound(0.0, 160)  # played until 20 ms
    playback.sound(0.05, 160)  # 30 ms late, played until 70 ms
    playback.sound(0.07, 160)
    playback.sound(0.10, 80)  # 10 ms late: nobody hears it

    assert playback.late_frames == 1
    assert playback.late_ms == pytest.approx([30, 10])
    assert playback.frames == 3


def test_after_a_mark_nothing_is_owed():
    playback = Playback()
    playback.sound(0.0, 160)
    playback.mark()
    playback.sound(0.5, 160)

    assert playback.late_ms == []
    assert playback.gaps_ms == pytest.approx([480])


def test_after_a_clear_nothing_is_owed_and_what_waited_is_gone():
    playback = Playback()
    playback.sound(0.0, 16000)
    playback.clear(0.1)
    assert playback.is_quiet_at == pytest.approx(0.1)
    playback.sound(0.5, 160)

    assert (playback.late_ms, playback.gaps_ms) == ([], [])


def test_a_gap_between_sentences_of_one_reply_is_a_seam():
    playback = Playback()
    playback.sound(0.0, 160)
    playback.mark("1")
    playback.sound(0.05, 160)  # 30 ms after the first sentence
    playback.mark("1")
    playback.sound(0.07, 160)  # at once
    playback.mark("1")
    playback.sound(0.5, 160)  # the next reply
    playback.mark("2")

    assert playback.seams_ms == pytest.approx([30])
    assert playback.gaps_ms == pytest.approx([30, 410])


def test_what_was_in_hand_is_counted_in_the_middle_of_a_sentence():
    playback = Playback()
    playback.sound(0.0, 1600)  # the first is needed when it comes: not counted
    playback.sound(0.155, 320)  # 45 ms before it is needed
    playback.sound(0.3, 160)  # 60 ms late
    playback.sound(0.3, 16_000)  # 20 ms before
    playback.sound(0.4, 160)  # 1.9 s before

    assert [(step, n) for step, n in enumerate(playback.in_hand) if n] == [
        (0, 1),
        (2, 1),
        (4, 1),
        (63, 1),
    ]
