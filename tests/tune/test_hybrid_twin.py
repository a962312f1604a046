from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdr_lab.errors import BadInput
from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.tune.corpus import open_corpus
from sdr_lab.tune.detect import detect
from sdr_lab.tune.energy_twin import Fired
from sdr_lab.tune.hybrid_twin import Scores, hybrid_signs, read_scores
from sdr_lab.tune.labels import Interval
from sdr_lab.turns.detectors.base import SignKind
from sdr_lab.turns.detectors.latch import Latch
from sdr_lab.turns.detectors.network import load_weights
from tests.tune.made_calls import EVENTS, QUIET, corpus

LIMITS = st.sampled_from([None, 0.2, 0.3, 0.5, 0.6, 0.9]) | st.floats(0.01, 1)
SETTINGS = st.builds(
    InterruptSettings,
    hold_score=LIMITS,
    stop_score=LIMITS,
    debounce_ms=st.sampled_from([0, 20, 400]) | st.integers(0, 3000),
    hold=st.booleans(),
    require_text=st.sampled_from([False, False, True]),
)
POINTS = st.sampled_from([0.0, 0.1, 0.15, 0.2, 0.3, 0.42, 0.5, 0.6, 0.63, 0.9, 1.0]) | st.floats(
    0, 1
)
"""Many lie on a limit, on the share of one that counts as quiet, or right beside."""


@st.composite
def tracks(draw) -> Scores:
    hold: list[float] = []
    stop: list[float] = []
    for _ in range(draw(st.integers(1, 12))):
        size = draw(st.integers(1, 100))
        hold += [draw(POINTS)] * size
        stop += [draw(POINTS)] * size
    starts = draw(st.sets(st.integers(0, len(hold) - 1), max_size=3)) | {0}
    begins = np.isin(np.arange(len(hold)), list(starts))
    at_ms = np.arange(len(hold)) * FRAME_MS
    return Scores(at_ms, np.array(hold), np.array(stop), at_ms // 100 * 100, begins, (0.3, 0.6))


def from_latch(scores: Scores, one: InterruptSettings) -> tuple[list, list]:
    """Return holds and stops of a latch that hears every frame, as `HybridDetector` uses it."""
    limits = (
        scores.own[0] if one.hold_score is None else one.hold_score,
        scores.own[1] if one.stop_score is None else one.stop_score,
    )
    latch = Latch(one.debounce_ms)
    holds, stops, bare = [], [], []
    for i, at_ms in enumerate(scores.at_ms.tolist()):
        if scores.begins[i]:
            latch.reset()
        pair = (float(scores.hold[i]), float(scores.stop[i]))
        sign = latch.hear(pair, limits, at_ms + FRAME_MS, int(scores.onset_ms[i]))
        if sign is None:
            continue
        told = (at_ms + FRAME_MS, sign.onset_ms)
        if sign.kind is SignKind.HOLD and one.hold:
            holds.append(told)
        if sign.kind is SignKind.STOP and not one.require_text:
            if not any(sign.onset_ms <= held <= told[0] for held, _ in holds):
                bare.append(told)
            stops.append(told)
    return sorted(holds + bare), stops


def of_setting(fired: Fired, index: int) -> list[tuple[int, int]]:
    mine = fired.setting == index
    return list(zip(fired.at_ms[mine].tolist(), fired.onset_ms[mine].tolist(), strict=True))


@settings(max_examples=150, deadline=None)
@given(tracks(), st.lists(SETTINGS, min_size=1, max_size=5))
def test_frames_that_are_left_out_change_nothing(scores: Scores, tried: list[InterruptSettings]):
    held, stopped = hybrid_signs(scores, tried)

    for i, one in enumerate(tried):
        assert (of_setting(held, i), of_setting(stopped, i)) == from_latch(scores, one)


def test_a_detector_that_is_off_decides_nothing():
    at_ms = np.arange(3) * FRAME_MS
    scores = Scores(at_ms, np.ones(3), np.ones(3), at_ms, np.zeros(3, bool), (0.3, 0.6))

    assert all(len(f.at_ms) == 0 for f in hybrid_signs(scores, [InterruptSettings(enabled=False)]))


def test_recordings_agree_with_the_class(tmp_path: Path):
    try:
        load_weights()
    except BadInput as error:
        pytest.skip(str(error))
    base = InterruptSettings(detector="hybrid")
    low = [0.02, 0.05, 0.1, 0.2, 0.4, 0.7]
    tried = [
        replace(base, hold_score=hold, stop_score=stop, debounce_ms=ms)
        for hold in (None, *low)
        for stop in (None, *low)
        for ms in (0, 1000)
    ]
    count = 0
    for call in open_corpus(corpus(tmp_path, talk=EVENTS, quiet=QUIET)):
        parted = (Interval(1000, 4410), Interval(4415, 6000), Interval(6800, 11000))
        for agent in (call.agent, parted):
            one_call = replace(call, agent=agent)
            held, stopped = hybrid_signs(read_scores(one_call, base), tried)
            for i, one in enumerate(tried):
                found = detect(one_call, one)
                stops = [(stop.at_ms, stop.sign.onset_ms) for stop in found.stops]
                holds_s = [at_ms / 1000 for at_ms, _ in of_setting(held, i)]
                assert of_setting(stopped, i) == stops
                assert sorted(holds_s) == found.hold_times_s
                count += len(holds_s)
    assert count
