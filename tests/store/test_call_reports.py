"""What others say of calls: the phone network, analysis, people, and a server that starts."""

import dataclasses
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdr_lab.errors import BadInput, Conflict, NotFound
from sdr_lab.events import to_json
from sdr_lab.store.call_folders import LOST_S, may_live, this_process
from sdr_lab.store.calls import CallStore
from sdr_lab.store.database import Database
from sdr_lab.store.folder import Conversation, Status
from sdr_lab.store.hooks import Deliveries, Webhooks
from sdr_lab.store.models import AppointmentRow, ConversationRow
from sdr_lab.store.tickets import Tickets
from sdr_lab.trace.turns import turns_of
from tests.store.call_folders import ENDED, SAM, TALK, config, dead_pid, make_folder
from tests.store.threads import at_once

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

ANSWERED = (
    {"status": Status.INITIATED, "sequence": 0, "at": NOON},
    {"status": Status.INITIATED, "sequence": 1, "at": NOON + timedelta(seconds=1)},
    {"status": Status.IN_PROGRESS, "sequence": 2, "at": NOON + timedelta(seconds=6)},
    {
        "status": Status.IN_PROGRESS,
        "at": NOON + timedelta(seconds=9),
        "answered_by": "machine_end_beep",
    },
    {
        "status": Status.COMPLETED,
        "sequence": 3,
        "at": NOON + timedelta(seconds=20),
        "duration_s": 14,
    },
)
"""What Twilio says of a call that an answering machine took."""

BUSY = {
    "status": Status.BUSY,
    "sequence": 2,
    "at": NOON + timedelta(seconds=3),
    "reason": "SIP 486",
}


@pytest.fixture
def calls(database: Database, tmp_path: Path) -> CallStore:
    return CallStore(database, tmp_path / "calls", turns_of)


@pytest.fixture
def made(calls: CallStore) -> Conversation:
    return calls.create(SAM, "+14155552671", call_sid="CA1")


def change_row(calls: CallStore, key: str, **values) -> None:
    """Make a row as another process or time has left it."""

    def work(session) -> None:
        row = session.get(ConversationRow, key)
        for name, value in values.items():
            setattr(row, name, value)

    calls.database.write(work)


def essence(call: Conversation) -> Conversation:
    """Return a call without what differs between any two calls."""
    return dataclasses.replace(call, id="", started_at=NOON, call_sid=None, folder=None)


# ---- the phone network


def test_a_call_that_nobody_takes(calls: CallStore, made: Conversation):
    assert (made.status, made.line, made.call_sid) == (Status.INITIATED, "twilio", "CA1")
    change = calls.report("CA1", **BUSY)
    assert (change.conversation_id, change.before, change.after) == (made.id, "initiated", "busy")
    assert change.ends_call
    assert not calls.report("CA1", **BUSY).ends_call
    call = calls.get("CA1")
    assert (call.status, call.ended_reason, call.ended_at) == (Status.BUSY, "SIP 486", BUSY["at"])
    assert (call.folder, call.duration_ms) == (None, None)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_reports_and_the_folder_in_any_order_give_one_row(calls: CallStore, data: st.DataObject):
    repeats = data.draw(st.lists(st.sampled_from(ANSWERED), max_size=5))
    steps = data.draw(st.permutations([*ANSWERED, *repeats, "folder", "note", "analysis"]))
    call = calls.create(SAM, "+14155552671", agent_number="+14155550000", metadata={"list": 7})
    calls.start(config(call.id))
    for step in steps:
        if step == "folder":
            calls.add_from_folder(make_folder(calls.calls_dir, call.id))
        elif step == "note":
            calls.note(call.id, stream_sid="MZ1")
        elif step == "analysis":
            calls.set_analysis(call.id, {"call_successful": "failure"})
        else:
            calls.report(call.id, **step)
    found = calls.get(call.id)
    assert (found.status, found.outcome, found.ended_reason) == ("voicemail", "voicemail", "caller")
    assert found.duration_ms == 8000
    assert found.metadata == {"list": 7, "stream_sid": "MZ1", "answered_by": "machine_end_beep"}
    assert found.analysis == {"call_successful": "failure"}
    assert found.agent_number == "+14155550000"
    assert found.network == {
        "status": "completed", "at": (NOON + timedelta(seconds=20)).isoformat(), "sequence": 3,
        "reason": "", "duration_s": 14, "answered_by": "machine_end_beep", "is_machine": True,
        "answered_at": (NOON + timedelta(seconds=6)).isoformat(),
    }  # fmt: skip
    assert [turn.text for turn in found.turns] == ["Hi", "book me in", "Done."]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(said=st.permutations(ANSWERED), repeats=st.lists(st.sampled_from(ANSWERED), max_size=5))
def test_reports_alone_in_any_order_give_one_row(calls: CallStore, said, repeats):
    first, second = calls.create(SAM), calls.create(SAM)
    for report in ANSWERED:
        calls.report(first.id, **report)
    endings = [calls.report(second.id, **report).ends_call for report in (*said, *repeats)]
    assert essence(calls.get(second.id)) == essence(calls.get(first.id))
    assert calls.get(second.id).status is Status.VOICEMAIL
    assert endings.count(True) == 1


def test_a_running_call_stays_in_progress_until_its_folder_is_complete(
    calls: CallStore, made: Conversation
):
    folder = make_folder(calls.calls_dir, made.id, events=tuple(TALK))
    calls.start(config(made.id))
    change = calls.report(made.id, status=Status.COMPLETED, sequence=3, at=NOON, duration_s=8)
    assert (change.after, change.ends_call) == (Status.IN_PROGRESS, False)
    assert calls.get(made.id).status is Status.IN_PROGRESS
    with (folder / "events.jsonl").open("a") as log:
        log.write(to_json(ENDED) + "\n")
    assert calls.add_from_folder(folder).status is Status.COMPLETED


def test_without_a_folder_the_network_ends_the_call(calls: CallStore, made: Conversation):
    calls.start(config(made.id, started_at=datetime.now(UTC).isoformat()))
    calls.report(made.id, status=Status.COMPLETED, sequence=3, at=NOON, duration_s=8)
    call = calls.get(made.id)
    assert (call.status, call.duration_ms) == (Status.COMPLETED, 8000)


def test_a_stream_that_comes_after_all_takes_a_failure_back(calls: CallStore, made: Conversation):
    assert calls.fail(made.id, "Twilio did not answer in 10 s").ends_call
    calls.report(made.id, status=Status.IN_PROGRESS, sequence=2, at=NOON)
    assert calls.get(made.id).status is Status.FAILED
    calls.start(config(made.id, started_at=datetime.now(UTC).isoformat()))
    call = calls.get(made.id)
    assert (call.status, call.ended_reason, call.ended_at) == (Status.IN_PROGRESS, "", None)
    done = calls.add_from_folder(make_folder(calls.calls_dir, made.id))
    assert (done.status, done.ended_reason) == (Status.COMPLETED, "caller")


def test_the_first_reason_to_give_up_stands(calls: CallStore, made: Conversation):
    calls.fail(made.id, "Twilio 21211")
    assert not calls.fail(made.id, "cancelled").ends_call
    assert calls.get(made.id).ended_reason == "Twilio 21211"


def test_a_voicemail_is_one_by_its_folder_alone(calls: CallStore):
    end = dataclasses.replace(ENDED, reason="voicemail")
    call = calls.add_from_folder(make_folder(calls.calls_dir, events=(end,)))
    assert (call.status, call.outcome) == (Status.VOICEMAIL, "voicemail")


def test_reports_of_unknown_calls_are_refused(calls: CallStore):
    with pytest.raises(NotFound, match="CA9"):
        calls.report("CA9", **BUSY)
    for change in (
        lambda: calls.note("CA9", a=1),
        lambda: calls.set_analysis("CA9", {}),
        lambda: calls.set_feedback("CA9", "like"),
        lambda: calls.fail("CA9", "x"),
    ):
        with pytest.raises(NotFound):
            change()


# ---- notes


def test_notes_are_merged(calls: CallStore, made: Conversation):
    calls.note(made.id, stream_sid="MZ1", recording_url="https://a")
    calls.note("CA1", recording_url="https://b")
    calls.set_feedback(made.id, "like")
    calls.set_feedback(made.id, "dislike")
    assert calls.get(made.id).metadata == {
        "stream_sid": "MZ1", "recording_url": "https://b", "feedback": "dislike",
    }  # fmt: skip
    with pytest.raises(BadInput, match="feedback 'meh', allowed: like, dislike"):
        calls.set_feedback(made.id, "meh")  # type: ignore[arg-type]


def test_what_was_noted_survives_indexing_anew(calls: CallStore):
    calls.create(SAM, overrides={"voice": "joe"})
    calls.add_from_folder(make_folder(calls.calls_dir))
    calls.note("conv_1", recording_url="https://a")
    calls.set_analysis("conv_1", {"summary": "first"})
    calls.set_analysis("conv_1", {"summary": "second"})
    calls.report("conv_1", **ANSWERED[3])
    before = calls.get("conv_1")
    assert calls.reindex().indexed == 1
    assert calls.get("conv_1") == before
    assert before.analysis == {"summary": "second"}
    assert before.status is Status.VOICEMAIL


def test_start_keeps_what_create_noted(calls: CallStore):
    made = calls.create(
        SAM, "+14155552671", variables={"lead": "Bo"}, overrides={"voice": "joe"},
        agent_number="+14155550000", call_sid="CA1", metadata={"list": 7},
    )  # fmt: skip
    started = calls.start(config(made.id, caller_number="", direction="outbound"))
    assert (started.overrides, started.metadata) == ({"voice": "joe"}, {"list": 7})
    assert (started.phone_number, started.agent_number) == ("+14155552671", "+14155550000")
    assert (started.call_sid, started.variables) == ("CA1", {"lead": "Bo", "name": "Ann"})


def test_notes_and_reports_at_once_lose_nothing(two: tuple[Database, Database], tmp_path: Path):
    here, there = (CallStore(opened, tmp_path / "calls", turns_of) for opened in two)
    made = here.create(SAM, call_sid="CA1")
    folder = make_folder(tmp_path / "calls", made.id)
    works = [
        *(lambda i=i: here.note(made.id, **{f"a{i}": i}) for i in range(4)),
        *(lambda i=i: there.note("CA1", **{f"b{i}": i}) for i in range(4)),
        *(lambda r=r: there.report("CA1", **r) for r in ANSWERED),
        lambda: here.add_from_folder(folder),
        lambda: there.set_analysis(made.id, {"done": True}),
    ]
    results = at_once(*works)
    assert [result for result in results if isinstance(result, Exception)] == []
    call = there.get(made.id)
    assert call.metadata == {
        **{f"a{i}": i for i in range(4)}, **{f"b{i}": i for i in range(4)},
        "answered_by": "machine_end_beep",
    }  # fmt: skip
    assert (call.status, call.analysis) == (Status.VOICEMAIL, {"done": True})


def test_one_report_ends_a_call_however_many_come_at_once(
    two: tuple[Database, Database], tmp_path: Path
):
    stores = [CallStore(opened, tmp_path / "calls", turns_of) for opened in two]
    made = stores[0].create(SAM)
    results = at_once(*(lambda s=s: s.report(made.id, **BUSY).ends_call for s in stores * 4))
    assert sorted(map(str, results)) == ["False"] * 7 + ["True"]


def test_a_folder_that_two_processes_index_at_once_makes_one_row(
    two: tuple[Database, Database], tmp_path: Path
):
    stores = [CallStore(opened, tmp_path / "calls", turns_of) for opened in two]
    folder = make_folder(tmp_path / "calls")
    results = at_once(*(lambda s=s: s.add_from_folder(folder).status for s in stores * 3))
    assert results == [Status.COMPLETED] * 6
    assert stores[0].count() == 1
    assert len(stores[0].get("conv_1").turns) == 3


def test_one_sid_makes_one_call_however_many_ask_at_once(
    two: tuple[Database, Database], tmp_path: Path
):
    stores = [CallStore(opened, tmp_path / "calls", turns_of) for opened in two]
    results = at_once(*(lambda s=s: s.create(SAM, call_sid="CA1") for s in stores * 3))
    assert sum(isinstance(result, Conflict) for result in results) == 5
    assert stores[0].count() == 1


# ---- calls that are left open


def test_a_starting_server_closes_what_dead_ones_left_open(calls: CallStore):
    gone = f"{this_process().split(':')[0]}:{dead_pid()}:00"
    ringing, silent, talking = (calls.create(SAM) for _ in range(3))
    now = datetime.now(UTC).isoformat()
    calls.start(config(silent.id, started_at=now))  # died before it made a folder
    make_folder(calls.calls_dir, talking.id, events=tuple(TALK), pid=os.getpid(), started_at=now)
    calls.start(config(talking.id, started_at=now))
    busy = calls.create(SAM)
    calls.report(busy.id, **BUSY)
    for call in (ringing, silent, talking, busy):
        change_row(calls, call.id, process=gone)
    mine = calls.create(SAM)
    assert set(calls.close_broken()) == {ringing.id, silent.id, talking.id}
    assert calls.close_broken() == []
    for call in (ringing, silent, talking):
        found = calls.get(call.id)
        assert (found.status, found.ended_reason) == (Status.BROKEN_OFF, "server stopped")
        assert found.ended_at is not None
    assert [turn.text for turn in calls.get(talking.id).turns] == ["Hi", "book me in", "Done."]
    assert calls.get(mine.id).status is Status.INITIATED
    calls.reindex()
    assert calls.get(talking.id).status is Status.BROKEN_OFF
    calls.report(ringing.id, **BUSY)
    assert calls.get(ringing.id).status is Status.BUSY


def test_a_call_that_ended_before_its_server_died_has_ended(calls: CallStore):
    calls.start(config(started_at=datetime.now(UTC).isoformat()))
    make_folder(calls.calls_dir, started_at=datetime.now(UTC).isoformat())
    change_row(calls, "conv_1", process=f"{this_process().rsplit(':', 1)[0]}:00")
    assert calls.close_broken() == ["conv_1"]
    call = calls.get("conv_1")
    assert (call.status, call.ended_reason) == (Status.COMPLETED, "caller")


def test_two_servers_that_start_at_once_close_each_call_once(
    two: tuple[Database, Database], tmp_path: Path
):
    stores = [CallStore(opened, tmp_path / "calls", turns_of) for opened in two]
    made = [stores[0].create(SAM) for _ in range(5)]
    for call in made:
        change_row(stores[0], call.id, process=f"{this_process().rsplit(':', 1)[0]}:00")
    results = at_once(*(store.close_broken for store in stores * 2))
    closed = [key for result in results if isinstance(result, list) for key in result]
    assert sorted(closed) == sorted(call.id for call in made)


def test_whether_a_process_lives():
    host, pid, mark = this_process().rsplit(":", 2)
    assert may_live(this_process())
    assert not may_live(f"{host}:{pid}:other")
    assert not may_live(f"{host}:{dead_pid()}:{mark}")
    assert may_live(f"{host}:{os.getppid()}:{mark}")
    assert may_live(f"another-host:{dead_pid()}:{mark}")


def test_a_call_that_nothing_is_heard_of_is_lost(calls: CallStore):
    fresh, old, answered = (calls.create(SAM) for _ in range(3))
    past = datetime.now(UTC) - timedelta(seconds=LOST_S + 1)
    calls.report(answered.id, status=Status.IN_PROGRESS, at=past)
    for call in (old, answered):
        change_row(calls, call.id, started_at=past)
    assert {call.id: call.status for call in calls.list().calls} == {
        fresh.id: "initiated", old.id: "broken-off", answered.id: "in-progress",
    }  # fmt: skip
    assert calls.get(old.id).ended_reason == "no report"
    calls.report(old.id, status=Status.NO_ANSWER, at=past, sequence=2)
    assert calls.get(old.id).status is Status.NO_ANSWER


# ---- deletion


def test_everything_of_a_deleted_call_is_gone(calls: CallStore, tmp_path: Path):
    made = calls.create(SAM, call_sid="CA1")
    other = calls.create(SAM)
    folder = make_folder(calls.calls_dir, made.id)
    calls.add_from_folder(folder)
    tickets, deliveries = Tickets(calls.database), Deliveries(calls.database)
    Webhooks(calls.database).create("https://example.com", ["*"])
    tokens = [tickets.mint(call.id, "twilio") for call in (made, other)]
    deliveries.enqueue("call.ended", json.dumps({"data": {"conversation_id": made.id}}), "sam")
    deliveries.enqueue("call.ended", json.dumps({"conversation_id": made.id}), "sam")
    deliveries.enqueue("call.ended", "{}", "sam", made.id)
    deliveries.enqueue("call.ended", json.dumps({"data": {"conversation_id": other.id}}), "sam")
    calls.delete("CA1")
    assert not folder.exists()
    for key in (made.id, "CA1"):
        with pytest.raises(NotFound):
            calls.get(key)
    assert (tickets.peek(tokens[0]), tickets.peek(tokens[1]) is None) == (None, False)
    (left,) = deliveries.list().deliveries
    assert other.id in left.body
    assert [call.id for call in calls.list().calls] == [other.id]


def test_an_appointment_outlives_its_call(calls: CallStore, tmp_path: Path):
    folder = make_folder(calls.calls_dir)
    calls.add_from_folder(folder)

    def book(session) -> None:
        for name, place in (("in", folder), ("out", tmp_path / "appointments")):
            session.add(
                AppointmentRow(
                    id=name, agent_id="sam", conversation_id="conv_1", idempotency_key=None,
                    start_at=NOON, minutes=30, time_zone="UTC", name="Ann", email="", topic="",
                    ics_path=str(place / f"{name}.ics"), created_at=NOON,
                )
            )  # fmt: skip

    calls.database.write(book)
    calls.delete("conv_1")
    paths = calls.database.read(
        lambda s: [s.get(AppointmentRow, name).ics_path for name in ("in", "out")]
    )
    assert paths == ["", str(tmp_path / "appointments" / "out.ics")]


def test_a_call_that_goes_on_is_not_deleted(calls: CallStore, made: Conversation):
    calls.report(made.id, status=Status.IN_PROGRESS, at=datetime.now(UTC))
    with pytest.raises(Conflict, match="in progress: end it first"):
        calls.delete(made.id)
