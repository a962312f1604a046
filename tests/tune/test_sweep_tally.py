from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.tune.labels import Interval, Label
from sdr_lab.tune.score import score, score_call
from sdr_lab.tune.sweep_tally import causes_of, joined, sums_of, tags_of, tally

LABELS = (
    Label("interruption", 2000, 3000),
    Label("interruption", 4100, 4250),
    Label("backchannel", 6000, 6300),
    Label("noise", 6200, 6900),
    Label("interruption", 9000, 12_000),
)
AGENT = (Interval(1000, 4000), Interval(4100, 13_000))

TIMES = st.integers(0, 700).map(lambda i: i * 20)


def call(name: str = "one", **tags: object) -> LabelledCall:
    return LabelledCall(name, Path("one.wav"), 14_000, AGENT, LABELS, tags)


def counted(one: LabelledCall, times: list[list[int]]):
    at_ms = np.array([t for row in times for t in row], np.int64)
    setting = np.repeat(np.arange(len(times)), [len(row) for row in times])
    return tally(one, at_ms, setting, len(times))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(TIMES, max_size=20), min_size=1, max_size=5))
def test_every_setting_is_counted_as_if_alone(times: list[list[int]]):
    one = call(noise="street")

    found = counted(one, times)

    for i, row in enumerate(times):
        alone = score_call(one, [t / 1000 for t in row])
        assert found.hits[i] == len(alone.hits)
        assert found.false_count[i] == len(alone.false)
        assert sum(counts[i] for cause, counts in found.false.items() if cause == "noise") == sum(
            cause == "noise" for _, cause in alone.false
        )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.lists(TIMES, max_size=12), st.lists(TIMES, max_size=12)), min_size=2,
                max_size=2))  # fmt: skip
def test_figures_are_those_of_the_score(times: list[tuple[list[int], list[int]]]):
    calls = [call("one", level="quiet", echo={"rms": 300}), call("two", level="loud", noise="bus")]
    tallies = [counted(one, list(rows)) for one, rows in zip(calls, times, strict=True)]

    for i in range(2):
        rows = {one.id: [t / 1000 for t in row[i]] for one, row in zip(calls, times, strict=True)}
        wanted = score(calls, rows).to_dict()
        causes, tags = wanted.pop("false_by_cause"), wanted.pop("by_tag")
        assert sums_of(tallies)[i].figures() == wanted
        assert json.loads(causes_of(tallies)[i]) == causes
        assert json.loads(tags_of(tallies)[i]) == tags


def test_parts_of_the_settings_are_put_together():
    times = [[2500], [6100], [], [1500, 9100]]

    whole = counted(call(), times)
    parts = joined([counted(call(), times[:1]), counted(call(), times[1:])])

    assert parts.hits.tolist() == whole.hits.tolist() == [1, 0, 0, 1]
    assert parts.false_count.tolist() == whole.false_count.tolist() == [0, 1, 0, 1]
    assert causes_of([parts]) == causes_of([whole])


def test_no_decisions_are_misses():
    found = counted(call(), [[], []])

    assert found.hits.tolist() == [0, 0]
    assert sums_of([found])[0].figures()["latency_median_ms"] is None
