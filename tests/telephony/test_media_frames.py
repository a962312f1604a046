"""Sound is placed by the time that it carries: odd pieces, holes, repetitions, clocks set back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdr_lab.call.line import Frame
from sdr_lab.call.stream_clock import StreamClock
from sdr_lab.telephony.media_frames import MediaFrames


def sound(length: int, first: int = 0) -> bytes:
    """Bytes that count, so that each sample can be recognised."""
    return bytes((first + i) % 251 for i in range(length))


def placed(pieces: list[tuple[int, bytes]]) -> tuple[list[Frame], MediaFrames]:
    media = MediaFrames()
    frames = [frame for at_ms, mulaw in pieces for frame in media.push(at_ms, mulaw)]
    return frames + media.flush(), media


def test_frames_of_20_ms_pass_as_they_are():
    frames, media = placed([(n * 20, sound(160, n)) for n in range(3)])

    assert frames == [Frame(n * 20, sound(160, n)) for n in range(3)]
    assert (media.gaps, media.missing_ms, media.repeated_ms) == (0, 0, 0)


def test_time_begins_with_the_first_sound():
    frames, _ = placed([(83, sound(160)), (103, sound(160))])

    assert [frame.at_ms for frame in frames] == [0, 20]


@pytest.mark.parametrize("size", [1, 7, 80, 159, 161, 320, 1000])
def test_pieces_of_any_size_become_frames_of_20_ms(size: int):
    whole = sound(1600)
    frames, media = placed([(at // 8, whole[at : at + size]) for at in range(0, 1600, size)])

    assert [frame.at_ms for frame in frames] == list(range(0, 200, 20))
    assert b"".join(frame.mulaw for frame in frames) == whole
    assert (media.gaps, media.repeated_ms) == (0, 0)


def test_timestamps_that_wobble_by_less_than_a_frame_make_no_hole():
    times = [0, 25, 37, 61, 99, 100]
    frames, media = placed([(at_ms, sound(160)) for at_ms in times])

    assert [frame.at_ms for frame in frames] == [0, 20, 40, 60, 80, 100]
    assert media.gaps == 0


def test_a_hole_moves_the_next_frame():
    frames, media = placed([(0, sound(160)), (80, sound(160)), (100, sound(160))])

    assert [frame.at_ms for frame in frames] == [0, 80, 100]
    assert (media.gaps, media.missing_ms) == (1, 60)


def test_a_hole_fills_up_the_frame_that_it_tears():
    frames, media = placed([(0, sound(200)), (105, sound(160))])

    assert frames == [
        Frame(0, sound(160)),
        Frame(20, sound(40, 160) + b"\xff" * 120),
        Frame(105, sound(160)),
    ]
    assert media.missing_ms == 80


def test_a_slow_drift_of_the_clock_becomes_a_hole_when_it_makes_up_a_frame():
    frames, media = placed([(n * 22, sound(160)) for n in range(12)])

    assert [frame.at_ms for frame in frames] == [*range(0, 200, 20), 220, 240]
    assert (media.gaps, media.missing_ms) == (1, 20)


def test_what_was_heard_already_is_dropped():
    frames, media = placed(
        [(0, sound(160)), (20, sound(160, 9)), (20, b"x" * 160), (0, b"y" * 160)]
    )

    assert [frame.mulaw for frame in frames] == [sound(160), sound(160, 9)]
    assert media.repeated_ms == 40


def test_of_a_piece_that_overlaps_the_new_part_is_kept():
    frames, media = placed([(0, sound(320)), (20, sound(320, 160))])

    assert b"".join(frame.mulaw for frame in frames) == sound(480)
    assert media.repeated_ms == 20


def test_what_comes_after_its_time_is_dropped():
    frames, _ = placed([(0, sound(160)), (40, sound(160)), (20, sound(160)), (60, sound(160))])

    assert [frame.at_ms for frame in frames] == [0, 40, 60]


def test_a_clock_that_is_set_back_is_followed():
    frames, media = placed(
        [(9000, sound(160)), (9020, sound(160)), (0, sound(160)), (20, sound(9))]
    )

    assert [frame.at_ms for frame in frames] == [0, 20, 40, 60]
    assert media.repeated_ms == 0


def test_a_piece_without_sound_is_nothing():
    frames, media = placed([(0, b""), (0, sound(160)), (20, b""), (20, sound(160))])

    assert [frame.at_ms for frame in frames] == [0, 20]
    assert (media.gaps, media.repeated_ms) == (0, 0)


pieces = st.lists(
    st.tuples(st.integers(0, 5000) | st.integers(0, 2**53), st.binary(max_size=700)), max_size=30
)


@settings(max_examples=200, deadline=None)
@given(pieces)
def test_whatever_comes_frames_are_whole_and_in_order(said: list[tuple[int, bytes]]):
    frames, media = placed(said)

    ends_ms = [0] + [frame.at_ms + 20 for frame in frames]
    assert all(len(frame.mulaw) == 160 for frame in frames)
    assert all(frame.at_ms >= end for frame, end in zip(frames, ends_ms, strict=False))
    made = sum(len(frame.mulaw) for frame in frames)
    assert made <= sum(len(mulaw) for _, mulaw in said) + 160 * (media.gaps + 1)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=40), st.sets(st.integers(0, 39)))
def test_a_lossy_stream_keeps_every_sample_in_its_place(sizes: list[int], lost: set[int]):
    """Put back together by the session's clock, what was not lost lies where it was spoken."""
    spoken, said, at = bytearray(), [], 0
    for n, size in enumerate(sizes):
        piece = bytes([n + 1]) * size
        spoken += piece
        if n == 0 or n not in lost:
            said.append((at // 8, piece))
        at += size
    frames, _ = placed(said)

    clock, heard = StreamClock(0.0), bytearray()
    for frame in frames:
        missing = clock.place(frame.at_ms, 100.0)
        assert missing is not None
        heard += b"\x00" * 160 * missing + frame.mulaw
    for at_ms, piece in said:
        found = heard.find(piece[:1])
        assert abs(found - at_ms * 8) < 2 * 160, (piece[:1], at_ms)
