"""Bringing the tables of a database up to date.

A developer who has changed `models.py` writes the next revision with
`python -m sdr_lab.store.migrate "what changed"`, reads it, and sets `migrations.SCHEMA`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, create_engine, inspect, text

from sdr_lab.store.migrations import SCHEMA

if TYPE_CHECKING:
    from alembic.config import Config

HERE = Path(__file__).parent / "migrations"


def schema_of(connection: Connection) -> str:
    """Return the revision of the tables; empty for a database without tables."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


def alembic_config(connection: Connection) -> Config:
    from alembic.config import Config  # 150 ms that only a new database pays

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Run the missing revisions in the transaction of the connection. Cheap when none is."""
    if schema_of(connection) == SCHEMA:
        return
    from alembic import command

    command.upgrade(alembic_config(connection), "head")


def knows(revision: str) -> bool:
    """Say whether a revision is one of ours; false for a database of a newer sdr_lab."""
    return any(HERE.glob(f"versions/{revision}_*.py"))


def write_revision(message: str) -> None:
    """Write the next revision: the difference between the revisions so far and `models.py`."""
    from alembic import command

    with create_engine("sqlite://").connect() as connection:
        upgrade(connection)
        command.revision(
            alembic_config(connection),
            message,
            autogenerate=True,
            rev_id=f"{int(SCHEMA) + 1:04d}",
        )


if __name__ == "__main__":
    write_revision(" ".join(sys.argv[1:]))
