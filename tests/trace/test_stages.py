from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.events import Event
from sdr_lab.trace.latency import TurnLatency, measure
from sdr_lab.trace.stages import TOTAL, over, percentiles


def answered(total_ms: float, interrupted: bool = False) -> TurnLatency:
    return TurnLatency(
        turn=1, last_voiced_ms=0, over_ms=0, sent_ms=total_ms, interrupted=interrupted
    )


def test_percentiles_are_interpolated():
    figures = over(TOTAL, [answered(ms) for ms in range(0, 1001, 10)])
    assert figures is not None
    assert (figures.count, figures.p50, figures.p90, figures.p95, figures.p99) == (
        101, 500, 900, 950, 990,
    )  # fmt: skip


def test_interrupted_turns_stand_apart(events: list[Event]):
    groups = percentiles(measure(events).turns)
    totals = {group: figures[-1] for group, figures in groups.items()}
    assert totals["heard out"].stage is TOTAL
    assert (totals["heard out"].count, totals["heard out"].p50) == (1, 800)
    assert (totals["interrupted"].count, totals["interrupted"].p50) == (1, 502)
    assert "look_up" not in [f.stage.key for f in groups["interrupted"]]


def test_without_answers_there_are_no_figures():
    assert percentiles([TurnLatency(turn=0, sent_ms=80)]) == {}


@given(st.lists(st.floats(0, 10_000), min_size=1))
def test_percentiles_are_in_order_and_within_the_values(values: list[float]):
    figures = over(TOTAL, [answered(value) for value in values])
    assert figures is not None
    steps = [min(values), figures.p50, figures.p90, figures.p95, figures.p99, max(values)]
    assert all(a <= b + 0.06 for a, b in pairwise(steps))
    assert figures.count == len(values)


def test_one_turn_is_every_percentile():
    figures = over(TOTAL, [answered(123.4)])
    assert figures is not None
    assert figures.p50 == figures.p99 == pytest.approx(123.4)
