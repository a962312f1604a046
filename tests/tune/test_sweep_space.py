from __future__ import annotations

import pytest

from sdr_lab.errors import BadInput, SettingError
from sdr_lab.records import InterruptSettings
from sdr_lab.tune.interrupt_settings import changed
from sdr_lab.tune.sweep_space import RANGES, Space, grid_space, random_space
from sdr_lab.turns.detectors.table import DETECTORS

BASE = InterruptSettings(detector="energy")


def column(space: Space, name: str) -> list:
    return [getattr(one, name) for one in space.settings]


def test_a_grid_has_every_combination():
    space = grid_space(BASE, ["min_energy=400:800:200", "use_vad=true,false"])

    assert space.names == ("min_energy", "use_vad")
    assert [tuple(space.values(i).values()) for i in range(6)] == [
        (400, True), (400, False), (600, True), (600, False), (800, True), (800, False),
    ]  # fmt: skip


def test_ranges_are_decimal_and_include_their_end():
    space = grid_space(InterruptSettings(detector="hybrid"), ["stop_score=0.1:0.7:0.2,0.95"])

    assert column(space, "stop_score") == [0.1, 0.3, 0.5, 0.7, 0.95]


def test_names_of_settings_and_repeated_values_are_understood():
    space = grid_space(BASE, ["INTERRUPT_MIN_ENERGY=400,400,500"])

    assert column(space, "min_energy") == [400, 500]


def test_what_is_not_varied_stays():
    base = InterruptSettings(detector="energy", debounce_ms=1000)

    assert set(column(grid_space(base, ["min_energy=1,2"]), "debounce_ms")) == {1000}
    assert set(column(random_space(base, 5, held=["debounce_ms"]), "debounce_ms")) == {1000}


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        ([], "a sweep needs --grid KEY=a,b,c"),
        (["min_energy"], "expected KEY=a,b,c"),
        (["min_energy="], "expected KEY=a,b,c"),
        (["min_energy=1,,2"], "expected KEY=a,b,c"),
        (["min_energy=1:2"], "a range is from:to:step"),
        (["min_energy=1:x:2"], "a range is from:to:step"),
        (["min_energy=1:9:0"], "the step must be above 0"),
        (["min_energy=9:1:1"], "the step must be above 0"),
        (["min_energy=0:nan:1"], "the step must be above 0"),
        (["min_energy=1:30000:1", "min_speech_ms=20,40,60,80"], "at most"),
        (["min_energy=1", "INTERRUPT_MIN_ENERGY=2"], "given twice"),
        (["detector=energy,hybrid"], "one sweep is about one detector"),
    ],
)
def test_a_grid_that_is_none_is_refused(grid: list[str], told: str):
    with pytest.raises(BadInput) as error:
        grid_space(BASE, grid)

    assert told in str(error.value)


@pytest.mark.parametrize("grid", ["min_enrgy=1", "min_energy=1,99999", "min_energy=loud"])
def test_settings_are_checked_before_anything_runs(grid: str):
    with pytest.raises(SettingError):
        grid_space(BASE, [grid])


def test_the_count_of_combinations_is_told():
    grid = ["min_energy=1:1000:1", "min_speech_ms=20:2000:20", "debounce_ms=0,100"]

    with pytest.raises(BadInput, match=r"1000 min_energy × 100 min_speech_ms × 2 debounce_ms"):
        grid_space(BASE, grid)


@pytest.mark.parametrize("detector", RANGES)
def test_every_draw_is_allowed(detector: str):
    space = random_space(InterruptSettings(detector=detector), 50, seed=4)

    for i, one in enumerate(space.settings[1:], 1):
        assert changed(BASE, {"detector": detector} | space.values(i)) == one
    assert len(set(map(repr, space.settings))) > 40


def test_draws_repeat_with_their_seed_and_begin_with_the_settings_in_use():
    base = InterruptSettings(detector="energy", min_energy=777)

    assert random_space(base, 9, 1) == random_space(base, 9, 1)
    assert random_space(base, 9, 1) != random_space(base, 9, 2)
    assert random_space(base, 9, 1).settings[0] == base


def test_there_are_ranges_for_every_detector():
    assert set(RANGES) == set(DETECTORS)


@pytest.mark.parametrize(
    ("base", "n", "held", "told"),
    [
        (BASE, 0, (), "allowed: 1 to"),
        (InterruptSettings(detector="a.b:C"), 5, (), "use --grid for 'a.b:C'"),
        (BASE, 5, tuple(RANGES["energy"]), "leave one free"),
    ],
)
def test_draws_that_make_no_sense_are_refused(base, n: int, held: tuple[str, ...], told: str):
    with pytest.raises(BadInput) as error:
        random_space(base, n, held=held)

    assert told in str(error.value)
