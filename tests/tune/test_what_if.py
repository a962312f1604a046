from __future__ import annotations

from pathlib import Path

import pytest

from sdr_lab.records import InterruptSettings
from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.tune.detect import detect
from sdr_lab.tune.labels import Interval
from sdr_lab.tune.what_if import RANGES, Change, changes, neat
from tests.tune.made_calls import channels, write_wav

ENERGY = InterruptSettings(detector="energy")


@pytest.mark.parametrize(
    ("name", "value", "down", "result"),
    [
        ("min_energy", 641.7, True, 641),
        ("min_energy", 641.2, False, 642),
        ("stop_score", 0.61239, False, 0.613),
        ("baseline_factor", 2.819, True, 2.81),
    ],
)
def test_values_are_rounded_to_the_safe_side(name: str, value: float, down: bool, result: float):
    assert neat(value, RANGES[name], down) == result


def test_changes_say_in_which_direction():
    assert Change("min_energy", 800, 640, 12_340).words == (
        "min_energy ≤ 640 (now 800) would have stopped the agent at 12.34 s"
    )
    assert Change("stop_score", 0.5, 0.71, None, holds_beyond=False).words == (
        "stop_score = 0.71 (now 0.5) would not have stopped the agent here"
    )


def test_late_in_a_long_call_the_answer_is_that_of_the_whole_call(tmp_path: Path):
    """The noise before decides the baseline: a run that began too late would not know it."""
    caller, agent = channels((("interruption", 4.0, 5.2, 900.0),), noise_rms=400)
    path = write_wav(tmp_path / "long.wav", caller * 4, agent * 4)
    spans = tuple(
        Interval(round(1000 * a) + shift, round(1000 * b) + shift)
        for shift in range(0, 48_000, 12_000)
        for a, b in ((1.0, 6.0), (6.8, 11.0))
    )
    call = LabelledCall("long", path, 48_000, spans)
    within = Interval(39_950, 41_300)
    found = changes(call, ENERGY, within, detect(call, ENERGY), {})
    change = next(c for c in found if c.setting == "baseline_factor")
    again = detect(call, InterruptSettings(detector="energy", baseline_factor=change.value))
    stops = [s.at_ms for s in again.stops if within.start_ms <= s.at_ms <= within.end_ms]
    assert (stops[:1] or [None])[0] == change.stop_ms
