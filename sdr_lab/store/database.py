"""Opening the database of a workspace: one SQLite file by default, PostgreSQL by its URL.

Plain (not async) SQLAlchemy: a query takes well under a millisecond, the command line and the
pages are not async anyway, and the two stores that a call uses while it runs (calendar,
do-not-call) move their work to a thread. An async engine would double every store for nothing.

Several processes may use one workspace. For SQLite that means: WAL, so that readers never wait;
every writing transaction takes the write lock when it begins (a lock taken half-way can't be
waited for); and transactions are short, since all work between them happens outside.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.orm import Session

from sdr_lab.errors import MissingPackage, SettingError, StorageError
from sdr_lab.store import migrate
from sdr_lab.store.migrations import SCHEMA

BUSY_TIMEOUT_S = 10
"""How long SQLite waits for another process's write lock."""

RETRIES = 3
"""Tries of a write that lost against another one (deadlock, serialization, lock time-out)."""

MIGRATION_LOCK = 0x5D12AB
"""Key of the PostgreSQL advisory lock that lets one process migrate at a time."""

CURES = {
    "readonly": "the database is read-only: make the workspace writable or set SDR_LAB_HOME",
    "read-only": "the workspace is read-only: make it writable or set SDR_LAB_HOME",
    "permission denied": "no permission: make the workspace writable or set SDR_LAB_HOME",
    "unable to open": "it can't be opened; if the workspace is read-only, make it writable or set "
    "SDR_LAB_HOME",
    "not a directory": "SDR_LAB_HOME is not a folder: set it to one",
    "file exists": "SDR_LAB_HOME is not a folder: set it to one",
    "disk is full": "the disk is full: free some space",
    "no space left": "the disk is full: free some space",
    "locked": "another process keeps it locked: end it or try again",
    "malformed": "the file is damaged: move it away, then run `sdr-lab calls reindex`",
    "not a database": "the file is no SQLite database: move it away or set SDR_LAB_HOME",
    "connection": "the server can't be reached: check DATABASE_URL",
}
"""What a driver's message contains → what to tell the user."""

T = TypeVar("T")


class Database:
    """An open database, its tables up to date. Share one object between threads."""

    def __init__(self, engine: Engine, place: str) -> None:
        self.engine = engine
        self.place = place
        """The file or the server, for messages; never holds a password."""
        self._writes = engine.execution_options(sdr_lab_writes=True)

    def read(self, work: Callable[[Session], T]) -> T:
        """Run `work` on one consistent view of the data.

        Raises:
            StorageError: the database can't be read.
        """
        return self._run(self.engine, work)

    def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction that is kept as a whole or not at all.

        `work` may run again after a lock conflict, so it must not change anything else.

        Raises:
            StorageError: the database can't be written.
        """
        return self._run(self._writes, work)

    def _run(self, engine: Engine, work: Callable[[Session], T]) -> T:
        attempt = 1
        while True:
            try:
                with Session(engine, expire_on_commit=False) as session, session.begin():
                    return work(session)
            except IntegrityError:
                raise  # a unique constraint: the store that caused it says what it means
            except DBAPIError as error:
                if attempt == RETRIES or not is_conflict(error):
                    raise storage_error(self.place, error) from error
            except OSError as error:
                raise storage_error(self.place, error) from error
            time.sleep(0.05 * attempt)  # always in an ordinary thread, never in the event loop
            attempt += 1

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def open_database(home: Path, url: str = "") -> Database:
    """Open the database of a workspace; create it and update its tables where needed.

    Safe when several processes open a new workspace at the same moment.

    Args:
        home: The workspace; made when missing. Holds `sdr_lab.db` unless `url` is given.
        url: `postgresql://user:password@host/name` or `sqlite:///path` (DATABASE_URL).

    Raises:
        StorageError: read-only, full, damaged, unreachable, or written by a newer sdr_lab.
        SettingError: `url` is no database URL, or of a kind that is not supported.
        MissingPackage: PostgreSQL without psycopg.
    """
    path = home / "sdr_lab.db"
    engine = engine_of(url or f"sqlite:///{path}")
    sqlite_file = engine.url.database if engine.dialect.name == "sqlite" else None
    place = sqlite_file or engine.url.render_as_string(hide_password=True)
    try:
        if sqlite_file:
            Path(sqlite_file).parent.mkdir(parents=True, exist_ok=True)
        prepare(engine, sqlite_file, place)
    except (DBAPIError, OSError) as error:
        engine.dispose()
        raise storage_error(place, error) from error
    return Database(engine, place)


def engine_of(url: str) -> Engine:
    """Return the engine of a database URL, with our SQLite manners."""
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        kind = parsed.get_backend_name()
        if kind not in ("sqlite", "postgresql") or (kind == "sqlite" and not parsed.database):
            raise ArgumentError(kind)
        engine = create_engine(parsed, pool_pre_ping=kind == "postgresql")
    except (ArgumentError, NoSuchModuleError) as error:
        shown = url.split("://")[0] + "://…"  # the rest may hold a password
        allowed = "postgresql://user:password@host/name or sqlite:///path/to/file.db"
        raise SettingError("DATABASE_URL", shown, allowed) from error
    except ModuleNotFoundError as error:
        raise MissingPackage(
            "DATABASE_URL names PostgreSQL, but psycopg is not installed: "
            'pip install "psycopg[binary]"'
        ) from error
    if kind == "sqlite":
        event.listen(engine, "connect", set_up_sqlite)
        event.listen(engine, "begin", begin_sqlite)
    return engine


def set_up_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, see begin_sqlite
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")  # with WAL safe against crashes


def begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("sdr_lab_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def prepare(engine: Engine, sqlite_file: str | None, place: str) -> None:
    """Migrate the tables when they are not at `SCHEMA`. The usual case takes no lock."""
    with engine.connect() as connection:
        found = migrate.schema_of(connection)
    if found == SCHEMA:
        return
    if found and not migrate.knows(found):
        raise StorageError(
            f"{place}: its tables are of a newer sdr_lab (schema {found}, this one knows "
            f"{SCHEMA}): update sdr_lab"
        )
    with migration_lock(sqlite_file):
        if sqlite_file:
            with engine.connect() as connection:
                raw = connection.connection.driver_connection
                connection.rollback()
                assert isinstance(raw, sqlite3.Connection)
                raw.execute("PRAGMA journal_mode = WAL")
        with engine.execution_options(sdr_lab_writes=True).begin() as connection:
            if not sqlite_file:
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK}
                )
            migrate.upgrade(connection)


def migration_lock(sqlite_file: str | None) -> AbstractContextManager[Any]:
    """Let one process at a time change the journal mode and the tables of an SQLite file."""
    if sqlite_file is None:
        return nullcontext()
    from filelock import FileLock

    return FileLock(f"{sqlite_file}.lock", timeout=60)


def is_conflict(error: DBAPIError) -> bool:
    """Say whether a transaction lost against another one and may be tried again."""
    state = getattr(error.orig, "sqlstate", None)
    return "locked" in str(error.orig) or state in ("40001", "40P01")


def storage_error(place: str, error: Exception) -> StorageError:
    """Return an error of one line: where, what, and what to do."""
    reason = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    first = reason.splitlines()[0]
    lower = reason.lower()
    cure = next((cure for words, cure in CURES.items() if words in lower), first)
    return StorageError(f"{place}: {cure}")
