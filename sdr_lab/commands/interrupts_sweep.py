"""`interrupts sweep` and `interrupts preset`: which settings to take, and taking them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sdr_lab.commands import interrupts_preset
from sdr_lab.commands.interrupt_options import (
    AgentKey,
    Detector,
    Folder,
    Jobs,
    Pairs,
    Swap,
    checked_out,
    chosen_settings,
    count,
    opened,
    warn,
)
from sdr_lab.commands.terminal import JSON_HELP, print_json, print_table
from sdr_lab.commands.workspace import workspace
from sdr_lab.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sdr_lab.records import InterruptSettings
    from sdr_lab.tune.bootstrap import Span
    from sdr_lab.tune.preset import Preset
    from sdr_lab.tune.sweep import SweepResult
    from sdr_lab.tune.sweep_space import Space

Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the whole table as Parquet.")]

SHOWN = 12
"""Rows of the front that are printed; --out has all."""

FIGURES = {
    "recall": "recall",
    "false_per_min": "false a minute",
    "precision": "precision",
    "f1": "F1",
    "latency_median_ms": "median ms",
    "hold_recall": "hold: recall",
    "hold_false_per_min": "hold: false a minute",
    "hold_latency_median_ms": "hold: median ms",
}


def register(app: typer.Typer) -> None:
    app.command()(sweep)
    app.add_typer(interrupts_preset.app, name="preset")


def sweep(
    ctx: typer.Context,
    folder: Folder,
    detector: Detector = "",
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=a,b,c",
            help="Values to try, or KEY=from:to:step; repeat for every combination.",
        ),
    ] = None,
    random: Annotated[
        int | None, typer.Option(metavar="N", help="Draw N settings from sensible ranges.")
    ] = None,
    pairs: Pairs = None,
    agent: AgentKey = "",
    objective: Annotated[
        str, typer.Option(help="What to look for, as f1 or -latency_median_ms@recall>=0.8.")
    ] = "recall@false_per_min<=0.5",
    jobs: Jobs = None,
    seed: Annotated[int, typer.Option(help="Of --random, the folds and the bootstrap.")] = 0,
    out: Out = None,
    save: Annotated[
        str, typer.Option(metavar="NAME", help="Keep the chosen settings as a preset.")
    ] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="--save may replace a preset of that name.")
    ] = False,
    swap: Swap = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Try many settings of a detector on labelled calls, and choose one.

    The chosen setting is the best by --objective on all calls. What it is worth on other calls is
    told as well: settings are chosen on four fifths of the calls and scored on the rest, in turn.
    """
    from sdr_lab.tune.sweep import sweep as run
    from sdr_lab.tune.sweep_objective import parse_objective
    from sdr_lab.tune.sweep_table import write_table

    parse_objective(objective)
    space = _space(chosen_settings(ctx, detector, pairs, agent), grid, random, seed, pairs)
    _check_places(ctx, out, save, replace)
    calls = opened(folder, swap)
    with _progress(f"{len(space.settings)} settings of {space.detector}") as told:
        result = run(calls, space, objective, jobs or os.cpu_count() or 1, told, seed)
    if out is not None:
        write_table(out, result)
    if save:
        with workspace(ctx) as lab:
            interrupts_preset.presets_of(lab).save(_preset(save, result, folder), replace)
    for note in result.notes:
        warn(note)
    if as_json:
        print_json(result.to_dict())
    else:
        _print(result, out, save)


def _check_places(ctx: typer.Context, out: Path | None, save: str, replace: bool) -> None:
    if out is not None:
        checked_out(out)
    if save:
        with workspace(ctx) as lab:
            interrupts_preset.presets_of(lab).check_free(save, replace)


def _space(
    base: InterruptSettings,
    grid: Sequence[str] | None,
    random: int | None,
    seed: int,
    pairs: Sequence[str] | None,
) -> Space:
    from sdr_lab.tune.interrupt_settings import setting_name
    from sdr_lab.tune.sweep_space import grid_space, random_space

    if grid and random is not None:
        raise BadInput("give --grid or --random, not both; --set keeps a setting fixed")
    if random is None:
        return grid_space(base, grid or ())
    held = {setting_name(pair.partition("=")[0].strip()) for pair in pairs or ()}
    return random_space(base, random, seed, held)


def _preset(name: str, result: SweepResult, folder: Path) -> Preset:
    from datetime import datetime

    from sdr_lab.tune.preset import preset_of

    now = datetime.now().astimezone()
    return preset_of(name, result.settings, now, result.to_dict(), str(folder))


def _print(result: SweepResult, out: Path | None, save: str) -> None:
    row, held = result.rows[result.chosen], result.held_out
    values = result.space.values(result.chosen)
    told = ", ".join(f"{name}={value}" for name, value in values.items())
    minutes = result.audio_ms / 60_000
    typer.echo(
        f"{count(len(result.rows), 'setting')} of {result.space.detector}, "
        f"{count(result.calls, 'call')}, {minutes:.1f} minutes; looking for {result.objective}"
    )
    typer.echo(f"chosen: {told}\n")
    rows = []
    for name, words in FIGURES.items():
        on_these = _number(row[name]) + _span(result.intervals.get(name))
        on_others = _number(held.figures[name]) + _span(held.intervals.get(name)) if held else "–"
        rows.append((words, on_these, on_others))
    print_table(("", "on these calls", "on calls it was not chosen on"), rows)
    _print_front(result)
    if out is not None:
        typer.echo(f"\n{out}: the whole table")
    if save:
        typer.echo(f"\npreset {save}: `sdr-lab interrupts preset apply {save} --agent ID` uses it")


def _print_front(result: SweepResult) -> None:
    typer.echo(f"\nnothing beats these {len(result.front)}:")
    names = ("recall", "false_per_min", "f1", "latency_median_ms")
    shown = thinned(result.front, result.chosen)
    rows = [
        (
            *(str(value) for value in result.space.values(i).values()),
            *(_number(result.rows[i][name]) for name in names),
        )
        for i in shown
    ]
    print_table((*result.space.names, *(FIGURES[name] for name in names)), rows)
    if len(result.front) > len(shown):
        typer.echo(f"… and {len(result.front) - len(shown)} between them; --out writes all")


def thinned(front: Sequence[int], chosen: int) -> list[int]:
    """Return rows from one end of a front to the other, with the chosen one if it is there."""
    n = len(front)
    if n <= SHOWN:
        return list(front)
    places = [round(i * (n - 1) / (SHOWN - 1)) for i in range(SHOWN)]
    if chosen in front:
        at = front.index(chosen)
        nearest = min(range(SHOWN), key=lambda i: abs(places[i] - at))
        places[nearest] = at
    return [front[at] for at in places]


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _span(span: Span | Mapping[str, Any] | None) -> str:
    from sdr_lab.tune.bootstrap import Span

    if not isinstance(span, Span):
        return ""
    digits = 0 if span.high >= 20 else 2
    return f"  ({span.low:.{digits}f} to {span.high:.{digits}f})"


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error if it is a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
