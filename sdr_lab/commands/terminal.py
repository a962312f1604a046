"""What all commands share: the global options, the settings they give, and how results look."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from sdr_lab.errors import BadInput, SdrLabError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from sdr_lab.config import Settings

PIPED_COLUMNS = 2000
"""Wide enough for any row of ours."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and the number of the signal."""

JSON_HELP = "Print JSON instead of text."


class Commands(TyperGroup):
    """A group of commands that prints our own errors as one red line and exits with 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (SdrLabError, ExceptionGroup) as error:
            told = own_errors(error)
            if not told:
                raise
            complain("\n".join(dict.fromkeys(map(str, told))))
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            complain("interrupted: a recorded call is kept until here, no result was written")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # `sdr-lab calls list | head`
            sys.stderr.close()
            raise typer.Exit(0) from None


def own_errors(error: Exception) -> list[SdrLabError]:
    """Return our errors in an exception group of a TaskGroup; none if it holds another as well."""
    if isinstance(error, SdrLabError):
        return [error]
    if not isinstance(error, ExceptionGroup):
        return []
    parts = [own_errors(part) for part in error.exceptions]
    return [told for part in parts for told in part] if all(parts) else []


@dataclass(frozen=True)
class Globals:
    """The options before the command."""

    env_file: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    """NAME → value of `--set`, `--home`."""


def assignments(pairs: Sequence[str]) -> dict[str, str]:
    """Read NAME=VALUE options."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise BadInput(f"got {pair!r}, expected NAME=VALUE")
        values[name.strip()] = value
    return values


def load_settings(ctx: typer.Context, **overrides: object) -> Settings:
    """Load the settings for a command; what has no effect is said once on standard error.

    Args:
        overrides: The command's own options by setting, in either case; they win over `--set`.
    """
    from sdr_lab.config import ENV_FILE, Settings
    from sdr_lab.logs import set_up_logs

    chosen = ctx.find_object(Globals) or Globals()
    given = {name.upper(): value for name, value in chosen.settings.items()}
    given |= {name.upper(): value for name, value in overrides.items() if value is not None}
    settings = Settings.load(chosen.env_file or ENV_FILE, given)
    set_up_logs(settings)
    for notice in settings.notices:
        typer.secho(notice, fg="yellow", err=True)
    return settings


def complain(message: str) -> None:
    """Print an error: one line, or one for each document that was refused."""
    for line in message.splitlines():
        typer.secho(" ".join(line.split()), fg="red", err=True)


def console() -> Console:
    """Return a console on standard output; piped output is not folded."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPED_COLUMNS, highlight=False)


def print_json(value: object) -> None:
    """Print a value as JSON: dates in ISO form, paths as text."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str | Text]], title: str = ""
) -> None:
    """Print rows under headings; markup in the cells is not interpreted."""
    from rich import text
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(text.Text(cell) if isinstance(cell, str) else cell for cell in row))
    console().print(table)


def confirm(question: str, yes: bool) -> None:
    """Ask before something is destroyed.

    Raises:
        BadInput: nobody is there to answer and `--yes` was not given.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput(f"{question} Say so with --yes")
    typer.confirm(question, abort=True)


def _plain(value: object) -> Any:
    to_iso: Callable[[], str] | None = getattr(value, "isoformat", None)
    return to_iso() if to_iso else str(value)
