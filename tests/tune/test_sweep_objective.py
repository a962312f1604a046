from __future__ import annotations

import pytest

from sdr_lab.errors import BadInput
from sdr_lab.tune.sweep_objective import parse_objective


def row(recall: float, false_per_min: float, latency: int | None = 400, f1: float = 0.5) -> dict:
    return {
        "recall": recall,
        "false_per_min": false_per_min,
        "latency_median_ms": latency,
        "f1": f1,
    }


@pytest.mark.parametrize(
    "text",
    [
        "f1",
        "recall@false_per_min<=0.5",
        "-latency_median_ms@recall>=0.8",
        "hold_recall@hold_false_per_min<=3.5,hold_latency_median_ms<=240",
    ],
)
def test_what_is_read_is_written_in_the_same_way(text: str):
    assert str(parse_objective(text)) == text


def test_spaces_do_not_matter():
    assert str(parse_objective(" recall @ false_per_min <= .5 ")) == "recall@false_per_min<=0.5"


def test_limits_come_before_the_figure():
    rows = [row(0.9, 1.2), row(0.7, 0.5), row(0.6, 0.1)]

    assert parse_objective("recall@false_per_min<=0.5").best(rows) == 1
    assert parse_objective("recall").best(rows) == 0


def test_of_equal_figures_the_quieter_and_faster_is_best():
    rows = [row(0.7, 0.5, 500), row(0.7, 0.4, 500), row(0.7, 0.4, 300), row(0.7, 0.4, 300)]

    assert parse_objective("recall@false_per_min<=0.5").best(rows) == 2


def test_the_nearest_is_best_when_nothing_keeps_the_limit():
    rows = [row(0.9, 3.0), row(0.4, 0.8), row(0.9, 5.0)]
    aim = parse_objective("recall@false_per_min<=0.5")

    assert aim.best(rows) == 1
    assert not aim.is_kept(rows[1])
    assert aim.missed(rows[1]) == "false_per_min<=0.5 (it has 0.8)"


def test_a_missing_latency_is_the_worst_of_all():
    rows = [row(0.0, 0.0, None), row(0.8, 9.0, 900)]

    assert parse_objective("-latency_median_ms").best(rows) == 1
    assert parse_objective("f1@latency_median_ms<=500").best([rows[0], rows[1]]) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected [-]FIGURE"),
        ("recal", "did you mean recall?"),
        ("recall@", "is no limit"),
        ("recall@false_per_min<0.5", "is no limit"),
        ("recall@false_per_min<=many", "'many' is no number"),
        ("recall@false_per_min<=nan", "limits nothing"),
        ("recall@falsepermin<=1", "did you mean false_per_min?"),
        ("latency_median_ms", "write -latency_median_ms for little"),
        ("-f1", "leave the minus away"),
    ],
)
def test_what_is_not_understood_is_told(text: str, told: str):
    with pytest.raises(BadInput) as error:
        parse_objective(text)

    assert told in str(error.value)
    assert "\n" not in str(error.value)
