import re

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from sdr_lab.store.database import Database
from sdr_lab.store.migrate import HERE, alembic_config, knows, schema_of, upgrade
from sdr_lab.store.migrations import SCHEMA
from sdr_lab.store.models import Base


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
