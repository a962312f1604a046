"""`calls` and `latency`: what has been recorded, and where the time went."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sdr_lab.commands.terminal import (
    JSON_HELP,
    confirm,
    console,
    print_json,
    print_table,
)
from sdr_lab.commands.workspace import workspace
from sdr_lab.errors import BadInput, NotFound

if TYPE_CHECKING:
    from sdr_lab.lab import Lab
    from sdr_lab.store.folder import Conversation, Status
    from sdr_lab.trace.latency import CallLatency

app = typer.Typer(help="Recorded calls.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
Key = Annotated[str, typer.Argument(metavar="CALL", help="Conversation id or call SID.")]

TIME = "%Y-%m-%d %H:%M:%S"


@app.command("list")
def list_calls(
    ctx: typer.Context,
    agent: Annotated[str, typer.Option(help="Only of this agent (id or name).")] = "",
    status: Annotated[
        str,
        typer.Option(
            help="initiated, in-progress, completed, voicemail, busy, no-answer, canceled, failed "
            "or broken-off."
        ),
    ] = "",
    outcome: Annotated[str | None, typer.Option(help="Such as booked or do_not_call.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Started then or later.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List the calls, newest first."""
    from sdr_lab.store.call_rows import CallFilter

    which = CallFilter(
        agent=agent,
        status=_status(status) if status else None,
        outcome=_outcome(outcome),
        since=since.astimezone() if since else None,
    )
    with workspace(ctx) as lab:
        found = lab.calls.list(which, limit).calls
        total = lab.calls.count(which)
    if as_json:
        print_json([_as_dict(call) for call in found])
        return
    print_table(
        ("call", "started", "agent", "status", "outcome", "length", "number"),
        [
            (
                call.id,
                call.started_at.astimezone().strftime(TIME),
                f"{call.agent_id} v{call.agent_version}",
                call.status.words,
                call.outcome,
                _length(call.duration_ms),
                _masked(call.phone_number),
            )
            for call in found
        ],
    )
    if total > len(found):
        typer.echo(f"{total - len(found)} more: --limit", err=True)


@app.command()
def show(
    ctx: typer.Context,
    call: Key,
    events: Annotated[bool, typer.Option("--events", help="The event log instead.")] = False,
    as_json: Json = False,
) -> None:
    """Print what is known of a call, and its transcript."""
    with workspace(ctx) as lab:
        found = lab.calls.get(call)
    if events:
        typer.echo(_log_of(found).read_text(encoding="utf-8"), nl=False)
        return
    if as_json:
        print_json(_as_dict(found))
        return
    facts = {
        "call": found.id,
        "started": found.started_at.astimezone().strftime(TIME),
        "length": _length(found.duration_ms),
        "status": f"{found.status.words} ({found.ended_reason})".replace(" ()", ""),
        "outcome": found.outcome,
        "agent": f"{found.agent_name} ({found.agent_id}, version {found.agent_version})",
        "number": _masked(found.phone_number),
        "answered by": str(found.metadata.get("answered_by", "")).replace("_", " "),
        "engines": ", ".join(filter(None, (found.stt, found.llm, found.tts))),
        "folder": str(found.folder or ""),
    }
    print_table(("", ""), [(name, value) for name, value in facts.items() if value])
    typer.echo()
    for turn in found.turns:
        cut = " —" if turn.interrupted else ""
        typer.echo(f"{turn.at_ms / 1000:7.1f} s  {turn.role:<6}  {turn.text}{cut}")


@app.command()
def export(
    ctx: typer.Context,
    call: Key,
    target: Annotated[Path, typer.Argument(help="A new folder, or a file that ends in .zip.")],
) -> None:
    """Copy a call out of the workspace."""
    with workspace(ctx) as lab:
        typer.echo(lab.calls.export(call, target))


@app.command()
def delete(
    ctx: typer.Context,
    calls: Annotated[
        list[str], typer.Argument(metavar="CALL", help="Conversation ids or call SIDs.")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete calls: folder, recording and database row. This can't be undone."""
    with workspace(ctx) as lab:
        found = [lab.calls.get(call) for call in calls]
        confirm(f"Delete {', '.join(call.id for call in found)} for good?", yes)
        for call in found:
            lab.calls.delete(call.id)
            typer.echo(f"{call.id} is deleted")


@app.command()
def reindex(
    ctx: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(help="Another folder of call folders, indexed where it is.")
    ] = None,
) -> None:
    """Make the database say what the call folders say."""
    with workspace(ctx) as lab:
        done = lab.calls.reindex(folder)
    for problem in done.problems:
        typer.secho(problem, fg="yellow", err=True)
    typer.echo(f"{done.indexed} calls indexed, {done.removed} gone")


@app.command()
def query(
    ctx: typer.Context,
    sql: Annotated[str, typer.Argument(help="One SELECT over the view `events`.")],
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 1000,
    as_json: Json = False,
) -> None:
    """Ask the events of all calls in SQL (DuckDB).

    The view `events` has conversation_id, kind, at_ms, clock_ms and every field of every kind.
    """
    from sdr_lab.trace.query import run

    with workspace(ctx) as lab:
        answer = run(lab.home / "calls", sql, limit)
    if as_json:
        print_json([dict(zip(answer.columns, row, strict=True)) for row in answer.rows])
    else:
        rows = [["" if value is None else str(value) for value in row] for row in answer.rows]
        print_table(answer.columns, rows)
    if answer.is_cut:
        typer.echo(f"only the first {limit} rows: --limit", err=True)


def latency(
    ctx: typer.Context,
    calls: Annotated[
        list[str] | None,
        typer.Argument(metavar="CALL", help="Ids or call folders; default: the newest call."),
    ] = None,
    last: Annotated[
        int | None, typer.Option(min=1, max=500, help="The newest calls, so many.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="A row per turn instead.")] = False,
    as_json: Json = False,
) -> None:
    """Show where the time of each turn went, and percentiles over all of them."""
    from sdr_lab.trace.report import report, to_csv, to_dict

    if csv and as_json:
        raise BadInput("give --csv or --json, not both")
    with workspace(ctx) as lab:
        measured = _measured(lab, calls or [], last)
    if as_json:
        print_json(to_dict(measured))
    elif csv:
        typer.echo(to_csv(measured), nl=False)
    else:
        console().print(report(measured))


def _measured(lab: Lab, keys: list[str], last: int | None) -> list[CallLatency]:
    from sdr_lab.store.call_rows import CallFilter
    from sdr_lab.trace.report import measured

    if keys and last is not None:
        raise BadInput("give calls or --last, not both")
    if keys:
        return [measured(folder_of(lab, key)) for key in keys]
    newest = lab.calls.list(CallFilter(recorded=True), last or 1).calls
    if not newest:
        raise NotFound("no calls have been recorded yet: sdr-lab call")
    return [measured(_log_of(call).parent) for call in newest]


def folder_of(lab: Lab, key: str) -> Path:
    """Return the folder of a call that an id, a call SID or the folder itself names."""
    path = Path(key)
    return path if path.is_dir() else _log_of(lab.calls.get(key)).parent


def _log_of(call: Conversation) -> Path:
    log = call.folder / "events.jsonl" if call.folder else None
    if log is None or not log.is_file():
        raise NotFound(f"call {call.id} has no event log: nothing was recorded")
    return log


def _status(text: str) -> Status:
    from sdr_lab.store.folder import Status

    try:
        return Status(text)
    except ValueError:
        raise BadInput(f"--status: got {text!r}, allowed: {', '.join(Status)}") from None


def _outcome(text: str | None) -> str | None:
    from sdr_lab.store.folder import OUTCOMES

    if text is not None and text not in OUTCOMES:
        allowed = ", ".join(filter(None, OUTCOMES))
        raise BadInput(f"--outcome: got {text!r}, allowed: {allowed}, or '' for none")
    return text


def _as_dict(call: Conversation) -> dict[str, object]:
    import dataclasses

    return dataclasses.asdict(call)


def _length(duration_ms: int | None) -> str:
    if duration_ms is None:
        return ""
    minutes, seconds = divmod(round(duration_ms / 1000), 60)
    return f"{minutes}:{seconds:02}"


def _masked(number: str) -> str:
    """Hide the middle of a phone number; `--json` has all of it."""
    return f"{number[:-7]}***{number[-4:]}" if len(number) > 8 else number
