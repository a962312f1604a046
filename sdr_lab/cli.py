"""The command line: `sdr-lab`. Which commands there are is the table at the end of this file.

`sdr-lab --help` must answer within half a second, so nothing heavy is imported here or at the
top of any file under commands/.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sdr_lab import __version__
from sdr_lab.commands import about, agents, call, calls, interrupts, knowledge, replay, say
from sdr_lab.commands.terminal import Commands, Globals, assignments

app = typer.Typer(
    name="sdr-lab",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sdr-lab {__version__}")
        raise typer.Exit


@app.callback()
def main(
    ctx: typer.Context,
    home: Annotated[
        str | None, typer.Option("--home", help="Workspace folder; short for SDR_LAB_HOME.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change a setting for this command."),
    ] = None,
    env_file: Annotated[
        Path | None, typer.Option(help="File with settings instead of ./.env.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """A lab and a live server for AI sales-call voice agents."""
    given = assignments(changes or [])
    if home is not None:
        given["SDR_LAB_HOME"] = home
    ctx.obj = Globals(env_file, given)


app.command()(call.call)
app.command()(say.say)
app.command()(knowledge.ingest)
app.command()(knowledge.search)
app.command()(knowledge.documents)
app.add_typer(agents.app, name="agents")
app.add_typer(calls.app, name="calls")
app.command()(calls.latency)
app.command()(replay.replay)
app.add_typer(interrupts.app, name="interrupts")
app.command()(about.doctor)
app.command()(about.settings)
