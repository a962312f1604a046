from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.tune.front import pareto_front

FIGURES = st.integers(0, 4) | st.none()
ROWS = st.lists(st.fixed_dictionaries({"good": FIGURES, "bad": FIGURES, "slow": FIGURES}))


def covers(one: dict, other: dict) -> bool:
    def more(row: dict) -> float:
        return -1 if row["good"] is None else row["good"]

    def less(row: dict, name: str) -> float:
        return 99 if row[name] is None else row[name]

    return (
        more(one) >= more(other)
        and less(one, "bad") <= less(other, "bad")
        and less(one, "slow") <= less(other, "slow")
    )


@given(ROWS)
def test_every_row_is_covered_by_the_front_and_none_of_the_front_by_another(rows: list[dict]):
    front = pareto_front(rows, ("good",), ("bad", "slow"))

    assert all(any(covers(rows[i], row) for i in front) for row in rows)
    assert not any(covers(rows[i], rows[j]) for i in front for j in front if i != j)


def test_the_best_in_the_first_figure_comes_first():
    rows = [{"good": 1, "bad": 0}, {"good": 3, "bad": 5}, {"good": 2, "bad": 5}]

    assert pareto_front(rows, ("good",), ("bad",)) == [1, 0]
