"""SQL over the events of all calls. DuckDB reads the files where they lie; nothing is locked."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdr_lab import events
from sdr_lab.errors import BadInput

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SQL_TYPES = {int: "BIGINT", float: "DOUBLE", str: "VARCHAR", bool: "BOOLEAN"}
"""Lists and dicts are JSON."""

MEMORY = "1GB"


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a query."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    is_cut: bool
    """There were more rows than asked for."""


def columns() -> dict[str, str]:
    """Return the fields of all kinds and their SQL types, those of every event first.

    A field that is text in one kind and a flag in another (`heard`) is text.
    """
    found: dict[str, str] = {"kind": "VARCHAR", "at_ms": "BIGINT", "clock_ms": "DOUBLE"}
    for kind in events.KINDS.values():
        hints = typing.get_type_hints(kind)
        for field in dataclasses.fields(kind):
            sql_type = SQL_TYPES.get(hints[field.name], "JSON")
            if found.setdefault(field.name, sql_type) != sql_type:
                found[field.name] = "VARCHAR"
    del found["conversation_id"]  # known for every event from its folder
    return found


def events_view(calls_dir: Path) -> DuckDBPyConnection:
    """Open an in-memory database with the view `events`: a row per event of every call.

    Columns: `conversation_id` (the name of the folder), `kind`, `at_ms`, `clock_ms`, and every
    field of every kind, NULL where a kind lacks it. Lines that a crash has cut off, and kinds of a
    newer sdr_lab, do no harm. New calls show up without reopening. The connection reaches no files
    but the call folders, and no network. Close it after use.
    """
    import duckdb

    connection = duckdb.connect(":memory:", config={"threads": 2, "memory_limit": MEMORY})
    names = columns()
    calls_dir = calls_dir.absolute()
    if any(calls_dir.glob("*/events.jsonl")):
        connection.execute(f"CREATE VIEW events AS {select(calls_dir, names)}")
    else:  # a view over no files is refused
        types = ", ".join(f'"{name}" {kind}' for name, kind in names.items())
        connection.execute(f"CREATE TABLE events (conversation_id VARCHAR, {types})")
    allowed = f"{literal(str(calls_dir))}, {literal(escaped(calls_dir))}"
    connection.execute(f"SET allowed_directories = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def select(calls_dir: Path, names: dict[str, str]) -> str:
    """Return the SELECT over the files."""
    types = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in names.items())
    wanted = ", ".join(f'"{name}"' for name in names)
    return (
        f"SELECT parse_path(filename)[-2] AS conversation_id, {wanted} FROM read_json("
        f"{literal(escaped(calls_dir) + '/*/events.jsonl')}, format = 'newline_delimited', "
        f"ignore_errors = true, filename = true, columns = {{{types}}}) WHERE kind IS NOT NULL"
    )


def escaped(path: Path) -> str:
    """Return a path without wildcards that DuckDB would expand."""
    return "".join(f"[{letter}]" if letter in "[*?" else letter for letter in str(path))


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def run(calls_dir: Path, sql: str, max_rows: int = 10_000) -> Answer:
    """Run one query over the events of all calls.

    >>> run(home / "calls", "SELECT kind, count(*) FROM events GROUP BY kind ORDER BY 2 DESC")

    Raises:
        BadInput: the SQL is wrong, or wants to read something else.
    """
    import duckdb

    if not sql.strip():
        raise BadInput("query: got no SQL; try SELECT kind, count(*) FROM events GROUP BY kind")
    connection = events_view(calls_dir)
    try:
        kinds = [statement.type for statement in connection.extract_statements(sql)]
        if kinds != [duckdb.StatementType.SELECT]:
            raise BadInput("query: give one SELECT; nothing else may run over the calls")
        result = connection.execute(sql)
        rows = result.fetchmany(max_rows + 1)
        names = tuple(column[0] for column in result.description or ())
    except duckdb.Error as error:
        raise BadInput(f"query: {str(error).splitlines()[0]}") from error
    finally:
        connection.close()
    return Answer(names, tuple(rows[:max_rows]), len(rows) > max_rows)
