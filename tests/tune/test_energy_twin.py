from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.tune.corpus import LabelledCall, open_corpus
from sdr_lab.tune.detect import Run, detect
from sdr_lab.tune.energy_twin import Fired, energy_stops, read_energies, track_of
from sdr_lab.tune.labels import Interval
from sdr_lab.turns.detectors.base import Listened
from tests.tune.made_calls import EVENTS, QUIET, corpus

PRODUCTION_FRAMES = 220

LEVELS = st.sampled_from([0, 1, 20, 60, 100, 179, 180, 300, 480, 799, 800, 801, 1000, 4000, 32124])
"""Some lie on limits: 0.6 × 800 = 480, 0.6 × 300 = 180, 60 × 2.2 + 90 is near 222."""


def from_class(
    energies: list[int], agent: tuple[Interval, ...], one: InterruptSettings
) -> list[tuple[int, int]]:
    """Return (decided, onset) of every stop of the production class."""
    run = Run(LabelledCall("made", Path("made.wav"), 0, agent), one)
    stops = []
    for i, energy in enumerate(energies):
        _, sign = run.hear(Listened(i * FRAME_MS, b"", energy, False))
        if sign is not None:
            stops.append(((i + 1) * FRAME_MS, sign.onset_ms))
    return stops


def of_setting(fired: Fired, index: int) -> list[tuple[int, int]]:
    mine = fired.setting == index
    return list(zip(fired.at_ms[mine].tolist(), fired.onset_ms[mine].tolist(), strict=True))


@st.composite
def tracks(draw) -> list[int]:
    """Stretches of a level each, some of them trembling by one around it."""
    energies: list[int] = []
    for _ in range(draw(st.integers(1, 14))):
        level = draw(LEVELS | st.integers(0, 6000))
        size = draw(st.integers(1, 30))
        tremble = draw(st.lists(st.integers(-1, 1), min_size=1, max_size=4))
        energies += [max(0, level + tremble[i % len(tremble)]) for i in range(size)]
    return energies[:PRODUCTION_FRAMES]


@st.composite
def agents(draw) -> tuple[Interval, ...]:
    """Intervals that may touch, and need not begin or end with a frame."""
    edges = sorted(draw(st.sets(st.integers(0, PRODUCTION_FRAMES * FRAME_MS), max_size=8)))
    touching = draw(st.booleans())
    step = 1 if touching else 2
    pairs = list(pairwise(edges))[::step]
    return tuple(Interval(start, end) for start, end in pairs)


SETTINGS = st.builds(
    InterruptSettings,
    detector=st.just("energy"),
    enabled=st.sampled_from([True, True, True, False]),
    min_energy=LEVELS | st.integers(0, 4000),
    baseline_factor=st.sampled_from([1.0, 2.0, 2.8, 3.0, 5 / 3]) | st.floats(1, 100),
    min_speech_ms=st.sampled_from([20, 40, 60, 100]) | st.integers(20, 1000),
    debounce_ms=st.sampled_from([0, 20, 400]) | st.integers(0, 2000),
    require_text=st.sampled_from([False, False, False, True]),
    use_vad=st.booleans(),
    hold=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(tracks(), agents(), st.lists(SETTINGS, min_size=1, max_size=6))
def test_the_twin_decides_what_the_class_decides(
    energies: list[int], agent: tuple[Interval, ...], tried: list[InterruptSettings]
):
    fired = energy_stops(track_of(np.array(energies, np.int32), agent), tried)

    for i, one in enumerate(tried):
        assert of_setting(fired, i) == from_class(energies, agent, one)


def test_long_noisy_tracks_agree_too():
    """Gates open and close many times, with baselines of many settings apart."""
    random = np.random.default_rng(3)
    energies = np.abs(random.normal(0, 120, 6000))
    for start in random.integers(0, 5950, 300):
        energies[start : start + random.integers(1, 50)] += random.uniform(100, 3000)
    agent = tuple(Interval(start, start + 7013) for start in range(311, 110_000, 9100))
    tried = [
        InterruptSettings(
            detector="energy",
            min_energy=int(random.integers(0, 2000)),
            baseline_factor=float(random.uniform(1, 8)),
            min_speech_ms=int(random.integers(20, 500)),
            debounce_ms=int(random.integers(0, 1500)),
            use_vad=bool(random.random() < 0.5),
        )
        for _ in range(12)
    ]

    fired = energy_stops(track_of(energies.astype(np.int32), agent), tried)

    wanted = [from_class(energies.astype(int).tolist(), agent, one) for one in tried]
    assert [of_setting(fired, i) for i in range(len(tried))] == wanted
    assert sum(map(len, wanted)) > 500  # or the test says nothing


@pytest.mark.parametrize("filters", [(), ("highpass_gate",)])
def test_recordings_agree(tmp_path: Path, filters: tuple[str, ...]):
    from dataclasses import replace

    calls = open_corpus(corpus(tmp_path, talk=EVENTS, quiet=QUIET))
    tried = [
        InterruptSettings(detector="energy", min_energy=low, min_speech_ms=ms, use_vad=vad)
        for low in (100, 600, 1500)
        for ms in (60, 100, 300)
        for vad in (False, True)
    ]
    found = 0
    for call in (replace(call, filters=filters) for call in calls):
        fired = energy_stops(track_of(read_energies(call), call.agent), tried)
        for i, one in enumerate(tried):
            stops = [(stop.at_ms, stop.sign.onset_ms) for stop in detect(call, one).stops]
            assert of_setting(fired, i) == stops
            found += len(stops)
    assert found > 10


def test_nothing_is_found_in_an_empty_call():
    fired = energy_stops(track_of(np.empty(0, np.int32), ()), [InterruptSettings()])

    assert len(fired.at_ms) == len(fired.setting) == 0
