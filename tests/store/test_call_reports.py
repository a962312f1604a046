"""What others say of calls: the phone network, analysis and people."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdr_lab.errors import BadInput, Conflict, NotFound
from sdr_lab.events import to_json
from sdr_lab.store.calls import CallStore
from sdr_lab.store.database import Database
from sdr_lab.store.folder import Conversation, Status
from sdr_lab.trace.turns import turns_of
from tests.store.call_folders import ENDED, SAM, TALK, config, make_folder
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
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
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
        elif isinstance(step, dict):
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
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
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


def test_a_call_that_is_being_held_has_not_failed(calls: CallStore, made: Conversation):
    make_folder(calls.calls_dir, made.id, events=tuple(TALK))
    calls.start(config(made.id, started_at=datetime.now(UTC).isoformat()))
    assert not calls.fail(made.id, "Twilio did not answer in 10 s").ends_call
    assert calls.get(made.id).status is Status.IN_PROGRESS


def test_what_was_found_out_about_a_failure_that_was_none_is_forgotten(
    calls: CallStore, made: Conversation
):
    calls.fail(made.id, "Twilio did not answer in 10 s")
    calls.set_analysis(made.id, {"call_successful": "failure"})
    calls.start(config(made.id, started_at=datetime.now(UTC).isoformat()))
    assert calls.get(made.id).analysis == {}
    done = calls.add_from_folder(make_folder(calls.calls_dir, made.id))
    assert done.analysis == {}
    calls.set_analysis(made.id, {"call_successful": "success"})
    assert calls.add_from_folder(calls.calls_dir / made.id).analysis  # indexed anew it stays


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
