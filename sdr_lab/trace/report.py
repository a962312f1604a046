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

HEADS = {
    "end_of_turn": "turn\nend",
    "last_words": "late\nwords",
    "intent": "intent",
    "look_up": "look\nup",
    "first_token": "first\ntoken",
    "first_sentence": "sen-\ntence",
    "first_sound": "first\nsound",
    "send": "send",
    "voice_to_voice": "total",
}
"""Column heads, so short that all numbers fit on 80 columns; the caller's words give way."""

MARKS = {
    "✂": ("interrupted", "interrupted"),
    "↶": ("withdrawn", "withdrawn: the caller went on"),
    "«": ("speculated", "prepared in the caller's pause"),
    "=": ("cached", "from the response cache"),
}
"""Mark → field of a turn, and what it means."""

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
    return Stack(*(item for part in parts for item in (part, "")))


def turn_table(call: CallLatency) -> Table:
    """Return a table with a row per turn."""
    from rich.markup import escape

    table = plain_table(f"Latency of {call.call} (ms)", "#", "caller")
    for stage in (*STAGES, TOTAL):
        style = "bold" if stage is TOTAL else ""
        table.add_column(HEADS[stage.key], justify="right", min_width=5, style=style)
    table.add_column("")
    marks: set[str] = set()
    for turn in call.turns:
        cells = [number(stage.ms(turn)) for stage in (*STAGES, TOTAL)]
        said = escape(turn.caller) or "[dim](agent first)[/dim]"
        mine = [mark for mark, (name, _) in MARKS.items() if getattr(turn, name)]
        marks.update(mine)
        table.add_row(str(turn.turn), said, *cells, "".join(mine))
    table.caption = "   ".join(f"{mark} {MARKS[mark][1]}" for mark in MARKS if mark in marks)
    return table


def barge_in_table(calls: Sequence[CallLatency]) -> Table:
    """Return a table with a row per interruption."""
    from rich.markup import escape

    table = plain_table("Interruptions (ms)", "#", "heard of the agent")
    for words in ("onset to\ndecision", "decision\nto clear", "total"):
        table.add_column(words, justify="right")
    for call in calls:
        for cut in call.barge_ins:
            steps = (cut.decided_ms - cut.onset_ms, cut.cleared_ms - cut.decided_ms, cut.total_ms)
            table.add_row(str(cut.turn), escape(cut.heard), *(number(step) for step in steps))
    return table


def figures_table(group: str, figures: Sequence[Figures]) -> Table:
    """Return a table of percentiles."""
    from rich.table import Table

    title = f"Turns {group} (ms)"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("stage")
    for name in ("turns", "p50", "p90", "p95", "p99"):
        table.add_column(name, justify="right")
    for f in figures:
        style = "bold" if f.stage is TOTAL else None
        values = (number(value) for value in (f.p50, f.p90, f.p95, f.p99))
        table.add_row(f.stage.words, str(f.count), *values, style=style)
    return table


def plain_table(title: str, number_head: str, text_head: str) -> Table:
    """Return a table that keeps its numbers whole on a narrow screen and shortens its text."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", caption_justify="left", box=None)
    table.padding = (0, 1, 0, 0)
    table.add_column(number_head, justify="right")
    table.add_column(text_head, no_wrap=True, ratio=1, min_width=12, max_width=60)
    return table


def number(ms: float | None) -> str:
    return "" if ms is None else f"{ms:.0f}"


def all_turns(calls: Iterable[CallLatency]) -> list[TurnLatency]:
    return [turn for call in calls for turn in call.turns]
