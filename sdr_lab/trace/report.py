"""Latency for people (a table), for programs (JSON) and for spreadsheets (CSV)."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdr_lab.errors import BadInput
from sdr_lab.trace.latency import CallLatency, TurnLatency, measure_folder
from sdr_lab.trace.stages import STAGES, TOTAL, Figures, percentiles
from sdr_lab.trace.turns import metrics_of

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

CALLER_CHARS = 34
"""The caller's words in a table, so that a row fits on one line of 120 columns."""

COLUMNS = (
    "call", "turn", "caller", "agent", "interrupted", "withdrawn", "speculated", "cached", "why",
    "pause_ms",
)  # fmt: skip
"""What a CSV row says before the stages."""


def report_full_latency(folder: Path) -> dict[str, Any]:
    """Return the latency of a call folder as JSON takes it: turns, barge-ins, percentiles.

    Raises:
        BadInput: the folder has no readable `events.jsonl`.
    """
    return to_dict([measured(folder)])


def measured(folder: Path) -> CallLatency:
    """Measure a call folder. Raises BadInput like `report_full_latency`."""
    try:
        return measure_folder(folder)
    except OSError as error:
        raise BadInput(
            f"{folder} has no events.jsonl ({error.strerror}): give a call folder"
        ) from error


def to_dict(calls: Sequence[CallLatency]) -> dict[str, Any]:
    """Return the latency of one or many calls as JSON takes it."""
    return {
        "calls": [
            {
                "call": call.call,
                "turns": [turn_dict(turn) for turn in call.turns],
                "barge_ins": [
                    {**dataclasses.asdict(cut), "total_ms": cut.total_ms} for cut in call.barge_ins
                ],
                "spoken": [dataclasses.asdict(part) for part in call.spoken],
            }
            for call in calls
        ],
        "percentiles": {
            group: {
                f"{f.stage.key}_ms": {
                    "count": f.count, "p50": f.p50, "p90": f.p90, "p95": f.p95, "p99": f.p99
                }
                for f in figures
            }
            for group, figures in percentiles(all_turns(calls)).items()
        },
    }  # fmt: skip


def turn_dict(turn: TurnLatency) -> dict[str, Any]:
    """Return a turn: its moments, and under `stages` how long each took."""
    row = dataclasses.asdict(turn)
    return {**row, "speculated": turn.speculated, "stages": metrics_of(turn)}


def to_csv(calls: Sequence[CallLatency]) -> str:
    """Return a row per turn, stages in milliseconds, empty where one did not happen."""
    text = io.StringIO()
    stages = [f"{stage.key}_ms" for stage in (*STAGES, TOTAL)]
    rows = csv.DictWriter(text, [*COLUMNS, *stages], extrasaction="ignore", lineterminator="\n")
    rows.writeheader()
    for call in calls:
        for turn in call.turns:
            facts = {name: getattr(turn, name, "") for name in COLUMNS if name != "call"}
            rows.writerow({"call": call.call, **facts, **metrics_of(turn)})
    return text.getvalue()


def report(calls: Sequence[CallLatency]) -> RenderableType:
    """Return tables for Rich: each turn of every call, interruptions, and percentiles."""
    from rich.console import Group as Stack

    parts: list[RenderableType] = [turn_table(call) for call in calls]
    if any(call.barge_ins for call in calls):
        parts.append(barge_in_table(calls))
    parts += [
        figures_table(group, figures)
        for group, figures in percentiles(all_turns(calls)).items()
        if figures[-1].count > 1
    ]
    return Stack(*parts)


def turn_table(call: CallLatency) -> Table:
    """Return a table with a row per turn."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"Latency of {call.call}, in milliseconds", title_justify="left")
    table.add_column("#", justify="right")
    table.add_column("caller", no_wrap=True, max_width=CALLER_CHARS)
    for stage in STAGES:
        table.add_column(stage.words, justify="right")
    table.add_column(TOTAL.words, justify="right", style="bold")
    table.add_column("notes")
    for turn in call.turns:
        cells = [number(stage.ms(turn)) for stage in (*STAGES, TOTAL)]
        said = escape(turn.caller) or "[dim](agent speaks first)[/dim]"
        table.add_row(str(turn.turn), said, *cells, notes(turn))
    return table


def barge_in_table(calls: Sequence[CallLatency]) -> Table:
    """Return a table with a row per interruption."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Interruptions, in milliseconds", title_justify="left")
    table.add_column("#", justify="right")
    table.add_column("heard of the agent", no_wrap=True, max_width=2 * CALLER_CHARS)
    for words in ("caller's onset to decision", "decision to line cleared", "total"):
        table.add_column(words, justify="right")
    for call in calls:
        for cut in call.barge_ins:
            steps = (cut.decided_ms - cut.onset_ms, cut.cleared_ms - cut.decided_ms, cut.total_ms)
            table.add_row(str(cut.turn), escape(cut.heard), *(number(step) for step in steps))
    return table


def figures_table(group: str, figures: Sequence[Figures]) -> Table:
    """Return a table of percentiles."""
    from rich.table import Table

    title = f"Turns {group}, percentiles in milliseconds"
    table = Table(title=title, title_justify="left")
    table.add_column("stage")
    for name in ("turns", "p50", "p90", "p95", "p99"):
        table.add_column(name, justify="right")
    for f in figures:
        style = "bold" if f.stage is TOTAL else None
        values = (number(value) for value in (f.p50, f.p90, f.p95, f.p99))
        table.add_row(f.stage.words, str(f.count), *values, style=style)
    return table


def notes(turn: TurnLatency) -> str:
    """Return what is special about a turn, in words."""
    said = {
        "interrupted": turn.interrupted,
        "withdrawn": turn.withdrawn,
        "prepared early": turn.speculated,
        "from cache": turn.cached,
    }
    return ", ".join(words for words, is_so in said.items() if is_so)


def number(ms: float | None) -> str:
    return "" if ms is None else f"{ms:.0f}"


def all_turns(calls: Iterable[CallLatency]) -> list[TurnLatency]:
    return [turn for call in calls for turn in call.turns]
