"""`agents`: the agents of a workspace and every version of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sdr_lab.commands.terminal import JSON_HELP, confirm, print_json, print_table
from sdr_lab.commands.workspace import workspace

app = typer.Typer(help="Agents and their versions.", no_args_is_help=True)

Key = Annotated[str, typer.Argument(metavar="AGENT", help="Id or name of an agent.")]
Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
Note = Annotated[str, typer.Option(help="Why this version was made.")]
Author = Annotated[str, typer.Option(help="Who made it.")]

TIME = "%Y-%m-%d %H:%M"


@app.command("list")
def list_agents(
    ctx: typer.Context,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted ones as well.")] = False,
    as_json: Json = False,
) -> None:
    """List the agents."""
    with workspace(ctx) as lab:
        entries = lab.agents.list(include_deleted=deleted)
    if as_json:
        print_json(
            [
                {
                    "id": e.agent.id,
                    "name": e.agent.name,
                    "version": e.agent.version,
                    "created_at": e.created_at,
                    "updated_at": e.updated_at,
                    "is_active": e.is_active,
                }
                for e in entries
            ]
        )
        return
    print_table(
        ("id", "name", "version", "changed", ""),
        [
            (
                e.agent.id,
                e.agent.name,
                str(e.agent.version),
                e.updated_at.astimezone().strftime(TIME),
                "" if e.is_active else "deleted",
            )
            for e in entries
        ],
    )
    if not entries:
        typer.echo("No agents yet: sdr-lab agents save FILE", err=True)


@app.command()
def show(
    ctx: typer.Context,
    agent: Key,
    version: Annotated[int | None, typer.Option(help="Another version than the last.")] = None,
    as_json: Json = False,
) -> None:
    """Print an agent as YAML, ready to be changed and saved again."""
    from sdr_lab.agents.agent import agent_to_dict, dump_agent

    with workspace(ctx) as lab:
        found = lab.agents.get(agent) if version is None else lab.agents.at_version(agent, version)
    if as_json:
        print_json(agent_to_dict(found))
    else:
        typer.echo(dump_agent(found), nl=False)


@app.command()
def save(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Agents as YAML.")],
    note: Note = "",
    author: Author = "",
) -> None:
    """Keep agents from YAML files: new ones, or new versions of known ones."""
    from sdr_lab.agents.agent import load_agent
    from sdr_lab.config import call_settings

    read = [load_agent(file) for file in files]
    with workspace(ctx) as lab:
        for agent in read:
            call_settings(lab.settings, agent)  # refuses thresholds that no call could use
        for agent in read:
            saved = lab.agents.save(agent, author=author, note=note)
            typer.echo(f"{saved.id} is at version {saved.version}")


@app.command()
def versions(ctx: typer.Context, agent: Key, as_json: Json = False) -> None:
    """List the versions of an agent, newest first."""
    with workspace(ctx) as lab:
        found = lab.agents.versions(agent)
    if as_json:
        print_json(
            [
                {
                    "version": v.agent.version,
                    "created_at": v.created_at,
                    "author": v.author,
                    "note": v.note,
                }
                for v in found
            ]
        )
        return
    print_table(
        ("version", "made", "by", "note"),
        [
            (
                str(v.agent.version),
                v.created_at.astimezone().strftime(TIME),
                v.author,
                v.note,
            )
            for v in found
        ],
    )


@app.command()
def diff(
    ctx: typer.Context,
    agent: Key,
    old: Annotated[int, typer.Argument(help="A version.")],
    new: Annotated[int | None, typer.Argument(help="A later one; default: the last.")] = None,
) -> None:
    """Show what differs between two versions."""
    colours = {"+": "green", "-": "red", "@": "cyan"}
    with workspace(ctx) as lab:
        last = lab.agents.entry(agent, include_deleted=True).agent.version
        changes = lab.agents.diff(agent, old, last if new is None else new)
    for change in changes:
        typer.secho(change.field, bold=True)
        for line in change.lines():
            typer.secho(f"  {line}", fg=colours.get(line[:1]))


@app.command()
def restore(
    ctx: typer.Context,
    agent: Key,
    version: Annotated[int, typer.Argument(help="The version to go back to.")],
    author: Author = "",
) -> None:
    """Make an old version the current one, as a new version."""
    with workspace(ctx) as lab:
        restored = lab.agents.restore(agent, version, author)
    typer.echo(f"{restored.id} is at version {restored.version}")


@app.command()
def delete(
    ctx: typer.Context,
    agent: Key,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Hide an agent. Its versions and calls stay; `undelete` brings it back."""
    with workspace(ctx) as lab:
        found = lab.agents.get(agent)
        confirm(f"Delete agent {found.id} ({found.name})?", yes)
        lab.agents.delete(found.id)
    typer.echo(f"{found.id} is deleted")


@app.command()
def undelete(ctx: typer.Context, agent: Key) -> None:
    """Bring a deleted agent back."""
    with workspace(ctx) as lab:
        found = lab.agents.undelete(agent)
    typer.echo(f"{found.id} is back, at version {found.version}")


@app.command()
def schema() -> None:
    """Print the JSON schema of an agent's YAML, for editors that complete and check it."""
    from sdr_lab.agents.agent import agent_schema

    print_json(agent_schema())
