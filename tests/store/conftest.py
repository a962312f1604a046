"""A fresh workspace per test. `SDR_LAB_TEST_POSTGRES=postgresql://…` runs them there as well."""

import os
from pathlib import Path

import pytest
from sqlalchemy import text

from sdr_lab.store.database import Database, open_database
from sdr_lab.store.models import Base

POSTGRES = os.environ.get("SDR_LAB_TEST_POSTGRES", "")


@pytest.fixture(params=["sqlite", *(["postgresql"] if POSTGRES else [])])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return ""
    database = open_database(Path(), POSTGRES)
    with database.engine.begin() as connection:
        Base.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
    database.close()
    return POSTGRES


@pytest.fixture
def database(tmp_path: Path, url: str):
    database = open_database(tmp_path, url)
    yield database
    database.close()


def count(database: Database, table: str) -> int:
    return database.read(lambda s: s.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
