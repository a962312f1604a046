"""Opening the workspace for a command, and closing it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sdr_lab.commands.terminal import load_settings

if TYPE_CHECKING:
    import typer

    from sdr_lab.lab import Lab


@contextmanager
def workspace(ctx: typer.Context, **overrides: object) -> Iterator[Lab]:
    """Open the lab of the settings; the database is opened only if the command uses it."""
    from sdr_lab.lab import Lab

    lab = Lab(load_settings(ctx, **overrides))
    try:
        yield lab
    finally:
        if "database" in vars(lab):  # a cached property: there once it has been used
            lab.database.close()
