import dataclasses
import json
import os
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdr_lab.errors import BadInput, NotFound, StorageError
from sdr_lab.events import (
    Event,
    IntentFound,
    ToolFinished,
)
from sdr_lab.store.call_rows import CallFilter
from sdr_lab.store.calls import CallStore
from sdr_lab.store.database import Database
from sdr_lab.store.folder import Status, Turn, outcome_of
from sdr_lab.trace.turns import turns_of
from tests.store.call_folders import ENDED, SAM, STARTED, TALK, config, dead_pid, make_folder


@pytest.fixture
def calls(database: Database, tmp_path: Path) -> CallStore:
    return CallStore(database, tmp_path / "calls", turns_of)


# ---- the life of a call


def test_a_dialled_call_goes_its_way(calls: CallStore):
    made = calls.create(SAM, "+14155550000", variables={"lead": "Ann"}, metadata={"list": 7})
    assert (made.status, made.id[:5], made.folder) == (Status.INITIATED, "conv_", None)
    calls.set_call_sid(made.id, "CA1")
    now = datetime.now(UTC).isoformat()
    calls.start(config(made.id, direction="outbound", caller_number="", started_at=now))
    running = calls.get("CA1")
    assert (running.id, running.status, running.stt) == (made.id, Status.IN_PROGRESS, "scripted")
    assert (running.phone_number, running.metadata) == ("+14155550000", {"list": 7})
    assert running.variables == {"lead": "Ann", "name": "Ann"}
    make_folder(calls.calls_dir, made.id, direction="outbound", caller_number="")
    calls.add_from_folder(calls.calls_dir / made.id)
    ended = calls.get(made.id)
    assert (ended.status, ended.call_sid, ended.direction) == (Status.COMPLETED, "CA1", "outbound")
    assert (ended.duration_ms, ended.ended_reason) == (8000, "caller")
    assert (ended.phone_number, ended.metadata) == ("+14155550000", {"list": 7})


def test_a_call_that_never_came_about_has_failed(calls: CallStore):
    made = calls.create(SAM)
    calls.fail(made.id, "busy")
    failed = calls.get(made.id)
    assert (failed.status, failed.ended_reason) == (Status.FAILED, "busy")


def test_a_sid_names_one_call(calls: CallStore):
    first, second = calls.create(SAM), calls.create(SAM)
    calls.set_call_sid(first.id, "CA1")
    with pytest.raises(BadInput, match="call SID 'CA1' belongs to another conversation"):
        calls.set_call_sid(second.id, "CA1")
    with pytest.raises(BadInput, match="belongs to another"):
        calls.start(config("conv_9", call_sid="CA1"))
    assert calls.get("CA1").id == first.id


# ---- folders


def test_the_folder_says_everything(calls: CallStore):
    calls.add_from_folder(make_folder(calls.calls_dir, call_sid="CA7"))
    call = calls.get("CA7")
    assert (call.id, call.agent_id, call.agent_name, call.agent_version) == (
        "conv_1", "sam", "Sam", 3,
    )  # fmt: skip
    assert (call.started_at, call.ended_at) == (STARTED, STARTED + timedelta(seconds=8))
    assert (call.line, call.stt, call.llm, call.tts) == (
        "simulated", "scripted", "scripted", "tone",
    )  # fmt: skip
    assert call.folder == calls.calls_dir / "conv_1"
    assert [(turn.role, turn.text) for turn in call.turns] == [
        ("agent", "Hi"), ("caller", "book me in"), ("agent", "Done."),
    ]  # fmt: skip
    assert call.turns[2].metrics["voice_to_voice_ms"] == 700
    assert calls.list().calls[0].turns == ()


def test_indexing_anew_changes_nothing(calls: CallStore):
    folder = make_folder(calls.calls_dir)
    calls.add_from_folder(folder)
    first = calls.get("conv_1")
    calls.add_from_folder(folder)
    assert calls.get("conv_1") == first
    assert calls.count() == 1


def test_a_folder_elsewhere_is_indexed_where_it_lies(calls: CallStore, tmp_path: Path):
    folder = make_folder(tmp_path / "elsewhere")
    calls.add_from_folder(folder)
    assert calls.get("conv_1").folder == folder
    assert calls.reindex().removed == 0


def test_one_call_in_two_folders_is_refused(calls: CallStore):
    make_folder(calls.calls_dir)
    copy = make_folder(calls.calls_dir, "copy")
    call = json.loads((copy / "call.json").read_text())
    (copy / "call.json").write_text(json.dumps(call | {"conversation_id": "conv_1"}))
    report = calls.reindex()
    assert report.indexed == 1
    assert "hold the same call conv_1: delete one" in report.problems[0]
    assert calls.get("conv_1").folder == calls.calls_dir / "conv_1"


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "No such file"), ("{", "call.json is damaged"), ("[]", "call.json holds no object")],
)
def test_a_folder_without_a_call_is_refused(
    calls: CallStore, tmp_path: Path, text: str | None, message: str
):
    if text is not None:
        (tmp_path / "call.json").write_text(text)
    with pytest.raises(BadInput, match=rf"is no call folder: .*{message}"):
        calls.add_from_folder(tmp_path)


def test_reindex_makes_the_index_say_what_the_folders_say(calls: CallStore):
    for name in ("conv_1", "conv_2", "conv_3"):
        make_folder(calls.calls_dir, name)
    waiting = calls.create(SAM)
    (calls.calls_dir / "odd").mkdir()
    (calls.calls_dir / "file.txt").write_text("no folder")
    (calls.calls_dir / ".deleted-conv_0-12").mkdir()
    first = calls.reindex()
    assert (first.indexed, first.removed, len(first.problems)) == (3, 0, 1)
    assert not (calls.calls_dir / ".deleted-conv_0-12").exists()
    (calls.calls_dir / "conv_2").rename(calls.calls_dir.parent / "gone")
    second = calls.reindex()
    assert (second.indexed, second.removed) == (2, 1)
    assert {call.id for call in calls.list().calls} == {"conv_1", "conv_3", waiting.id}


def test_reindex_fills_an_empty_database(calls: CallStore):
    make_folder(calls.calls_dir)
    assert calls.count() == 0
    assert calls.reindex().indexed == 1
    assert calls.get("conv_1").status is Status.COMPLETED


# ---- broken off


def test_a_call_whose_process_is_gone_is_broken_off(calls: CallStore):
    folder = make_folder(calls.calls_dir, events=tuple(TALK), pid=dead_pid())
    calls.start(config())
    call = calls.get("conv_1")
    assert (call.status, call.status.words) == (Status.BROKEN_OFF, "broken off")
    assert (call.ended_reason, call.duration_ms) == ("broken_off", 4000)
    assert calls.list(CallFilter(status=Status.BROKEN_OFF)).calls[0].id == "conv_1"
    assert [turn.text for turn in call.turns] == ["Hi", "book me in", "Done."]
    assert folder.is_dir()


def test_a_call_that_is_written_now_is_in_progress(calls: CallStore):
    folder = make_folder(calls.calls_dir, events=tuple(TALK))
    calls.add_from_folder(folder)
    assert calls.get("conv_1").status is Status.IN_PROGRESS
    old = datetime.now().timestamp() - 3600  # its process number now belongs to somebody else
    for path in folder.iterdir():
        os.utime(path, (old, old))
    assert calls.get("conv_1").status is Status.BROKEN_OFF


def test_a_call_without_a_folder_is_given_time_to_make_one(calls: CallStore):
    calls.start(config("conv_new", started_at=datetime.now(UTC).isoformat()))
    calls.start(config("conv_old"))
    assert calls.get("conv_new").status is Status.IN_PROGRESS
    assert calls.get("conv_old").status is Status.BROKEN_OFF


@pytest.mark.parametrize(("reason", "status"), [("error", "failed"), ("silence", "completed")])
def test_the_reason_decides_whether_a_call_failed(calls: CallStore, reason: str, status: str):
    end = dataclasses.replace(ENDED, reason=reason)
    calls.add_from_folder(make_folder(calls.calls_dir, events=(end,)))
    assert calls.get("conv_1").status == status


def test_the_outcome_is_what_the_call_has_come_to():
    def ran(name: str, ok: bool = True) -> Event:
        return ToolFinished(at_ms=0, clock_ms=0, turn=1, name=name, ok=ok, content="")

    def wanted(intent: str) -> Event:
        return IntentFound(at_ms=0, clock_ms=0, turn=1, intent=intent, confidence=1)

    assert outcome_of([]) == ""
    assert outcome_of([wanted("INTERESTED"), wanted("NOT_INTERESTED")]) == "not_interested"
    assert outcome_of([ran("book_appointment"), wanted("NOT_INTERESTED")]) == "booked"
    assert outcome_of([ran("book_appointment", ok=False)]) == ""
    assert outcome_of([ran("book_appointment"), ran("mark_do_not_call")]) == "do_not_call"


# ---- lists


@pytest.fixture
def many(calls: CallStore) -> CallStore:
    for i in range(7):
        start = STARTED + timedelta(hours=i // 2)  # pairs begin at the same moment
        make_folder(calls.calls_dir, f"conv_{i}", started_at=start.isoformat())
    calls.reindex()
    return calls


def test_pages_hold_every_call_once_newest_first(many: CallStore):
    seen, cursor = [], ""
    while True:
        page = many.list(page_size=3, cursor=cursor)
        seen += [call.id for call in page.calls]
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == [f"conv_{i}" for i in (6, 5, 4, 3, 2, 1, 0)]


def test_a_deleted_call_does_not_disturb_the_pages(many: CallStore):
    page = many.list(page_size=3)
    many.delete(page.calls[-1].id)
    assert [c.id for c in many.list(page_size=3, cursor=page.next_cursor).calls] == [
        "conv_3", "conv_2", "conv_1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("which", "count"),
    [
        (CallFilter(agent="sam"), 7),
        (CallFilter(agent="SAM"), 7),
        (CallFilter(agent="eve"), 0),
        (CallFilter(status=Status.COMPLETED, outcome=""), 7),
        (CallFilter(outcome="booked"), 0),
        (CallFilter(since=STARTED + timedelta(hours=1)), 5),
        (CallFilter(until=STARTED + timedelta(hours=1)), 2),
        (CallFilter(since=STARTED + timedelta(hours=1), until=STARTED + timedelta(hours=2)), 2),
    ],
)
def test_filters(many: CallStore, which: CallFilter, count: int):
    assert many.count(which) == len(many.list(which).calls) == count


def test_lists_that_can_not_be_are_refused(calls: CallStore):
    with pytest.raises(BadInput, match=r"page size 0, allowed: 1\.\.500"):
        calls.list(page_size=0)
    with pytest.raises(BadInput, match="cursor 'zzz' is not one that a list gave"):
        calls.list(cursor="zzz")
    with pytest.raises(BadInput, match="needs a time zone"):
        calls.list(CallFilter(since=datetime(2026, 1, 1)))
    with pytest.raises(NotFound, match="no call has the id or call SID 'conv_x'"):
        calls.get("conv_x")


# ---- delete and export


def test_delete_removes_row_and_folder(calls: CallStore):
    calls.add_from_folder(make_folder(calls.calls_dir))
    calls.delete("conv_1")
    assert list(calls.calls_dir.iterdir()) == []
    with pytest.raises(NotFound):
        calls.get("conv_1")
    assert calls.reindex().indexed == 0


def test_a_call_in_progress_is_not_deleted(calls: CallStore):
    calls.add_from_folder(make_folder(calls.calls_dir, events=tuple(TALK)))
    with pytest.raises(BadInput, match="conv_1 is in progress"):
        calls.delete("conv_1")
    assert (calls.calls_dir / "conv_1" / "audio.wav").is_file()


def test_export_as_zip_and_as_folder(calls: CallStore, tmp_path: Path):
    folder = calls.add_from_folder(make_folder(calls.calls_dir)).folder
    assert folder is not None
    archive = calls.export("conv_1", tmp_path / "out" / "call.zip")
    with zipfile.ZipFile(archive) as opened:
        assert sorted(opened.namelist()) == [
            "conv_1/audio.wav", "conv_1/call.json", "conv_1/events.jsonl",
        ]  # fmt: skip
        assert opened.read("conv_1/audio.wav") == (folder / "audio.wav").read_bytes()
    copy = calls.export("conv_1", tmp_path / "out" / "copy")
    assert (copy / "events.jsonl").read_text() == (folder / "events.jsonl").read_text()
    assert len(list((tmp_path / "out").iterdir())) == 2
    with pytest.raises(BadInput, match="exists already"):
        calls.export("conv_1", copy)


def test_an_export_that_fails_leaves_nothing(calls: CallStore, tmp_path: Path):
    calls.add_from_folder(make_folder(calls.calls_dir))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="can't export conv_1"):
        calls.export("conv_1", tmp_path / "file" / "call.zip")
    waiting = calls.create(SAM)
    with pytest.raises(NotFound, match="has no folder: nothing was recorded"):
        calls.export(waiting.id, tmp_path / "x.zip")


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    texts=st.lists(
        st.tuples(
            st.sampled_from(["caller", "agent"]),
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
            st.booleans(),
        ),
        max_size=5,
    )
)
def test_turns_come_back_as_they_were_read(database: Database, tmp_path: Path, texts):
    turns = [Turn(role, text, i, cut) for i, (role, text, cut) in enumerate(texts)]
    store = CallStore(database, tmp_path / "calls", lambda events: turns)
    folder = tmp_path / "calls" / "conv_1"
    if not folder.exists():
        make_folder(tmp_path / "calls")
    store.add_from_folder(folder)
    assert list(store.get("conv_1").turns) == turns
