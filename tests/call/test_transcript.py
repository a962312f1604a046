"""What a transcript makes of the events of a call."""

from __future__ import annotations

import pytest

from sdr_lab.call.transcript import Line, transcript, transcript_text
from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    CallerStarted,
    Event,
    Interrupted,
    ToolFinished,
    TurnDropped,
    TurnOver,
    Withdrawn,
)


def over(at_ms: int, turn: int, text: str) -> TurnOver:
    return TurnOver(
        at_ms=at_ms, clock_ms=at_ms, turn=turn, text=text, last_voiced_ms=at_ms - 500,
        pause_ms=500, why="fixed",
    )  # fmt: skip


def started(at_ms: int, turn: int) -> AgentStarted:
    return AgentStarted(at_ms=at_ms, clock_ms=at_ms, turn=turn)


def stopped(at_ms: int, turn: int, text: str) -> AgentStopped:
    return AgentStopped(at_ms=at_ms, clock_ms=at_ms, turn=turn, text=text)


def cut(at_ms: int, turn: int, heard: str, planned: str) -> Interrupted:
    return Interrupted(
        at_ms=at_ms, clock_ms=at_ms, turn=turn, heard=heard, planned=planned,
        onset_ms=at_ms - 100, detector="energy",
    )  # fmt: skip


def booked(at_ms: int, content: str) -> ToolFinished:
    return ToolFinished(
        at_ms=at_ms, clock_ms=at_ms, turn=1, name="book_appointment", ok=True, content=content
    )


CALL: list[Event] = [
    started(20, 0),
    stopped(1500, 0, "Hello, this is Joe."),
    CallerStarted(at_ms=2100, clock_ms=2100, onset_ms=2000),
    over(3500, 1, "How much is it?"),
    started(3600, 1),
    cut(5000, 1, "It is $49", "It is $49 a month for three people."),
    over(6500, 2, "That is enough."),
    started(6600, 2),
    stopped(8000, 2, "All right."),
]


def test_lines_stand_in_the_order_in_which_they_were_heard():
    assert transcript(CALL) == [
        Line(0, "agent", "Hello, this is Joe.", 20),
        Line(1, "caller", "How much is it?", 3500),
        Line(1, "agent", "It is $49", 3600, "a month for three people.", True),
        Line(2, "caller", "That is enough.", 6500),
        Line(2, "agent", "All right.", 6600),
    ]


def test_as_text():
    assert transcript_text(CALL).splitlines() == [
        "00:00.0  Agent  Hello, this is Joe.",
        "00:03.5  Caller How much is it?",
        "00:03.6  Agent  It is $49 [cut off: a month for three people.]",
        "00:06.5  Caller That is enough.",
        "00:06.6  Agent  All right.",
    ]


def test_heard_and_cut_off_are_the_planned_words():
    planned = "One two three four five."
    for n in range(6):
        heard = " ".join(planned.split()[:n])
        (line,) = transcript([cut(100, 1, heard, planned)])
        assert f"{line.text} {line.cut_off}".split() == planned.split()


def test_a_turn_that_went_on_stands_once():
    lines = transcript([
        over(3000, 1, "We are ten people"),
        Withdrawn(at_ms=3500, clock_ms=3500, turn=1),
        over(5000, 2, "We are ten people in the field."),
    ])  # fmt: skip
    assert [line.text for line in lines] == ["We are ten people in the field."]


def test_a_withdrawal_takes_back_no_line_of_the_agent():
    lines = transcript([
        started(0, 0), stopped(1000, 0, "Hello."), Withdrawn(at_ms=1200, clock_ms=1200, turn=1),
    ])  # fmt: skip
    assert [line.text for line in lines] == ["Hello."]


def test_what_was_no_turn_and_what_was_not_said_have_no_line():
    dropped = TurnDropped(at_ms=10, clock_ms=10, text="uh-huh", why="acknowledgement")
    assert transcript([dropped, started(20, 1), stopped(40, 1, "")]) == []


def test_tools_stand_between_the_lines_they_fell_between():
    rows = transcript_text([*CALL, booked(7000, "Booked for\nTuesday.")]).splitlines()
    assert rows[-1] == "           [book_appointment: Booked for Tuesday.]"
    rows = transcript_text([*CALL, booked(3550, "Booked.")]).splitlines()
    assert rows[2] == "           [book_appointment: Booked.]"


@pytest.mark.parametrize(
    ("at_ms", "clock"),
    [(0, "00:00.0"), (59_940, "00:59.9"), (59_980, "00:59.9"), (60_000, "01:00.0"),
     (61_540, "01:01.5"), (3_599_999, "59:59.9"), (3_600_000, "60:00.0")],
)  # fmt: skip
def test_the_clock_never_shows_sixty_seconds(at_ms: int, clock: str):
    assert transcript_text([over(at_ms, 1, "Hi")]) == f"{clock}  Caller Hi\n"


def test_an_empty_call():
    assert transcript([]) == []
    assert transcript_text([]) == ""
