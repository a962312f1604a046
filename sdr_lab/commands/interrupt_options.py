"""What the `interrupts` commands share: options, the settings they give, corpora, progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sdr_lab.commands.terminal import load_settings
from sdr_lab.errors import BadInput

if TYPE_CHECKING:
    from sdr_lab.records import InterruptSettings
    from sdr_lab.tune.corpus import LabelledCall

SHORT_MS = 600_000
"""Less audio than this is done before other processes have started."""

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="DIR", help="truth.json with calls/*.wav, or call folders, or one call folder."
    ),
]
Detector = Annotated[
    str, typer.Option(help="Name of a detector, or package.module:Class; default: as configured.")
]
Pairs = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change an interrupt setting; repeatable."),
]
AgentKey = Annotated[
    str, typer.Option("--agent", help="Begin with this agent's settings (id, name or YAML file).")
]
Jobs = Annotated[
    int | None, typer.Option(min=1, max=256, help="Processes; default: as many as there are cores.")
]
Swap = Annotated[
    bool | None,
    typer.Option(
        "--swap/--no-swap",
        help="The caller is on the right channel / on the left, whatever it looks like.",
    ),
]


def chosen_settings(
    ctx: typer.Context, detector: str = "", pairs: Sequence[str] | None = None, agent: str = ""
) -> InterruptSettings:
    """Return the configured settings (or the agent's), changed by `--detector` and `--set`.

    Raises:
        SettingError: an unknown name, or a value that is not allowed.
        NotFound: no such detector or agent.
    """
    from sdr_lab.commands.workspace import workspace
    from sdr_lab.config import call_settings
    from sdr_lab.records import Agent
    from sdr_lab.tune.interrupt_settings import settings_of

    if agent:
        with workspace(ctx) as lab:
            base = call_settings(lab.settings, lab.agent(agent)).interrupt
    else:
        nobody = Agent("settings", "settings", 0, "", "")
        base = call_settings(load_settings(ctx), nobody).interrupt
    return settings_of(pairs or (), detector, base)


def opened(folder: Path, swap: bool | None = None) -> list[LabelledCall]:
    """Open a corpus; what was left out is told on standard error.

    Raises:
        BadInput: no calls, or one that can't be used.
    """
    from sdr_lab.tune.corpus import open_corpus

    return open_corpus(folder, swap, warn)


def warn(line: str) -> None:
    typer.secho(line, fg="yellow", err=True)


def count(n: int, noun: str) -> str:
    """Name a number of things: `1 call`, `2 calls`."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def jobs_for(calls: Sequence[LabelledCall], jobs: int | None) -> int:
    """Return the number of processes to use."""
    import os

    if jobs is not None:
        return jobs
    if sum(call.duration_ms for call in calls) < SHORT_MS:
        return 1
    return os.cpu_count() or 1


def checked_out(path: Path) -> Path:
    """Return a path that a file can be written to; told before the work, not after it.

    Raises:
        BadInput: it can't.
    """
    if path.is_dir() or not path.parent.is_dir():
        told = "is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise BadInput(f"--out {path}: {told}; give the name of a file")
    return path


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[..., None]]:
    """Show a bar on standard error if it is a terminal; call the result once for each step."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda *_: bar.advance(task)
