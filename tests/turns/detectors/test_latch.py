"""One hold until the caller was quiet, and the debounce."""

from __future__ import annotations

from sdr_lab.records import FRAME_MS
from sdr_lab.turns.detectors.latch import AGAIN_MS, QUIET_MS, Latch

LIMITS = (0.4, 0.8)
QUIET, UNSURE, SURE = (0.1, 0.0), (0.5, 0.5), (0.9, 0.9)


def signs(scores: list[tuple[float, float]], debounce_ms: int = 400) -> list[tuple[int, str]]:
    latch = Latch(debounce_ms)
    found = []
    for index, pair in enumerate(scores):
        sign = latch.hear(pair, LIMITS, (index + 1) * FRAME_MS, index * FRAME_MS)
        if sign is not None:
            assert sign.onset_ms == index * FRAME_MS
            found.append((index, sign.kind.value))
    return found


def test_a_hold_then_a_stop():
    assert signs([QUIET] * 5 + [UNSURE] * 5 + [SURE] * 5) == [(5, "hold"), (10, "stop")]


def test_a_stop_needs_no_hold():
    assert signs([QUIET] * 5 + [SURE] * 5) == [(5, "stop")]


def test_one_hold_until_the_caller_was_quiet():
    quiet_frames = QUIET_MS // FRAME_MS
    short = [UNSURE] * 3 + [QUIET] * (quiet_frames - 1) + [UNSURE] * 3
    assert signs(short) == [(0, "hold")]
    long = [UNSURE] * 3 + [QUIET] * quiet_frames + [UNSURE] * 3
    assert signs(long) == [(0, "hold"), (3 + quiet_frames, "hold")]


def test_nothing_within_the_debounce_of_a_stop():
    scores = [SURE] + [QUIET] * 10 + [SURE] * 30
    assert signs(scores, 400) == [(0, "stop"), (20, "stop")]


def test_who_goes_on_is_answered_again():
    again = AGAIN_MS // FRAME_MS
    assert signs([SURE] * (again + 2)) == [(0, "stop"), (again, "stop")]
    assert signs([UNSURE] * (again + 2)) == [(0, "hold"), (again, "hold")]


def test_a_reset_forgets_the_hold_but_not_the_debounce():
    latch = Latch(400)
    assert latch.hear(SURE, LIMITS, 20, 0) is not None
    latch.reset()
    assert latch.hear(SURE, LIMITS, 300, 280) is None
    assert latch.hear(SURE, LIMITS, 420, 400) is not None
