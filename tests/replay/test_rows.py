"""Rows of decisions: from the log, from a floor, and what is different between two lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdr_lab.errors import NotFound
from sdr_lab.events import (
    AgentStarted,
    Event,
    Held,
    Interrupted,
    Resumed,
    TimedOut,
    TurnDropped,
    TurnEnding,
    to_json,
)
from sdr_lab.replay.rows import (
    Decided,
    Difference,
    differences,
    logged_decisions,
    of_decision,
    of_event,
)
from sdr_lab.turns.decision import Decision, Kind

AT = {"at_ms": 4000, "clock_ms": 4001.0}


@pytest.mark.parametrize(
    ("event", "decision"),
    [
        (Held(**AT, turn=1, heard="Hi", onset_ms=3800, detector="hybrid"),
         Decision(Kind.HOLD, 3800, why="hybrid")),
        (Resumed(**AT, turn=1, why="expired", held_ms=800, repeated_ms=300),
         Decision(Kind.RELEASE, 3200, why="expired")),
        (Interrupted(**AT, turn=1, heard="Hi", planned="Hi Joe", onset_ms=3700, detector="keys"),
         Decision(Kind.CUT_IN, 3700, why="keys")),
        (TurnEnding(**AT, pause_ms=480, why="complete"),
         Decision(Kind.TURN_ENDING, 3520, "", 480, "complete")),
        (TurnDropped(**AT, text="", why="no_words"), Decision(Kind.NOT_UNDERSTOOD, 3000)),
        (TurnDropped(**AT, text="ok", why="acknowledgement"),
         Decision(Kind.RESUME, 3000, "ok", 0, "acknowledgement")),
        (TimedOut(**AT, name="silence"), Decision(Kind.SILENCE, 4000)),
    ],
)  # fmt: skip
def test_the_log_and_the_floor_tell_the_same(event: Event, decision: Decision):
    assert of_event(event) == of_decision(4000, decision)


@pytest.mark.parametrize("kind", Kind)
def test_every_decision_has_a_row(kind: Kind):
    row = of_decision(60, Decision(kind, 20, "yes", 800, "plain"))
    assert row.at_ms == 60
    assert row.kind in {k.value for k in Kind}


@pytest.mark.parametrize("event", [AgentStarted(**AT, turn=1), TimedOut(**AT, name="max_length")])
def test_other_events_are_no_decisions(event: Event):
    assert of_event(event) is None


def test_a_log_is_read_in_order_of_time(tmp_path: Path):
    late = Interrupted(
        at_ms=90, clock_ms=1, turn=1, heard="", planned="", onset_ms=20, detector="energy"
    )
    early = TimedOut(at_ms=40, clock_ms=2, name="silence")
    (tmp_path / "events.jsonl").write_text(f"{to_json(late)}\n{to_json(early)}\n")

    assert [row.kind for row in logged_decisions(tmp_path)] == ["silence", "cut_in"]


def test_a_folder_without_a_log_is_refused(tmp_path: Path):
    with pytest.raises(NotFound, match=r"holds no events\.jsonl"):
        logged_decisions(tmp_path)


CUT = Decided(4640, "cut_in", 4540, "energy")
OVER = Decided(5940, "turn_over", 5140, "plain")


def test_equal_lists_do_not_differ():
    assert differences([CUT, OVER], [CUT, OVER]) == []


def test_what_is_repeated_counts_as_often_as_it_is_there():
    assert differences([CUT, CUT], [CUT]) == [Difference("cut_in", CUT, None)]


def test_the_nearest_of_a_kind_has_moved():
    later, much_later = CUT._replace(at_ms=4900), CUT._replace(at_ms=5600)

    assert differences([CUT, OVER], [later, much_later, OVER]) == [
        Difference("cut_in", CUT, later),
        Difference("cut_in", None, much_later),
    ]


def test_what_is_farther_away_is_another():
    far = CUT._replace(at_ms=5641)

    assert differences([CUT], [far]) == [
        Difference("cut_in", CUT, None),
        Difference("cut_in", None, far),
    ]


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (Difference("cut_in", CUT, None), "4.64 s cut in (4.54 s, energy): no longer"),
        (Difference("cut_in", None, CUT), "4.64 s cut in (4.54 s, energy): new"),
        (Difference("cut_in", CUT, CUT._replace(at_ms=4900)),
         "4.64 s cut in (4.54 s, energy): +260 ms"),
        (Difference("cut_in", CUT, CUT._replace(why="hybrid")),
         "4.64 s cut in (4.54 s, energy): now 4.54 s, hybrid"),
    ],
)  # fmt: skip
def test_a_difference_in_words(difference: Difference, text: str):
    assert difference.text == text
    assert difference.to_dict()["text"] == text
    assert difference.to_dict()["at_ms"] == 4640
