from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    CallEnded,
    CallStarted,
    Event,
    ReplyBegun,
    SentenceReady,
    TurnOver,
    to_json,
)
from sdr_lab.records import Agent
from sdr_lab.store.calls import CallStore
from sdr_lab.store.database import open_database
from sdr_lab.store.folder import Status
from sdr_lab.trace.turns import turns_of

MakeCall = Callable[..., Path]

EVENTS: list[Event] = [
    CallStarted(
        at_ms=20, clock_ms=20, conversation_id="conv_1", agent="sam", agent_version=1,
        line="simulated", stt="scripted", llm="scripted", tts="tone",
    ),
    TurnOver(
        at_ms=1800, clock_ms=1800, turn=1, text="How much is it?", last_voiced_ms=1000,
        pause_ms=800, why="fixed",
    ),
    ReplyBegun(at_ms=1800, clock_ms=1801, turn=1, model="scripted"),
    SentenceReady(at_ms=1800, clock_ms=1802, turn=1, index=0, text="Forty nine dollars."),
    AgentStarted(at_ms=1820, clock_ms=1820, turn=1),
    AgentStopped(at_ms=3000, clock_ms=3000, turn=1, text="Forty nine dollars."),
    CallEnded(at_ms=4000, clock_ms=4000, reason="caller", duration_ms=4000),
]  # fmt: skip


@pytest.fixture
def make_call(home: Path) -> MakeCall:
    """Write a call folder: the caller asks once, the agent answers 820 ms later."""

    def make(name: str = "conv_1", minute: int = 0, events: int = len(EVENTS)) -> Path:
        folder = home / "calls" / name
        folder.mkdir(parents=True)
        call = {
            "conversation_id": name,
            "agent": {"id": "sam", "name": "Sam", "version": 1},
            "started_at": f"2026-11-24T10:{minute:02}:00+00:00",
            "caller_number": "+15550123456",
            "stt": "scripted",
            "llm": "scripted",
            "tts": "tone",
        }
        (folder / "call.json").write_text(json.dumps(call))
        lines = [to_json(event) + "\n" for event in EVENTS[:events]]
        (folder / "events.jsonl").write_text("".join(lines).replace("conv_1", name))
        return folder

    return make


def test_reindex_list_and_show(run, run_json, make_call: MakeCall):
    make_call("conv_1", minute=1)
    make_call("conv_2", minute=2, events=5)

    assert run("calls", "reindex").stdout == "2 calls indexed, 0 gone\n"
    listed = run_json("calls", "list")
    assert [(c["id"], c["status"]) for c in listed] == [
        ("conv_2", "broken-off"),
        ("conv_1", "completed"),
    ]
    assert listed[1]["duration_ms"] == 4000
    assert [c["id"] for c in run_json("calls", "list", "--status", "completed")] == ["conv_1"]
    assert [c["id"] for c in run_json("calls", "list", "--limit", "1")] == ["conv_2"]
    assert run_json("calls", "list", "--since", "2026-11-25") == []
    table = run("calls", "list").stdout
    assert "broken off" in table
    assert "0:04" in table
    shown = run("calls", "show", "conv_1").stdout
    assert "How much is it?" in shown
    assert "Forty nine dollars." in shown
    assert [t["role"] for t in run_json("calls", "show", "conv_1")["turns"]] == ["caller", "agent"]


def test_calls_that_did_not_come_about(run, run_json, make_call: MakeCall, home: Path):
    make_call()
    run("calls", "reindex")
    agent = Agent(id="sam", name="Sam", version=1, system_prompt="", first_message="")
    now = datetime.now(UTC)
    with closing(open_database(home)) as database:
        calls = CallStore(database, home / "calls", turns_of)
        for status in ("busy", "no-answer", "canceled", "voicemail"):
            key = calls.create(agent, "+14155552671").id
            by = "machine_start" if status == "voicemail" else ""
            calls.report(key, Status(status), at=now, answered_by=by)
        waiting = calls.create(agent).id

    table = run("calls", "list").stdout
    assert all(words in table for words in ("busy", "no answer", "canceled", "voicemail"))
    for status in ("busy", "no-answer", "canceled", "voicemail"):
        (found,) = run_json("calls", "list", "--status", status)
        assert found["status"] == status
        shown = run("calls", "show", found["id"]).stdout
        assert status.replace("-", " ") in shown
        assert ("machine start" in shown) == (status == "voicemail")
        error = run("calls", "show", found["id"], "--events", exit_code=1).stderr
        assert "has no event log: nothing was recorded" in error
    assert "conv_1" in run("latency").stdout  # the newest one with a recording
    run("calls", "delete", waiting, found["id"], "--yes")
    assert len(run_json("calls", "list")) == 4


def test_numbers_are_masked_on_the_screen(run, make_call: MakeCall):
    make_call()
    run("calls", "reindex")

    for args in (("list",), ("show", "conv_1")):
        assert "+15550123456" not in run("calls", *args).stdout
        assert "3456" in run("calls", *args).stdout


def test_show_events(run, make_call: MakeCall):
    folder = make_call()
    run("calls", "reindex")

    assert (
        run("calls", "show", "conv_1", "--events").stdout == (folder / "events.jsonl").read_text()
    )


def test_export_as_folder_and_as_zip(run, make_call: MakeCall, tmp_path: Path):
    make_call()
    run("calls", "reindex")

    run("calls", "export", "conv_1", tmp_path / "copy")
    run("calls", "export", "conv_1", tmp_path / "copy.zip")

    assert (tmp_path / "copy" / "events.jsonl").is_file()
    assert "conv_1/call.json" in zipfile.ZipFile(tmp_path / "copy.zip").namelist()
    assert (
        "exists already" in run("calls", "export", "conv_1", tmp_path / "copy", exit_code=1).stderr
    )


def test_delete_asks_and_removes_folder_and_row(run, run_json, make_call: MakeCall):
    folder = make_call()
    run("calls", "reindex")

    assert "--yes" in run("calls", "delete", "conv_1", exit_code=1).stderr
    assert folder.exists()
    run("calls", "delete", "conv_1", "--yes")
    assert not folder.exists()
    assert run_json("calls", "list") == []


def test_latency_of_ids_folders_and_the_newest(run, run_json, make_call: MakeCall, tmp_path: Path):
    make_call("conv_1", minute=1)
    make_call("conv_2", minute=2)
    run("calls", "reindex")
    run("calls", "export", "conv_1", tmp_path / "copy")

    for args, calls in (
        (("conv_1",), ["conv_1"]),
        ((tmp_path / "copy",), ["conv_1"]),
        ((), ["conv_2"]),
        (("--last", "2"), ["conv_2", "conv_1"]),
    ):
        told = run_json("latency", *args)
        assert [call["call"] for call in told["calls"]] == calls
    turn = run_json("latency", "conv_1")["calls"][0]["turns"][0]
    assert turn["sent_ms"] - turn["last_voiced_ms"] == 820
    assert "820" in run("latency", "conv_1").stdout
    rows = list(csv.DictReader(io.StringIO(run("latency", "conv_1", "--csv").stdout)))
    assert rows[0]["caller"] == "How much is it?"


def test_query_over_all_calls(run, run_json, make_call: MakeCall):
    make_call("conv_1")
    make_call("conv_2", events=2)
    sql = "SELECT conversation_id, count(*) AS n FROM events GROUP BY 1 ORDER BY 1"

    assert run_json("calls", "query", sql) == [
        {"conversation_id": "conv_1", "n": 7},
        {"conversation_id": "conv_2", "n": 2},
    ]
    assert "conv_2" in run("calls", "query", sql).stdout
    assert "first 1 rows" in run("calls", "query", sql, "--limit", "1").stderr
    for bad in ("SELEC 1", "DROP VIEW events", ""):
        error = run("calls", "query", bad, exit_code=1).stderr
        assert error.startswith("query: ")
        assert error.count("\n") == 1


def test_bad_input_is_one_line(run, home: Path):
    for args, message in (
        (("calls", "show", "conv_9"), "no call has the id"),
        (("calls", "delete", "conv_9", "--yes"), "no call has the id"),
        (("calls", "list", "--status", "done"), "allowed: initiated, in-progress"),
        (("latency",), "no calls have been recorded yet"),
        (("latency", "conv_9"), "no call has the id"),
        (("latency", home), "no events.jsonl"),
        (("latency", "conv_9", "--last", "2"), "not both"),
    ):
        error = run(*args, exit_code=1).stderr
        assert message in error
        assert error.count("\n") == 1


def test_a_folder_that_is_no_call_is_named(run, home: Path):
    (home / "calls" / "junk").mkdir(parents=True)

    result = run("calls", "reindex")

    assert "junk is no call folder" in result.stderr
    assert result.stdout == "0 calls indexed, 0 gone\n"


def test_a_workspace_that_is_a_file(run, home: Path):
    (home / "file").touch()

    error = run("--home", home / "file", "calls", "list", exit_code=1).stderr

    assert "SDR_LAB_HOME" in error
    assert error.count("\n") == 1


def test_what_is_damaged_in_an_event_log_is_skipped(run, run_json, make_call: MakeCall):
    log = make_call("conv_1") / "events.jsonl"
    damage = b'{"kind": "TurnOver", "at_ms": "x"}\n\x9a\xff\n{"kind": "Turn'
    log.write_bytes(log.read_bytes() + damage)

    assert run("calls", "reindex").stdout == "1 calls indexed, 0 gone\n"
    assert run_json("calls", "list")[0]["status"] == "completed"
    assert len(run_json("latency", "conv_1")["calls"][0]["turns"]) == 1


def test_odd_requests_are_refused(run, make_call: MakeCall, home: Path):
    folder = make_call("conv_1")

    for args, message in (
        (("calls", "reindex", home / "no"), "no such folder; give one that holds call folders"),
        (("calls", "list", "--outcome", "sold"), "--outcome: got 'sold', allowed: do_not_call"),
        (("latency", folder, "--csv", "--json"), "give --csv or --json, not both"),
        (("calls", "export", "conv_1", folder / "call.json" / "x"), "conv_1"),
    ):
        told = run(*args, exit_code=1).stderr
        assert message in told
        assert told.count("\n") == 1


def test_the_latency_of_a_folder_needs_no_database(run, make_call: MakeCall, home: Path):
    assert "How much is it?" in run("latency", make_call("conv_1")).stdout
    assert not (home / "sdr_lab.db").exists()
