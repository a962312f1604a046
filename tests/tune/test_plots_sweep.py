from __future__ import annotations

from typing import Any

import pytest

from sdr_lab.errors import BadInput
from sdr_lab.tune.plots_sweep import (
    Point,
    chosen_row,
    front_of,
    heat_map,
    trade_off,
    varied,
)

ROWS = [
    {
        "detector": "energy", "min_energy": e, "min_speech_ms": ms, "use_vad": vad,
        "recall": 1 - e / 2000 - ms / 1000 - vad / 100, "false_per_min": 3 - e / 400 - ms / 500,
        "precision": 0.5 + e / 2000, "f1": e / 2000 + ms / 1000,
        "is_chosen": (e, ms, vad) == (400, 100, False),
    }
    for e in (200, 400, 800) for ms in (60, 100) for vad in (False, True)
]  # fmt: skip


def test_the_front_is_what_nothing_beats():
    points = [Point(1, 0.5), Point(2, 0.9), Point(2, 0.8), Point(3, 0.7)]
    assert front_of(points, more_is_better=False) == [Point(1, 0.5), Point(2, 0.9)]
    assert front_of(points, more_is_better=True) == [Point(2, 0.9), Point(3, 0.7)]


def test_the_operating_point_is_drawn_and_told():
    figure: Any = trade_off(ROWS, chosen_row(ROWS), limit=2)
    star = next(line for line in figure.axes[0].lines if line.get_marker() == "*")
    assert star.get_xydata().tolist() == [[1.8, pytest.approx(0.7)]]
    assert figure.texts[1].get_text() == (
        "the operating point notices 70% of the interruptions, 1.80 false stops a minute"
    )
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == [
        "12 settings tried", "the best of them: nothing is better in both", "allowed: at most 2",
        "the operating point",
    ]  # fmt: skip


def test_precision_can_stand_below():
    figure: Any = trade_off(ROWS, None, "precision")
    assert figure.axes[0].get_xlabel() == "precision: share of the stops that were right"
    assert figure.texts[1].get_text() == "12 settings tried; none is chosen"


def test_cells_show_the_best_of_the_other_settings():
    figure: Any = heat_map(ROWS, "min_energy", "min_speech_ms", "recall", chosen_row(ROWS))
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["200", "400", "800"]
    written = sorted(text.get_text() for text in axes.texts)
    assert written == ["0.50", "0.54", "0.70", "0.74", "0.80", "0.84"]
    frame = axes.patches[-1]
    assert (frame.get_x(), frame.get_y()) == (0.5, 0.5)
    assert figure.texts[1].get_text() == (
        "12 settings; each cell shows its best; the chosen one is framed"
    )


def test_less_is_better_for_false_stops():
    figure: Any = heat_map(ROWS, "min_energy", "use_vad", "false_per_min")
    written = {text.get_text() for text in figure.axes[0].texts}
    assert written == {"2.30", "1.80", "0.80"}
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["no", "yes"]


def test_many_values_become_ranges():
    rows = [{"stop_score": i / 100, "debounce_ms": i % 3, "f1": i / 100} for i in range(100)]
    figure: Any = heat_map(rows, "stop_score", "debounce_ms")
    names = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert (len(names), names[0], names[-1]) == (12, "0–0.0825", "0.908–0.99")


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: heat_map(ROWS, "loudness", "use_vad"), "setting 'loudness': not in the table"),
        (lambda: heat_map(ROWS, "min_energy", "use_vad", "joy"), "metric: got 'joy', allowed: rec"),
        (lambda: trade_off(ROWS, None, "f1"), "x: got 'f1', allowed: false_per_min, precision"),
        (lambda: trade_off([{"recall": "much"}]), "column 'false_per_min': not in the table"),
    ],
)
def test_what_can_not_be_drawn_is_said(call, told: str):
    with pytest.raises(BadInput, match=told):
        call()


def test_settings_that_differ_are_known():
    assert varied(ROWS) == ["min_energy", "min_speech_ms", "use_vad"]
    assert varied([]) == []


def test_what_the_choice_is_worth_elsewhere_is_drawn_beside_it():
    honest = {"recall": 0.6, "false_per_min": 1.9, "precision": 0.6}
    figure: Any = trade_off(ROWS, chosen_row(ROWS), held_out=honest)
    stars = [line for line in figure.axes[0].lines if line.get_marker() == "*"]
    assert stars[1].get_xydata().tolist() == [[1.9, 0.6]]
    assert figure.texts[1].get_text().endswith("a minute; on calls held out 60% and 1.90")
