import importlib.util
import multiprocessing
import os
import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import event, text

from sdr_lab.errors import MissingPackage, SettingError, StorageError
from sdr_lab.store.database import Database, engine_of, open_database
from sdr_lab.store.dnc import DoNotCall
from sdr_lab.store.migrations import SCHEMA


def numbers(database: Database) -> int:
    return database.read(lambda s: s.execute(text("SELECT count(*) FROM do_not_call")).scalar_one())


def add_number(session, number: str) -> None:
    values = {"n": number, "at": "2026-11-30 10:00:00.000000"}
    session.execute(
        text(
            "INSERT INTO do_not_call (number, reason, conversation_id, added_at) "
            "VALUES (:n, '', '', :at)"
        ),
        values,
    )


def test_a_new_workspace_gets_its_tables(database: Database):
    version = database.read(lambda s: s.scalar(text("SELECT version_num FROM alembic_version")))
    assert version == SCHEMA
    assert numbers(database) == 0


def test_sqlite_readers_need_not_wait(tmp_path: Path):
    database = open_database(tmp_path)
    assert database.read(lambda s: s.scalar(text("PRAGMA journal_mode"))) == "wal"
    assert database.read(lambda s: s.scalar(text("PRAGMA foreign_keys"))) == 1
    other = open_database(tmp_path)

    def write(session) -> None:
        add_number(session, "+1")
        assert numbers(other) == 0  # neither blocked nor dirty

    database.write(write)
    assert numbers(other) == 1


def test_what_fails_leaves_nothing(database: Database):
    def write(session) -> None:
        add_number(session, "+1")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        database.write(write)
    assert numbers(database) == 0


def test_an_open_workspace_can_be_opened_again(tmp_path: Path, url: str):
    first = open_database(tmp_path, url)
    first.write(lambda s: add_number(s, "+1"))
    first.close()
    second = open_database(tmp_path, url)
    assert numbers(second) == 1
    second.close()


def open_and_write(home: Path, url: str, gate, answers, name: str) -> None:
    gate.wait()
    try:
        database = open_database(home, url)
        for i in range(20):
            database.write(lambda s, i=i: add_number(s, f"{name}-{i}"))
        answers.put("ok")
    except Exception as error:
        answers.put(repr(error))


def test_many_processes_may_open_a_new_workspace_at_once(tmp_path: Path, url: str):
    fork = multiprocessing.get_context("fork")
    gate, answers = fork.Barrier(5), fork.Queue()
    processes = [
        fork.Process(target=open_and_write, args=(tmp_path, url, gate, answers, f"p{i}"))
        for i in range(5)
    ]
    for process in processes:
        process.start()
    assert [answers.get(timeout=120) for _ in processes] == ["ok"] * 5
    for process in processes:
        process.join()
    database = open_database(tmp_path, url)
    assert numbers(database) == 100
    database.close()


def test_threads_share_a_database(database: Database):
    def work(name: str) -> None:
        for i in range(20):
            database.write(lambda s, i=i: add_number(s, f"{name}-{i}"))

    threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(database) == 80


# ---- what can go wrong


def test_a_lock_that_is_never_given_back_is_reported(tmp_path: Path):
    database = open_database(tmp_path)
    event.listen(
        database.engine, "connect", lambda connection, _: connection.execute(
            "PRAGMA busy_timeout = 1"
        )
    )  # fmt: skip
    database.close()  # connections from here on wait a millisecond
    other = open_database(tmp_path)

    def write(session) -> None:
        add_number(session, "+1")
        with pytest.raises(StorageError, match="another process keeps it locked"):
            database.write(lambda s: add_number(s, "+2"))

    other.write(write)
    assert numbers(database) == 1


def test_a_lock_that_is_given_back_is_waited_for(tmp_path: Path):
    database, other = open_database(tmp_path), open_database(tmp_path)
    holds, seen = threading.Event(), []

    def slow(session) -> None:
        add_number(session, "+1")
        holds.set()
        seen.append(numbers(database))

    thread = threading.Thread(target=lambda: other.write(slow))
    thread.start()
    holds.wait()
    database.write(lambda s: add_number(s, "+2"))
    thread.join()
    assert numbers(database) == 2
    assert seen == [0]


async def test_a_full_disk_is_one_clear_line(tmp_path: Path):
    database = open_database(tmp_path)
    event.listen(
        database.engine, "connect", lambda connection, _: connection.execute(
            "PRAGMA max_page_count = 1"  # not less than it has already: full from now on
        )
    )  # fmt: skip
    database.close()
    with pytest.raises(StorageError, match=r"sdr_lab.db: the disk is full: free some space$"):
        await DoNotCall(database).add("+14155552671", "x" * 100_000, "conv_1")
    assert numbers(database) == 0


def open_as_nobody(home: Path, answers) -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    try:
        database = open_database(home)
        database.write(lambda s: add_number(s, "+1"))
        answers.put("written")
    except StorageError as error:
        answers.put(str(error))


@pytest.mark.parametrize("is_new", [True, False])
def test_a_read_only_workspace_is_one_clear_line(tmp_path: Path, is_new: bool):
    home = tmp_path / "home"
    home.mkdir()
    if not is_new:
        open_database(home).close()
    for path in [*home.iterdir(), home]:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222 | 0o555)
    for path in (tmp_path, *tmp_path.parents):  # nobody must be able to look
        if path.stat().st_uid == os.getuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o011)
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    process = fork.Process(target=open_as_nobody, args=(home, answers))
    process.start()
    said = answers.get(timeout=60)
    process.join()
    assert said.startswith(f"{home}/sdr_lab.db: ")
    assert "writable" in said or "may be written" in said
    assert "\n" not in said


def test_a_workspace_that_is_a_file_is_one_clear_line(tmp_path: Path):
    (tmp_path / "home").write_text("a file")
    with pytest.raises(StorageError, match="SDR_LAB_HOME is not a folder"):
        open_database(tmp_path / "home")


def test_a_damaged_file_is_one_clear_line(tmp_path: Path):
    (tmp_path / "sdr_lab.db").write_bytes(b"no database at all, but long enough" * 100)
    with pytest.raises(StorageError, match="the file is no SQLite database: move it away"):
        open_database(tmp_path)
    assert (tmp_path / "sdr_lab.db").read_bytes().startswith(b"no database")


def test_tables_of_a_newer_version_are_left_alone(tmp_path: Path):
    database = open_database(tmp_path)
    database.write(lambda s: s.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    database.close()
    with pytest.raises(StorageError, match=r"newer sdr_lab \(schema 9999.*update sdr_lab"):
        open_database(tmp_path)


@pytest.mark.parametrize("url", ["mysql://root:geheim@host/db", "nonsense", "sqlite://"])
def test_other_databases_are_refused_without_showing_passwords(tmp_path: Path, url: str):
    with pytest.raises(SettingError, match=r"DATABASE_URL.*allowed: postgresql://") as error:
        open_database(tmp_path, url)
    assert "geheim" not in str(error.value)


def test_a_server_that_is_not_there_is_one_clear_line(tmp_path: Path):
    pytest.importorskip("psycopg")
    with pytest.raises(StorageError, match="can't be reached: check DATABASE_URL") as error:
        open_database(tmp_path, "postgresql://ann:geheim@127.0.0.1:1/none")
    assert "geheim" not in str(error.value)


def test_postgresql_urls_use_psycopg_3():
    if importlib.util.find_spec("psycopg") is None:
        with pytest.raises(MissingPackage, match="pip install"):
            engine_of("postgres://ann@host/db")
    else:
        assert engine_of("postgres://ann@host/db").url.drivername == "postgresql+psycopg"
