"""`sdr-lab replay`: an old call again, with other thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sdr_lab.commands.calls import folder_of
from sdr_lab.commands.interrupt_options import Detector, Pairs, warn
from sdr_lab.commands.terminal import JSON_HELP, print_json, print_table
from sdr_lab.commands.workspace import workspace

if TYPE_CHECKING:
    from sdr_lab.records import CallSettings
    from sdr_lab.replay.decisions import DecisionReplay
    from sdr_lab.replay.rows import Decided

SAME, MOVED, GONE, NEW = "", "moved", "no longer", "new"


def replay(
    ctx: typer.Context,
    call: Annotated[
        str, typer.Argument(metavar="CALL", help="Conversation id, call SID, or a call folder.")
    ],
    detector: Detector = "",
    pairs: Pairs = None,
    only: Annotated[
        bool, typer.Option("--differences", help="Show only what is not the same.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Let the floor hear a recorded call again and compare its decisions with the live ones.

    Without options it uses the settings of the call, and every decision must be the same. With
    --detector or --set it shows what would have been decided, as long as the agent goes on as
    recorded: INTERRUPT_… by field or full name (min_speech_ms=200), ENDPOINT_…,
    SILENCE_THRESHOLD_SEC, SILENCE_PROMPT_S, AUDIO_FILTERS.
    """
    from sdr_lab.replay.decisions import replay_decisions
    from sdr_lab.replay.frozen import frozen_settings

    with workspace(ctx) as lab:
        folder = folder_of(lab, call)
    settings = _chosen(frozen_settings(folder), detector, pairs or [])
    done = replay_decisions(folder, settings)
    _check_length(folder, done)
    if as_json:
        print_json(_as_dict(folder, done))
    else:
        _show(done, only)


def _check_length(folder: Path, done: DecisionReplay) -> None:
    """Say when the recording breaks off before the log does."""
    from sdr_lab.records import FRAME_MS
    from sdr_lab.tune.corpus import AUDIO
    from sdr_lab.tune.two_channels import read_length

    last_ms = max((row.at_ms for row in done.logged), default=0)
    length_ms = read_length(folder / AUDIO)
    if last_ms > length_ms + FRAME_MS:
        warn(
            f"{folder / AUDIO}: breaks off at {_seconds(length_ms)} s, decisions are logged until "
            f"{_seconds(last_ms)} s; what came after can't be decided again"
        )


def _chosen(frozen: CallSettings, detector: str, pairs: list[str]) -> CallSettings:
    from dataclasses import replace

    from sdr_lab.replay.changes import changed_turns, sorted_pairs
    from sdr_lab.tune.interrupt_settings import NAMES, settings_of

    interrupts, others = sorted_pairs(pairs, NAMES)
    interrupt = settings_of(interrupts, detector, frozen.interrupt)
    return changed_turns(replace(frozen, interrupt=interrupt), others, NAMES)


def _as_dict(folder: Path, done: DecisionReplay) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "call": folder.name,
        "settings": asdict(done.settings),
        "same_decisions": done.same_decisions,
        "differences": [difference.to_dict() for difference in done.differences],
        "live": [row._asdict() for row in done.logged],
        "replay": [row._asdict() for row in done.decisions],
    }


def _show(done: DecisionReplay, only_differences: bool) -> None:
    found = done.differences
    rows = [(d.before, d.after) for d in found]
    if not only_differences:
        moved = {id(row) for pair in rows for row in pair}
        rows += [(row, row) for row in done.decisions if id(row) not in moved]
    rows.sort(key=lambda pair: min(row.at_ms for row in pair if row is not None))
    if rows:
        print_table(
            ("decision", "live (s)", "replay (s)", "names (s)", "why", ""),
            [_cells(before, after) for before, after in rows],
        )
    detector = done.settings.interrupt.detector
    if not found:
        typer.echo(f"all {len(done.decisions)} decisions are the same (detector {detector})")
    else:
        typer.echo(
            f"{len(done.logged)} decisions live, {len(done.decisions)} with the detector "
            f"{detector}: {len(found)} differences"
        )


def _cells(before: Decided | None, after: Decided | None) -> list[str]:
    row = after or before
    assert row is not None
    return [
        row.kind.replace("_", " "),
        _seconds(before.at_ms if before else None),
        _seconds(after.at_ms if after else None),
        _seconds(row.moment_ms or None),
        row.why,
        SAME if before == after else NEW if before is None else GONE if after is None else MOVED,
    ]


def _seconds(ms: int | None) -> str:
    return "" if ms is None else f"{ms / 1000:.2f}"
