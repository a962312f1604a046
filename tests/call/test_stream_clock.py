from __future__ import annotations

from sdr_lab.call.stream_clock import StreamClock


def placed(*frames: tuple[int, float]) -> list[int | None]:
    clock = StreamClock(0.0)
    return [clock.place(at_ms, now_s) for at_ms, now_s in frames]


def test_frames_in_order():
    assert placed((0, 0.02), (20, 0.04), (40, 0.06)) == [0, 0, 0]


def test_a_lost_frame_is_missing_and_a_repeated_one_is_not_heard_again():
    assert placed((0, 0.02), (60, 0.08), (60, 0.08), (40, 0.08), (80, 0.10)) == [
        0,
        2,
        None,
        None,
        0,
    ]


def test_timestamps_that_are_a_little_off_are_no_gap():
    assert placed((0, 0.02), (25, 0.04), (35, 0.06), (60, 0.08)) == [0, 0, 0, 0]


def test_a_stall_with_lost_frames_is_filled():
    assert placed((0, 0.02), (8000, 8.02), (8020, 8.04)) == [0, 399, 0]


def test_a_clock_that_jumps_ahead_is_followed():
    assert placed((0, 0.02), (300_000, 0.04), (300_020, 0.06), (300_060, 0.10)) == [0, 0, 0, 1]


def test_a_clock_that_is_set_back_is_followed():
    ahead = [(at, at / 1000) for at in range(0, 4000, 20)]
    assert placed(*ahead, (0, 4.02), (20, 4.04), (20, 4.04)) == [0] * 202 + [None]


def test_a_stream_that_does_not_begin_at_zero():
    assert placed((135, 0.02), (155, 0.04)) == [6, 0]
    assert placed((99_000, 0.02), (99_020, 0.04)) == [0, 0]
