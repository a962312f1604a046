from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.errors import BadInput
from sdr_lab.store.call_rows import new_row
from sdr_lab.store.call_status import Report, StatusChange, merged, settle
from sdr_lab.store.folder import Status
from sdr_lab.store.models import ConversationRow

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
GIVEN_UP = {"status": "failed", "reason": "Twilio 21211", "at": NOON.isoformat()}
STOPPED = {"status": "broken-off", "reason": "server stopped", "at": NOON.isoformat()}


def at(second: int) -> datetime:
    return NOON + timedelta(seconds=second)


def known(*reports: Report) -> dict[str, Any]:
    return reduce(merged, reports, {})


def row(recorded: str = "", *reports: Report, given_up: dict | None = None) -> ConversationRow:
    """Return a settled row of which the folder says `recorded`."""
    made = new_row("conv_1", "")
    made.outcome, made.ended_reason, made.ended_at, made.duration_ms = "", "", None, None
    if recorded not in ("", "in-progress"):
        made.ended_reason, made.ended_at, made.duration_ms = "caller", at(9), 8000
    made.recorded_status, made.network, made.given_up = recorded, known(*reports), given_up or {}
    settle(made)
    return made


ringing = Report(Status.INITIATED, at(1), sequence=1)
answered = Report(Status.IN_PROGRESS, at(5), sequence=2)
completed = Report(Status.COMPLETED, at(20), sequence=3, duration_s=15)
busy = Report(Status.BUSY, at(3), sequence=2, reason="SIP 486")
no_answer = Report(Status.NO_ANSWER, at(30), sequence=2)
machine = Report(Status.IN_PROGRESS, at(8), answered_by="machine_end_beep")
human = Report(Status.IN_PROGRESS, at(6), answered_by="human")

# ---- merging

reports = st.builds(
    Report,
    status=st.sampled_from([status for status in Status if status != Status.BROKEN_OFF]),
    at=st.integers(0, 60).map(at),
    sequence=st.none() | st.integers(0, 4),
    reason=st.sampled_from(["", "SIP 486"]),
    duration_s=st.none() | st.integers(0, 50),
    answered_by=st.sampled_from(["", "human", "unknown", "fax", "machine_start"]),
)


@given(st.lists(reports, min_size=1, max_size=6), st.data())
def test_order_and_repeats_of_reports_do_not_matter(said: list[Report], data: st.DataObject):
    repeated = data.draw(st.lists(st.sampled_from(said), max_size=6))
    shuffled = data.draw(st.permutations([*said, *repeated]))
    assert known(*shuffled) == known(*said)


@given(st.lists(reports, max_size=6), reports)
def test_nothing_goes_back(said: list[Report], more: Report):
    order = {"initiated": 0, "in-progress": 1}
    before, after = row("", *said).status, row("", *said, more).status
    assert order.get(after, 2) >= order.get(before, 2)


def test_the_first_counted_end_stands():
    late = Report(Status.FAILED, at(40), sequence=4)
    uncounted = Report(Status.CANCELED, at(2))
    assert row("", busy, late).status == row("", late, busy).status == "busy"
    assert row("", uncounted, busy).status == "busy"
    assert row("", uncounted).status == "canceled"


def test_what_was_reported_is_kept():
    network = known(answered, machine, human, completed)
    assert network == {
        "status": "completed", "at": at(20).isoformat(), "sequence": 3, "reason": "",
        "duration_s": 15, "answered_by": "machine_end_beep", "is_machine": True,
        "answered_at": at(5).isoformat(),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answered_by", "status"),
    [
        ("machine_start", "voicemail"),
        ("machine_end_other", "voicemail"),
        ("fax", "voicemail"),
        ("human", "completed"),
        ("unknown", "completed"),
    ],
)
def test_only_machines_make_a_voicemail(answered_by: str, status: str):
    found = Report(Status.IN_PROGRESS, at(8), answered_by=answered_by)
    for said in ([found, completed], [completed, found]):
        made = row("", *said)
        assert (made.status, made.details) == (status, {"answered_by": answered_by})
        assert made.outcome == ("voicemail" if status == "voicemail" else "")


def test_what_no_network_can_say_is_refused():
    with pytest.raises(BadInput, match="can't report that a call has broken off"):
        Report(Status.BROKEN_OFF, NOON)
    with pytest.raises(BadInput, match="needs a time zone"):
        Report(Status.BUSY, datetime(2026, 1, 1))


# ---- who is right


@pytest.mark.parametrize(
    ("made", "status", "reason", "duration_ms"),
    [
        # The network alone.
        (row(), "initiated", "", None),
        (row("", ringing), "initiated", "", None),
        (row("", ringing, answered), "in-progress", "", None),
        (row("", busy), "busy", "SIP 486", None),
        (row("", ringing, no_answer), "no-answer", "no_answer", None),
        (row("", completed), "completed", "completed", 15_000),
        (row("", Report(Status.VOICEMAIL, at(8))), "voicemail", "voicemail", None),
        # The folder knows how the call went, and how long.
        (row("in-progress"), "in-progress", "", None),
        (row("in-progress", completed), "in-progress", "", None),
        (row("completed"), "completed", "caller", 8000),
        (row("completed", completed), "completed", "caller", 8000),
        (row("completed", answered), "completed", "caller", 8000),
        (row("completed", no_answer), "completed", "caller", 8000),
        (row("completed", machine), "voicemail", "caller", 8000),
        (row("voicemail", completed), "voicemail", "caller", 8000),
        (row("failed", completed), "failed", "caller", 8000),
        (row("failed", machine, completed), "failed", "caller", 8000),
        # A recording that broke off: only the network knows when the call ended.
        (row("broken-off"), "broken-off", "caller", 8000),
        (row("broken-off", completed), "broken-off", "caller", 15_000),
        (row("broken-off", given_up=STOPPED), "broken-off", "server stopped", 8000),
        # This server gave up: there was no conversation.
        (row("", given_up=GIVEN_UP), "failed", "Twilio 21211", None),
        (row("", answered, given_up=GIVEN_UP), "failed", "Twilio 21211", None),
        (row("", completed, given_up=GIVEN_UP), "failed", "Twilio 21211", None),
        (row("", Report(Status.FAILED, at(9)), given_up=GIVEN_UP), "failed", "Twilio 21211", None),
        (row("", no_answer, given_up=GIVEN_UP), "no-answer", "no_answer", None),
        (row("", busy, given_up=STOPPED), "busy", "SIP 486", None),
        (row("in-progress", given_up=STOPPED), "broken-off", "server stopped", None),
        (row("completed", given_up=GIVEN_UP), "completed", "caller", 8000),
    ],
)  # fmt: skip
def test_who_is_right(made: ConversationRow, status: str, reason: str, duration_ms: int | None):
    assert (made.status, made.ended_reason, made.duration_ms) == (status, reason, duration_ms)
    assert (made.ended_at is not None) == Status(status).is_over


def test_the_end_is_when_the_one_who_knows_says():
    assert row("completed", completed).ended_at == at(9)
    assert row("broken-off", completed).ended_at == at(20)
    assert row("", completed).ended_at == at(20)


def test_a_change_says_whether_it_ends_the_call():
    assert StatusChange("c", Status.IN_PROGRESS, Status.BUSY).ends_call
    assert not StatusChange("c", Status.COMPLETED, Status.VOICEMAIL).ends_call
    assert not StatusChange("c", Status.INITIATED, Status.IN_PROGRESS).ends_call
