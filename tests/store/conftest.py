"""A fresh workspace per test. `SDR_LAB_TEST_POSTGRES=postgresql://…` runs them there as well."""

import os
from pathlib import Path

import pytest
from sqlalchemy import text

from sdr_lab.records import Agent
from sdr_lab.store.agents import AgentStore
from sdr_lab.store.database import Database, engine_of, open_database
from sdr_lab.store.models import Base

POSTGRES = os.environ.get("SDR_LAB_TEST_POSTGRES", "")


@pytest.fixture(params=["sqlite", *(["postgresql"] if POSTGRES else [])])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return ""
    engine = engine_of(POSTGRES)
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    engine.dispose()
    return POSTGRES


@pytest.fixture
def database(tmp_path: Path, url: str):
    database = open_database(tmp_path, url)
    yield database
    database.close()


@pytest.fixture
def two(tmp_path: Path, url: str, database: Database):
    """The database opened twice, as by two processes."""
    other = open_database(tmp_path, url)
    yield database, other
    other.close()


@pytest.fixture
def sam(database: Database) -> Agent:
    """An agent that is in the store."""
    return AgentStore(database).create(
        Agent(id="sam", name="Sam", version=0, system_prompt="", first_message="Hi")
    )
