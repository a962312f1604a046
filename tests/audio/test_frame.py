import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.audio.frame import FrameCutter, cut_frames


def test_a_rest_waits_for_the_next_piece():
    cutter = FrameCutter()

    assert cutter.push(b"a" * 100) == []
    assert cutter.carried == 100
    assert cutter.push(b"b" * 230) == [b"a" * 100 + b"b" * 60, b"b" * 160]
    assert cutter.carried == 10


def test_flush_fills_up_with_silence():
    cutter = FrameCutter()
    cutter.push(b"a" * 10)

    assert cutter.flush() == [b"a" * 10 + b"\xff" * 150]
    assert cutter.flush() == []


def test_other_frame_sizes():
    assert FrameCutter(4).push(b"abcdefgh") == [b"abcd", b"efgh"]


@pytest.mark.parametrize(("length", "frames"), [(0, 0), (1, 1), (160, 1), (161, 2), (320, 2)])
def test_cut_frames(length: int, frames: int):
    cut = cut_frames(b"x" * length)

    assert len(cut) == frames
    assert all(len(frame) == 160 for frame in cut)
    assert b"".join(cut)[:length] == b"x" * length


@given(st.lists(st.binary(max_size=500), max_size=20))
def test_nothing_is_lost_or_reordered(pieces: list[bytes]):
    cutter = FrameCutter()
    frames = [frame for piece in pieces for frame in cutter.push(piece)]
    whole = b"".join(pieces)

    assert b"".join(frames) == whole[: len(whole) // 160 * 160]
    assert b"".join(frames + cutter.flush()).startswith(whole)
