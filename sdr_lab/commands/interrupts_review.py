"""`interrupts review`: people confirm what recorded calls propose as labels."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from sdr_lab.commands.interrupt_options import count
from sdr_lab.commands.terminal import JSON_HELP, complain, print_json, print_table
from sdr_lab.commands.workspace import workspace
from sdr_lab.errors import BadInput, NotFound, SdrLabError

if TYPE_CHECKING:
    from sdr_lab.records import InterruptSettings
    from sdr_lab.tune.proposals import Proposal
    from sdr_lab.tune.review import Answer
    from sdr_lab.tune.review_desk import Desk

ARROWS = {
    "\x1b[D": "left", "\x1b[C": "right", "\x1b[A": "up", "\x1b[B": "down",
    "\x1bOD": "left", "\x1bOC": "right", "\x1bOA": "up", "\x1bOB": "down",
    "\xe0K": "left", "\xe0M": "right", "\xe0H": "up", "\xe0P": "down",
}  # fmt: skip
"""What terminals send for the arrow keys; the last four on Windows."""
PLAYERS = (
    ("aplay", "-q"),
    ("afplay",),
    ("ffplay", "-autoexit", "-nodisp", "-loglevel", "quiet"),
)
HELP = (
    "i interruption  b backchannel  n noise  v nonverbal  s side speech  e echo  x not an event\n"
    "← → onset  ↑ ↓ offset  p play again  k skip  u undo  q quit"
)

Run = Callable[[], str]


def review(
    ctx: typer.Context,
    call: Annotated[
        str | None,
        typer.Argument(metavar="CALL", help="A call or its folder; default: all of the workspace."),
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Print what waits.")] = False,
    accept: Annotated[str, typer.Option(metavar="ID", help="Confirm this proposal.")] = "",
    kind: Annotated[str, typer.Option("--type", help="What it is; default: as proposed.")] = "",
    reject: Annotated[str, typer.Option(metavar="ID", help="This one is no event.")] = "",
    undo: Annotated[str, typer.Option(metavar="ID", help="Take an answer back.")] = "",
    by: Annotated[str, typer.Option(help="Who answers; default: the user's name.")] = "",
    compare: Annotated[
        list[str] | None,
        typer.Option(metavar="DETECTOR", help="Also ask this detector; costs a run per call."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Go through what recorded calls propose as labels, and confirm or reject it.

    Confirmed labels are written to the call's labels.json.
    """
    from sdr_lab.tune import review as desk

    key = accept or reject or undo
    if sum(map(bool, (accept, reject, undo))) > 1:
        raise BadInput("give one of --accept, --reject and --undo")
    folders = _folders(ctx, call or key.rpartition("@")[0])
    others = _others(compare)
    if key:
        _print_answer(
            _answered(folders, (accept, reject, undo), kind, by or user(), others), as_json
        )
        return
    found, problems = desk.queue(folders, others)
    for problem in problems:
        typer.secho(problem, fg="yellow", err=True)
    if as_json or (list_only and found):
        _print_queue(found, as_json)
        return
    if not found:
        typer.echo(f"nothing waits for review in {count(len(folders), 'call')}")
        return
    if not sys.stdin.isatty():
        raise BadInput(
            f"{count(len(found), 'proposal')} wait, and nobody is there to press keys: "
            "give --list, --accept ID or --reject ID"
        )
    _sit_down(found, folders, by or user())


def user() -> str:
    """Return the name of who is logged in."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def _folders(ctx: typer.Context, key: str) -> list[Path]:
    """Return the folders of the calls that are reviewed."""
    from sdr_lab.tune.review import call_folders

    if key and Path(key).is_dir():
        path = Path(key)
        return [path] if (path / "events.jsonl").is_file() else call_folders(path)
    with workspace(ctx) as lab:
        if not key:
            return call_folders(lab.home / "calls")
        folder = lab.home / "calls" / key
        if Path(key).name == key and folder.is_dir():
            return [folder]
        found = lab.calls.get(key).folder
    if found is None:
        raise NotFound(f"call {key}: nothing was recorded")
    return [found]


def _others(names: Sequence[str] | None) -> list[InterruptSettings]:
    from sdr_lab.tune.interrupt_settings import settings_of

    return [settings_of([], name) for name in names or []]


def _answered(
    folders: Sequence[Path],
    keys: tuple[str, str, str],
    kind: str,
    by: str,
    others: Sequence[InterruptSettings],
) -> Answer | str:
    from sdr_lab.tune import review as desk

    accept, reject, undo = keys
    call = (accept or reject or undo).rpartition("@")[0]
    folder = next((f for f in folders if f.resolve().name == call), None)
    if folder is None:
        told = ", ".join(f.name for f in folders[:5]) or "there is none"
        raise NotFound(f"proposal {accept or reject or undo}: no call {call!r}; calls: {told}")
    if undo:
        desk.undo(folder, undo)
        return undo
    proposal = desk.find(folder, accept or reject, others)
    if reject:
        return desk.reject(folder, proposal, by)
    return desk.accept(folder, proposal, by, kind)


def _print_answer(answer: Answer | str, as_json: bool) -> None:
    import dataclasses

    if isinstance(answer, str):
        told, row = f"{answer} is open again", {"proposal": answer, "open": True}
    else:
        what = f"is labelled {answer.kind}" if answer.kind else "is no event"
        told, row = f"{answer.proposal} {what} by {answer.by}", dataclasses.asdict(answer)
    if as_json:
        print_json(row)
    else:
        typer.echo(told)


def _print_queue(found: Sequence[Proposal], as_json: bool) -> None:
    from sdr_lab.tune.proposals import PRIORITIES

    if as_json:
        print_json([proposal.to_dict() for proposal in found])
        return
    rows = [
        (
            p.id,
            PRIORITIES[p.priority],
            p.kind,
            f"{p.onset_ms / 1000:.2f}",
            f"{p.offset_ms / 1000:.2f}",
            p.reason,
        )
        for p in found
    ]
    print_table(("id", "priority", "probably", "from s", "to s", "why"), rows)


def _sit_down(found: Sequence[Proposal], folders: Sequence[Path], by: str) -> None:
    from sdr_lab.tune.review_desk import Desk

    places = {folder.resolve().name: folder for folder in folders}
    desk = Desk(found, lambda call: places[call], by)
    typer.echo(HELP)
    with TemporaryDirectory(prefix="sdr-lab-") as folder, Player(Path(folder)) as player:
        answer_all(desk, typer.getchar, player.play)
    typer.echo(f"{count(desk.answered, 'proposal')} answered by {by}")


def answer_all(desk: Desk, read_key: Run, play: Callable[[Desk], str]) -> None:
    """Show proposal after proposal and take keys until all are answered or `q` is pressed.

    Args:
        read_key: Returns the next key, as the terminal sends it.
        play: Lets the sound of the desk's proposal be heard, and says how.
    """
    shown = None
    while not desk.is_over:
        now = desk.current
        if now is not None and shown is not now:
            _show(desk, now)
            typer.secho(f"  {play(desk)}", dim=True)
            shown = now
        try:
            raw = read_key()
        except (EOFError, KeyboardInterrupt):
            raw = "q"
        key = ARROWS.get(raw, raw.lower())
        if key == "p":
            typer.secho(f"  {play(desk)}", dim=True)
            continue
        try:
            told = desk.press(key)
        except SdrLabError as error:
            complain(str(error))
            continue
        typer.echo(f"  {told}" if told else HELP)


def _show(desk: Desk, now: Proposal) -> None:
    from sdr_lab.tune.proposals import PRIORITIES
    from sdr_lab.tune.review_desk import context

    folder = desk.folder
    typer.echo()
    typer.secho(
        f"{desk.place}  {now.id}  {now.onset_ms / 1000:.2f} to {now.offset_ms / 1000:.2f} s  "
        f"probably {now.kind.replace('_', ' ')} ({PRIORITIES[now.priority]})",
        bold=True,
    )
    typer.echo(f"  {now.reason}")
    for line in context(folder, now.onset_ms, now.offset_ms) if folder else []:
        mark = "▸" if line.is_here else " "
        typer.echo(f"  {mark} {line.at_ms / 1000:7.2f} s  {line.who:<6}  {line.text}")


class Player:
    """Writes the snippet of a proposal, and plays it when the machine can."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: subprocess.Popen[bytes] | None = None
        self._command = next((c for c in PLAYERS if shutil.which(c[0])), None)

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def play(self, desk: Desk) -> str:
        """Play what the desk shows; return where the sound lies."""
        from sdr_lab.tune.review_desk import write_snippet

        now, folder = desk.current, desk.folder
        if now is None or folder is None:
            return ""
        self._stop()
        try:
            path = write_snippet(folder, *desk.span, self._folder / f"{now.id}.wav")
        except SdrLabError as error:
            return str(error)
        if self._command is None:
            return f"sound: {path}"
        self._running = subprocess.Popen(
            [*self._command, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return f"playing {path}"

    def _stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.terminate()
            running.wait()
