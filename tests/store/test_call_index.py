"""Calls that are left open, and calls that are deleted."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sdr_lab.errors import Conflict, NotFound
from sdr_lab.store.call_folders import LOST_S, may_live, this_process
from sdr_lab.store.calls import CallStore
from sdr_lab.store.database import Database
from sdr_lab.store.folder import Conversation, Status
from sdr_lab.store.hooks import Deliveries, Webhooks
from sdr_lab.store.models import AppointmentRow, ConversationRow
from sdr_lab.store.tickets import Tickets
from sdr_lab.trace.turns import turns_of
from tests.store.call_folders import SAM, TALK, config, dead_pid, make_folder
from tests.store.threads import at_once

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

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
        lambda s: [s.get_one(AppointmentRow, name).ics_path for name in ("in", "out")]
    )
    assert paths == ["", str(tmp_path / "appointments" / "out.ics")]


def test_a_call_that_goes_on_is_not_deleted(calls: CallStore, made: Conversation):
    calls.report(made.id, status=Status.IN_PROGRESS, at=datetime.now(UTC))
    with pytest.raises(Conflict, match="in progress: end it first"):
        calls.delete(made.id)
