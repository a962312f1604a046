"""`doctor` and `settings`: what is there, and how it is set."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from sdr_lab.commands.terminal import JSON_HELP, load_settings, print_json, print_table

COLOURS = {"ok": "green", "missing": "red", "optional": "yellow"}
SIGNS = {"ok": "found", "missing": "MISSING", "optional": "not there"}


def doctor(
    ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False
) -> None:
    """Say which engines, models, keys, servers and programs are there, and how to get the rest.

    Exits with 1 when something is missing that the settings ask for.
    """
    from rich.text import Text

    from sdr_lab.doctor import examine

    checks = examine(load_settings(ctx))
    if as_json:
        print_json([dataclasses.asdict(check) for check in checks])
    else:
        rows = [
            (c.name, Text(SIGNS[c.state], COLOURS[c.state]), c.detail, c.remedy) for c in checks
        ]
        print_table(("", "", "what", "how to get it"), rows)
    if any(check.state == "missing" for check in checks):
        raise typer.Exit(1)


def settings(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Only these; default: all.")] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only those that differ from the default.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Show every setting, its value and where it came from. Secrets are masked."""
    loaded = load_settings(ctx)
    rows = []
    for info in (loaded.describe(name) for name in names or loaded.names()):
        source = loaded.source(info.name)
        if changed and source == "default":
            continue
        rows.append((info, loaded.masked(info.name), source))
    if as_json:
        print_json(
            {
                info.name: {
                    "value": value,
                    "source": source,
                    "default": info.default,
                    "allowed": info.allowed,
                    "meaning": info.meaning,
                    "group": info.group,
                }
                for info, value, source in rows
            }
        )
        return
    print_table(
        ("setting", "value", "from", "allowed", "meaning"),
        [(info.name, value, source, info.allowed, info.meaning) for info, value, source in rows],
    )
