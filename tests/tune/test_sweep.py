from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sdr_lab.errors import AudioError, BadInput, NotFound
from sdr_lab.records import InterruptSettings
from sdr_lab.tune.corpus import LabelledCall, open_corpus
from sdr_lab.tune.detect import detect_all
from sdr_lab.tune.score import score_hold, score_stop
from sdr_lab.tune.sweep import fingerprint, sweep
from sdr_lab.tune.sweep_run import count_all
from sdr_lab.tune.sweep_space import grid_space
from sdr_lab.tune.sweep_table import read_outcome, read_table, settings_of_row, write_table
from tests.tune.made_calls import EVENTS, corpus

GRID = ["min_energy=200,800,2000", "min_speech_ms=60,300"]
ENERGY = InterruptSettings(detector="energy")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[LabelledCall]:
    """Twelve calls with an interruption of another level each, the same noise and "mm-hmm"."""
    folder = tmp_path_factory.mktemp("corpus")
    made = {
        f"call{i:02}": (("interruption", 4.0, 5.2, 300.0 + 350 * i), *EVENTS[1:]) for i in range(12)
    }
    return open_corpus(corpus(folder, **made))


def test_the_table_has_the_figures_of_the_score(calls: list[LabelledCall]):
    result = sweep(calls, grid_space(ENERGY, GRID))

    assert len(result.rows) == 6
    for i, one in enumerate(result.space.settings):
        found, row = detect_all(calls, one), result.rows[i]
        stops, holds = (made(calls, found).to_dict() for made in (score_stop, score_hold))
        for name in ("by_tag", "false_by_cause"):
            assert json.loads(row[name]) == json.loads(json.dumps(stops[name]))
        for name in set(stops) - {"by_tag", "false_by_cause"}:
            assert row[name] == stops[name]
        for name in ("recall", "f1", "false_per_min", "latency_p90_ms"):
            assert row[f"hold_{name}"] == holds[name]
    assert result.rows[0]["recall"] > result.rows[4]["recall"] > 0


@pytest.mark.parametrize("detector", ["energy", "echo_gate"])
def test_processes_change_nothing(calls: list[LabelledCall], detector: str):
    key = {"energy": "min_energy=200,800", "echo_gate": "activity_ms=100,300"}[detector]
    space = grid_space(InterruptSettings(detector=detector), [key])
    told: list[tuple[int, int]] = []

    alone = sweep(calls[:3], space)
    together = sweep(calls[:3], space, jobs=2, on_progress=lambda *x: told.append(x))

    assert together == alone
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1] == len(told) - 1


def test_one_long_call_is_cut_by_its_settings(calls: list[LabelledCall]):
    settings = grid_space(ENERGY, GRID).settings

    [alone] = count_all(calls[:1], settings)
    [together] = count_all(calls[:1], settings, jobs=2)

    assert together.stops.found_ms.tolist() == alone.stops.found_ms.tolist()
    assert together.stops.false_count.tolist() == alone.stops.false_count.tolist()


def test_the_chosen_point_is_judged_on_calls_it_was_not_chosen_on(calls: list[LabelledCall]):
    result = sweep(calls, grid_space(ENERGY, GRID), "f1")

    chosen = result.rows[result.chosen]
    assert chosen["f1"] == max(row["f1"] for row in result.rows)
    assert chosen["is_chosen"]
    assert sum(row["is_chosen"] for row in result.rows) == 1
    held = result.held_out
    assert held is not None
    assert held.figures["interruptions"] == 12
    assert held.figures["f1"] <= chosen["f1"]
    assert len(held.choices) == 5
    span = result.intervals["recall"]
    assert span is not None
    assert span.low <= chosen["recall"] <= span.high
    assert result.chosen in result.front or chosen["f1"] < 1


def test_few_calls_are_told_of(calls: list[LabelledCall]):
    result = sweep(calls[:9], grid_space(ENERGY, GRID), "recall@false_per_min<=0.001")

    assert result.held_out is None
    assert result.intervals == {}
    assert any(note.startswith("not enough calls: 9") for note in result.notes)


def test_a_limit_that_nothing_keeps_is_told_of(calls: list[LabelledCall]):
    result = sweep(calls, grid_space(ENERGY, ["min_energy=100,200"]), "f1@false_per_min<=0.01")

    assert "no setting keeps false_per_min<=0.01" in result.notes[0]


def test_without_an_interruption_there_is_nothing_to_choose_by(calls: list[LabelledCall]):
    mute = [replace(call, labels=()) for call in calls]
    alone = [replace(call, agent=()) for call in calls]

    with pytest.raises(BadInput, match="no interruption is labelled in 12 calls"):
        sweep(mute, grid_space(ENERGY, GRID))
    with pytest.raises(BadInput, match="the agent never speaks"):
        sweep(alone, grid_space(ENERGY, GRID))


def test_a_recording_that_is_gone_is_told_from_a_process_as_well(calls: list[LabelledCall]):
    gone = [*calls[:2], replace(calls[2], audio=Path("gone.wav"))]

    with pytest.raises(AudioError, match=r"gone\.wav"):
        sweep(gone, grid_space(ENERGY, GRID), jobs=2)


def test_the_fingerprint_knows_audio_and_labels(calls: list[LabelledCall], tmp_path: Path):
    same = fingerprint(list(reversed(calls)))
    louder = replace(calls[0], audio=calls[1].audio)

    assert same == fingerprint(calls)
    assert fingerprint([louder, *calls[1:]]) != same
    assert fingerprint([replace(calls[0], labels=()), *calls[1:]]) != same


def test_the_table_is_kept_as_parquet(calls: list[LabelledCall], tmp_path: Path):
    base = replace(ENERGY, debounce_ms=1000, stop_words=("stop",))
    result = sweep(calls, grid_space(base, GRID))
    path = tmp_path / "it's.parquet"

    write_table(path, result)

    rows = read_table(path)
    assert [{k: v for k, v in row.items() if k != "setting"} for row in rows] == list(result.rows)
    assert read_outcome(path)["chosen"] == result.space.values(result.chosen)
    assert settings_of_row(path) == result.settings
    assert settings_of_row(path, 5) == result.space.settings[5]
    assert [p.name for p in tmp_path.iterdir()] == ["it's.parquet"]
    with pytest.raises(NotFound, match="no row 6; allowed: 0 to 5"):
        settings_of_row(path, 6)


def test_files_that_are_no_table_are_told_of(tmp_path: Path):
    text = tmp_path / "some.parquet"
    text.write_text("no table")

    with pytest.raises(BadInput, match="is no table of a sweep"):
        read_table(text)
    with pytest.raises(NotFound, match="there is no such file"):
        read_outcome(tmp_path / "gone.parquet")
