import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, bindparam, create_engine, inspect, text
from sqlalchemy.types import JSON, DateTime

from sdr_lab.records import Agent, WebTool
from sdr_lab.store.agents import AgentStore, plain
from sdr_lab.store.calls import CallStore
from sdr_lab.store.database import Database, engine_of, open_database
from sdr_lab.store.folder import Status
from sdr_lab.store.migrate import HERE, alembic_config, knows, schema_of, upgrade
from sdr_lab.store.migrations import SCHEMA
from sdr_lab.store.models import Base
from sdr_lab.store.tools import ToolStore
from sdr_lab.trace.turns import turns_of


def test_the_revisions_lead_to_the_models(database: Database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_the_newest_revision_is_the_one_that_is_named():
    with create_engine("sqlite://").connect() as connection:
        scripts = ScriptDirectory.from_config(alembic_config(connection))
        assert scripts.get_heads() == [SCHEMA]
    assert knows(SCHEMA)
    assert not knows("9999")


def test_an_upgrade_runs_once_and_can_be_undone():
    from alembic import command

    with create_engine("sqlite://").connect() as connection:
        assert schema_of(connection) == ""
        upgrade(connection)
        upgrade(connection)
        assert schema_of(connection) == SCHEMA
        assert set(Base.metadata.tables) <= set(inspect(connection).get_table_names())
        command.downgrade(alembic_config(connection), "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_old_revisions_do_not_use_todays_models():
    for path in HERE.glob("versions/*.py"):
        assert not re.search(r"^(from|import) sdr_lab", path.read_text(), re.MULTILINE)


# ---- a database with calls in it

SAM = Agent(id="sam", name="Sam", version=1, system_prompt="", first_message="Hi")

STARTED = datetime(2026, 11, 24, 10, tzinfo=UTC)

CALLS = {
    "conv_done": ("completed", "conv_done", "caller"),
    "conv_error": ("failed", "conv_error", "error"),
    "conv_refused": ("failed", "", "busy"),
    "conv_lost": ("broken-off", "conv_lost", "broken_off"),
    "conv_new": ("initiated", "", ""),
}
"""Status, folder and reason of calls as schema 0001 keeps them."""

INSERTS = {
    "agents": "id, name, version, created_at, updated_at",
    "agent_versions": "agent_id, version, record, author, note, created_at",
    "conversations": "id, call_sid, status, outcome, agent_id, agent_name, agent_version, "
    "direction, line, phone_number, stt, llm, tts, started_at, ended_at, duration_ms, "
    "ended_reason, variables, details, folder",
    "turns": "conversation_id, position, role, text, at_ms, interrupted, metrics",
}


def insert(engine: Engine, table: str, **values) -> None:
    names = INSERTS[table].split(", ")
    query = text(
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{n}' for n in names)})"
    ).bindparams(
        *(
            bindparam(name, type_=DateTime(timezone=True))
            if name.endswith("_at")
            else bindparam(name, type_=JSON())
            for name in names
            if name.endswith("_at") or name in ("record", "variables", "details", "metrics")
        )
    )
    with engine.begin() as connection:
        connection.execute(query, values)


def fill(engine: Engine) -> None:
    """Put an agent and calls into the tables of schema 0001."""
    insert(engine, "agents", id="sam", name="Sam", version=1, created_at=STARTED,
           updated_at=STARTED)  # fmt: skip
    insert(engine, "agent_versions", agent_id="sam", version=1, record=plain(SAM), author="",
           note="", created_at=STARTED)  # fmt: skip
    for key, (status, folder, reason) in CALLS.items():
        insert(
            engine, "conversations", id=key, call_sid=f"CA{key}", status=status, outcome="booked",
            agent_id="sam", agent_name="Sam", agent_version=1, direction="outbound",
            line="simulated", phone_number="+14155552671", stt="scripted", llm="scripted",
            tts="tone", started_at=STARTED, ended_at=STARTED if reason else None,
            duration_ms=8000 if folder else None, ended_reason=reason, variables={"name": "Ann"},
            details={"list": 7}, folder=folder,
        )  # fmt: skip
        for position, words in enumerate(("Hi", "book me in") if folder else ()):
            insert(
                engine, "turns", conversation_id=key, position=position, role="agent", text=words,
                at_ms=100, interrupted=False, metrics={"voice_to_voice_ms": 700},
            )  # fmt: skip


@pytest.fixture
def old(tmp_path: Path, url: str) -> Engine:
    """A database as the sdr_lab before this one left it."""
    from alembic import command

    engine = engine_of(url or f"sqlite:///{tmp_path / 'sdr_lab.db'}")
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
    fill(engine)
    engine.dispose()
    return engine


def test_a_database_with_calls_is_brought_up_to_date(old: Engine, tmp_path: Path, url: str):
    database = open_database(tmp_path, url)
    calls = CallStore(database, tmp_path / "calls", turns_of)
    assert database.read(lambda s: schema_of(s.connection())) == SCHEMA
    found = {key: calls.get(key) for key in CALLS}
    assert {k: (c.status, c.ended_reason) for k, c in found.items() if k != "conv_new"} == {
        key: (status, reason) for key, (status, _, reason) in CALLS.items() if key != "conv_new"
    }
    assert [turn.text for turn in found["conv_done"].turns] == ["Hi", "book me in"]
    done = found["conv_done"]
    assert (done.metadata, done.variables, done.duration_ms) == ({"list": 7}, {"name": "Ann"}, 8000)
    assert (done.analysis, done.overrides, done.network, done.agent_number) == ({}, {}, {}, "")
    database.close()


def test_old_calls_take_reports_and_notes(old: Engine, tmp_path: Path, url: str):
    database = open_database(tmp_path, url)
    calls = CallStore(database, tmp_path / "calls", turns_of)
    for key in ("conv_done", "conv_error", "conv_refused", "conv_lost"):
        before = calls.get(key)
        calls.report(f"CA{key}", Status.COMPLETED, at=STARTED, sequence=3, duration_s=8)
        calls.note(key, recording_url="https://a")
        after = calls.get(key)
        assert (after.status, after.ended_reason) == (before.status, before.ended_reason)
        assert after.metadata == {"list": 7, "recording_url": "https://a"}
    tool = ToolStore(database).create("sam", WebTool("price", "", {}, "https://example.com"))
    AgentStore(database).delete("sam")
    assert tool not in ToolStore(database).of("sam")
    database.close()


def test_going_back_keeps_calls_and_turns(old: Engine, tmp_path: Path, url: str):
    from alembic import command

    database = open_database(tmp_path, url)
    calls = CallStore(database, tmp_path / "calls", turns_of)
    calls.report("conv_new", Status.BUSY, at=STARTED, sequence=2)
    calls.report("conv_done", Status.VOICEMAIL, at=STARTED)
    with database.engine.begin() as connection:
        command.downgrade(alembic_config(connection), "0001")
    with database.engine.connect() as connection:
        statuses = dict(connection.execute(text("SELECT id, status FROM conversations")).all())
        turns = connection.scalar(text("SELECT count(*) FROM turns"))
        kept = connection.scalar(text("SELECT variables FROM conversations WHERE id='conv_new'"))
    assert statuses == {
        "conv_done": "completed", "conv_error": "failed", "conv_refused": "failed",
        "conv_lost": "broken-off", "conv_new": "failed",
    }  # fmt: skip
    assert turns == 6
    assert (json.loads(kept) if isinstance(kept, str) else kept) == {"name": "Ann"}
    database.close()
    again = open_database(tmp_path, url)
    assert len(CallStore(again, tmp_path / "calls", turns_of).list().calls) == 5
    again.close()
