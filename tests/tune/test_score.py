"""The scorer, held to figures worked out by hand."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.tune.detect import Detected, Detections
from sdr_lab.tune.labels import Interval, Label
from sdr_lab.tune.score import score, score_call, score_hold, score_stop, tags_of
from sdr_lab.turns.detectors.base import Sign, SignKind

TAGS = {"level": "quiet", "snr_db": 10.0, "codec": "gsm", "loss_pct": 2.5, "floor": "dtx",
        "noise": "none", "echo": None, "caller_human": True}  # fmt: skip


def call(*labels: Label, key: str = "one", agent_s: int = 60, **tags) -> LabelledCall:
    agent = (Interval(0, agent_s * 1000),)
    return LabelledCall(key, Path("x.wav"), 90_000, agent, labels, {**TAGS, **tags})


def interruption(onset_ms: int, offset_ms: int) -> Label:
    return Label("interruption", onset_ms, offset_ms)


def test_a_worked_example():
    talk = call(
        interruption(10_000, 12_000),
        Label("backchannel", 20_000, 20_500),
        interruption(30_000, 30_600),
        interruption(40_000, 43_000),
    )
    times_s = [
        10.2,  # found, 200 ms after the onset
        10.9,  # part of it: within a second
        11.9,  # part of it: he still speaks
        20.88,  # 380 ms after the backchannel's end: its fault
        25.0,  # nothing there
        30.9,  # found at the very end of the grace: 30.6 + 0.3
        41.31,  # 10 ms too late: missed, but no false alarm
        70.0,  # the agent is silent
    ]

    result = score([talk], {"one": times_s}).to_dict()

    tag = {"recall": 0.667, "false_per_min": 2.0, "n": 3}
    names = ("codec=gsm", "echo=none", "floor=dtx", "human=True", "level=quiet", "loss=yes")
    assert result == {
        "interruptions": 3,
        "recall": 0.6667,
        "false": 2,
        "agent_min": 1.0,
        "false_per_min": 2.0,
        "precision": 0.5,
        "f1": 0.5714,  # 2 · 1/2 · 2/3 / (1/2 + 2/3) = 4/7
        "latency_median_ms": 550,  # of 200 and 900
        "latency_p90_ms": 200,  # the value at index int(0.9 · 1) = 0
        "false_by_cause": {"backchannel": 1, "other": 1},
        "by_tag": dict.fromkeys((*names, "snr=10.0"), tag),
    }


def test_the_public_names_keep_their_order():
    assert list(score([call()], {}).to_dict()) == [
        "interruptions", "recall", "false", "agent_min", "false_per_min", "precision", "f1",
        "latency_median_ms", "latency_p90_ms", "false_by_cause", "by_tag",
    ]  # fmt: skip


def test_nothing_found_has_no_latency():
    result = score([call(interruption(1000, 2000))], {})

    assert (result.recall, result.f1, result.latency_median_ms) == (0.0, 0.0, None)


@pytest.mark.parametrize(
    ("t", "is_hit", "is_false"),
    [
        (9.949, False, True),  # more than 50 ms before the onset
        (9.95, True, False),
        (11.3, True, False),
        (11.31, False, False),  # late
        (12.4, False, False),
        (12.41, False, True),  # more than 400 ms after its end
    ],
)
def test_the_limits_of_a_hit(t: float, is_hit: bool, is_false: bool):
    judged = score_call(call(interruption(10_000, 12_000)), [t])

    assert (bool(judged.hits), bool(judged.false)) == (is_hit, is_false)


def test_an_early_hit_counts_as_no_delay():
    judged = score([call(interruption(10_000, 12_000))], {"one": [9.96]})

    assert judged.latency_median_ms == 0


def test_false_alarms_within_a_second_are_one():
    assert score([call()], {"one": [5.0, 5.99, 6.0]}).false == 2


@pytest.mark.parametrize(
    ("tags", "cause"),
    [
        ({}, "other"),
        ({"noise": "cafe"}, "background"),
        ({"noise": "cafe", "echo": {"rms": 300}}, "echo"),
    ],
)
def test_what_no_label_explains_is_put_down_to_the_line(tags: dict, cause: str):
    assert score([call(**tags)], {"one": [5.0]}).false_by_cause == {cause: 1}


@pytest.mark.parametrize(
    ("rms", "name"), [(100, "soft"), (250, "mid"), (499, "mid"), (500, "loud")]
)
def test_echo_is_grouped_by_its_level(rms: int, name: str):
    assert tags_of({"echo": {"rms": rms}}) == (f"echo={name}",)


@pytest.mark.parametrize("echo", [True, {"att_db": 20}, {"rms": "?"}])
def test_echo_of_unknown_level_is_a_group_of_its_own(echo):
    assert tags_of({"echo": echo}) == ("echo=yes",)


def test_calls_without_tags_are_in_no_group():
    assert tags_of({}) == ()


def test_minutes_add_up_over_calls_by_tag():
    calls = [
        call(key="a", level="loud"),
        call(interruption(1000, 2000), key="b", agent_s=30, level="loud"),
    ]

    group = score(calls, {"a": [5.0, 8.0, 20.0], "b": [1.1]}).by_tag["level=loud"]

    assert (group.recall, group.false_per_min, group.n) == (1.0, 2.0, 1)


def decided(kind: SignKind, at_ms: int, onset_ms: int) -> Detected:
    return Detected(at_ms, Sign(kind, onset_ms))


def test_a_stop_without_a_hold_counts_as_one():
    talk = call(interruption(1000, 3000), interruption(10_000, 12_000))
    found = Detections(
        "one",
        holds=(decided(SignKind.HOLD, 1200, 1020),),
        stops=(decided(SignKind.STOP, 1600, 1000), decided(SignKind.STOP, 10_300, 10_000)),
    )

    held, stopped = score_hold([talk], {"one": found}), score_stop([talk], {"one": found})

    assert found.hold_times_s == [1.2, 10.3]
    assert (held.recall, held.false, held.latency_median_ms) == (1.0, 0, 250)
    assert (stopped.recall, stopped.false, stopped.latency_median_ms) == (1.0, 0, 450)


@given(st.lists(st.integers(0, 70_000), max_size=40))
def test_every_detection_is_a_hit_or_a_false_alarm_or_explained(times_ms: list[int]):
    talk = call(interruption(10_000, 12_000), interruption(30_000, 31_000))

    judged = score_call(talk, [ms / 1000 for ms in times_ms])

    assert len(judged.hits) + len(judged.missed) == 2
    false = [t for t, _ in judged.false]
    assert all(b - a >= 1.0 for a, b in pairwise(false))
    assert all(t <= 60 and not 9.95 <= t <= 12.4 and not 29.95 <= t <= 31.4 for t in false)
