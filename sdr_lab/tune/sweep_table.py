"""The table of a sweep as a Parquet file, and what was saved with it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdr_lab.errors import BadInput, NotFound, StorageError, reason_of
from sdr_lab.records import InterruptSettings

if TYPE_CHECKING:
    import duckdb

    from sdr_lab.tune.sweep import SweepResult

KEY = "sdr_lab_sweep"
"""Name of the outcome among the file's key-value metadata."""

TYPES = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}


def write_table(path: Path, result: SweepResult) -> None:
    """Write the rows, one per setting, all of them or nothing; the outcome goes in as metadata.

    Raises:
        StorageError: it can't be written; an older file stays as it was.
    """
    outcome = result.to_dict() | {"base": _record(result.space.settings[0])}
    rows = [{"setting": i} | row for i, row in enumerate(result.rows)]
    part = path.with_name(f".{path.name}.part")
    try:
        with tempfile.TemporaryDirectory() as folder:
            lines = Path(folder) / "rows.json"
            lines.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
            query = (
                f"COPY (SELECT * FROM read_json({_quoted(lines)}, format='newline_delimited', "
                f"columns={{{_columns(rows)}}})) TO {_quoted(part)} "
                f"(FORMAT parquet, KV_METADATA {{{KEY}: {_quoted(json.dumps(outcome))}}})"
            )
            with _database() as database:
                database.execute(query)
        part.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: can't write: {reason_of(error)}") from None
    except _errors() as error:
        told = " ".join(str(error).split())
        raise StorageError(f"{path}: can't write: {told}") from None
    finally:
        part.unlink(missing_ok=True)


def read_table(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table that `write_table` wrote.

    Raises:
        NotFound: there is no such file.
        BadInput: it is something else.
    """
    read_outcome(path)
    with _database() as database:
        found = database.execute(f"SELECT * FROM read_parquet({_quoted(path)}) ORDER BY setting")
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def read_outcome(path: Path) -> dict[str, Any]:
    """Return what the sweep found: `SweepResult.to_dict()`, and its first settings as `base`.

    Raises:
        NotFound: there is no such file.
        BadInput: it is something else.
    """
    if not path.is_file():
        raise NotFound(f"{path}: there is no such file; `interrupts sweep --out` writes one")
    try:
        with _database() as database:
            query = f"SELECT key, value FROM parquet_kv_metadata({_quoted(path)})"
            found = {bytes(key): bytes(value) for key, value in database.execute(query).fetchall()}
        return json.loads(found[KEY.encode()])
    except (KeyError, ValueError, *_errors()):
        raise BadInput(
            f"{path}: is no table of a sweep; `interrupts sweep --out` writes one"
        ) from None


def settings_of_row(path: Path, setting: int | None = None) -> InterruptSettings:
    """Return the chosen settings of a table, or those of another row.

    Raises:
        NotFound: there is no such file or row.
        BadInput: it is no table of a sweep.
    """
    outcome, rows = read_outcome(path), read_table(path)
    found = [r for r in rows if (r["is_chosen"] if setting is None else r["setting"] == setting)]
    if not found:
        raise NotFound(f"{path}: no row {setting}; allowed: 0 to {len(rows) - 1}")
    varied = {name: found[0][name] for name in outcome["chosen"]}
    return replace(InterruptSettings(**_tuples(outcome["base"])), **varied)


def _record(settings: InterruptSettings) -> dict[str, Any]:
    row = asdict(settings)
    return row | {name: dict(row[name]) for name in ("greeting", "thinking")}


def _tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def _columns(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return DuckDB's description of the columns; a number that is missing somewhere is one."""
    columns = []
    for name in rows[0]:
        kinds = {type(row[name]) for row in rows} - {type(None)}
        kind = float if kinds == {int, float} else next(iter(kinds), float)
        columns.append(f"{_quoted(name)}: '{TYPES[kind]}'")
    return ", ".join(columns)


def _quoted(text: str | Path) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _database() -> duckdb.DuckDBPyConnection:
    import duckdb

    return duckdb.connect()


def _errors() -> tuple[type[Exception], ...]:
    import duckdb

    return (duckdb.Error,)
