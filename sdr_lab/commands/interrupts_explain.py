"""`interrupts explain` and `interrupts plot`: why a detector decided so, in words and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sdr_lab.commands import interrupts_review
from sdr_lab.commands.interrupt_options import (
    AgentKey,
    Detector,
    Jobs,
    Pairs,
    Swap,
    chosen_settings,
    jobs_for,
    opened,
    progress,
)
from sdr_lab.commands.terminal import JSON_HELP, print_json
from sdr_lab.commands.workspace import workspace
from sdr_lab.errors import BadInput, NotFound

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sdr_lab.records import InterruptSettings
    from sdr_lab.tune.corpus import LabelledCall
    from sdr_lab.tune.score import CallScore

CALL_HELP = "A call of the workspace, a call folder, or CORPUS/ID for a call of a corpus."
TABLE = ".parquet"


def register(app: typer.Typer) -> None:
    """Add the commands to the group `interrupts`."""
    app.command()(explain)
    app.command()(plot)
    app.command()(interrupts_review.review)


def explain(
    ctx: typer.Context,
    call: Annotated[str, typer.Argument(metavar="CALL", help=CALL_HELP)],
    at: Annotated[str, typer.Option("--at", help="When: seconds (12.34) or m:ss (1:02.5).")],
    detector: Detector = "",
    pairs: Pairs = None,
    agent: AgentKey = "",
    picture: Annotated[Path | None, typer.Option(help="Also draw it, as .png or .svg.")] = None,
    what_if: Annotated[
        bool, typer.Option("--what-if/--no-what-if", help="Find what would have to change.")
    ] = True,
    swap: Swap = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Say why the detector did or did not stop the agent at a moment of a recorded call."""
    from sdr_lab.tune import explain as why
    from sdr_lab.tune.detect import detect
    from sdr_lab.tune.explain_text import picture_of, text_of
    from sdr_lab.tune.plots import check_picture, save

    at_ms = why.parse_time(at)
    if picture is not None:
        check_picture(picture)
    found_call = find_call(ctx, call, swap)
    why.check_moment(found_call, at_ms)
    settings = settings_for(ctx, found_call, detector, pairs, agent)
    found = detect(found_call, settings, trace=True)
    said = why.explain(found_call, at_ms, settings, found, what_if)
    if picture is not None:
        save(picture_of(said, found_call, found), picture)
    if as_json:
        print_json(said.to_dict())
    else:
        typer.echo(text_of(said))
        if picture is not None:
            typer.echo(f"\npicture: {picture}")


def plot(
    ctx: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help=f"{CALL_HELP} Or a corpus, or the table of a sweep (.parquet)."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("plots"),
    start: Annotated[str, typer.Option("--from", help="Of a call: seconds or m:ss.")] = "",
    end: Annotated[str, typer.Option("--to", help="Of a call: seconds or m:ss.")] = "",
    detector: Detector = "",
    pairs: Pairs = None,
    agent: AgentKey = "",
    x: Annotated[str, typer.Option("--x", help="Of a heat map: the setting below it.")] = "",
    y: Annotated[str, typer.Option("--y", help="Of a heat map: the setting beside it.")] = "",
    metric: Annotated[str, typer.Option(help="Of a heat map: f1, recall, …")] = "f1",
    svg: Annotated[bool, typer.Option("--svg", help="Draw SVG instead of PNG.")] = False,
    jobs: Jobs = None,
    swap: Swap = None,
) -> None:
    """Draw a call, a score over a corpus, or the table of a sweep."""
    from sdr_lab.tune.plots import save

    path = Path(what)
    if path.suffix.lower() == TABLE:
        figures = _of_sweep(path, (x, y), metric)
    elif _is_corpus(path):
        settings = chosen_settings(ctx, detector, pairs, agent)
        figures = _of_corpus(opened(path, swap), settings, jobs)
    else:
        call = find_call(ctx, what, swap)
        settings = settings_for(ctx, call, detector, pairs, agent)
        figures = _of_call(call, (start, end), settings)
    for name, figure in figures.items():
        typer.echo(save(figure, out / f"{name}.{'svg' if svg else 'png'}"))


def find_call(ctx: typer.Context, key: str, swap: bool | None = None) -> LabelledCall:
    """Return a call of the workspace, of a call folder, or of a corpus.

    Raises:
        NotFound: there is none.
        BadInput: it can't be used: damaged labels, channels that look swapped.
    """
    from sdr_lab.tune.corpus import AUDIO, TRUTH, check_channels, open_corpus

    path = Path(key)
    if path.name == AUDIO and path.is_file():
        path = path.parent
    root = path.parent.parent if path.suffix.lower() == ".wav" else path.parent
    if (path / AUDIO).is_file():
        (call,) = open_corpus(path, swap=bool(swap))
    elif (root / TRUTH).is_file() and not path.is_dir():
        calls = open_corpus(root, swap=bool(swap))
        name = path.stem if path.suffix.lower() == ".wav" else path.name
        call = next((c for c in calls if c.id == name), None)
        if call is None:
            raise NotFound(f"{root}: has no call {name!r}; it has {_some([c.id for c in calls])}")
    elif path.is_dir():
        raise BadInput(f"{path}: holds many calls or none; name one: {path}/ID")
    else:
        with workspace(ctx) as lab:
            folder = lab.calls.get(key).folder
        if folder is None or not (folder / AUDIO).is_file():
            raise NotFound(f"call {key}: nothing was recorded")
        (call,) = open_corpus(folder, swap=bool(swap))
    if swap is None:
        check_channels([call])
    return call


def settings_for(
    ctx: typer.Context,
    call: LabelledCall,
    detector: str = "",
    pairs: list[str] | None = None,
    agent: str = "",
) -> InterruptSettings:
    """Return what the live call ran with, else what is configured, changed by the options.

    Raises:
        SettingError: an unknown setting, or a value that is not allowed.
        NotFound: no such detector or agent.
    """
    from sdr_lab.replay.frozen import frozen_settings
    from sdr_lab.tune.corpus import CALL
    from sdr_lab.tune.interrupt_settings import settings_of

    folder = call.audio.parent
    if agent or not (folder / CALL).is_file():
        return chosen_settings(ctx, detector, pairs, agent)
    return settings_of(pairs or (), detector, frozen_settings(folder).interrupt)


def _is_corpus(path: Path) -> bool:
    from sdr_lab.tune.corpus import AUDIO

    return path.is_dir() and not (path / AUDIO).is_file()


def _of_call(
    call: LabelledCall, span: tuple[str, str], settings: InterruptSettings
) -> dict[str, Figure]:
    from sdr_lab.tune.detect import detect
    from sdr_lab.tune.explain import check_moment, parse_time
    from sdr_lab.tune.plots_call import waveform
    from sdr_lab.tune.view import view

    start_ms = parse_time(span[0], "--from") if span[0] else 0
    end_ms = parse_time(span[1], "--to") if span[1] else call.duration_ms
    check_moment(call, start_ms, "--from")
    if end_ms <= start_ms:
        raise BadInput(f"--to: got {span[1] or end_ms}, which is not after --from {span[0]}")
    found = detect(call, settings, trace=True)
    return {call.id: waveform(view(call, found, settings.detector, start_ms, end_ms))}


def _of_corpus(
    calls: list[LabelledCall], settings: InterruptSettings, jobs: int | None
) -> dict[str, Figure]:
    from sdr_lab.tune.detect import detect_all
    from sdr_lab.tune.plots_score import false_by_cause
    from sdr_lab.tune.score import score_call

    with progress(settings.detector, len(calls)) as step:
        found = detect_all(calls, settings, jobs_for(calls, jobs), step)
    stops = [score_call(call, found[call.id].stop_times_s) for call in calls]
    holds = [score_call(call, found[call.id].hold_times_s) for call in calls]
    causes: dict[str, int] = {}
    for cause in (cause for part in stops for _, cause in part.false):
        causes[cause] = causes.get(cause, 0) + 1
    agent_min = sum(part.agent_min for part in stops)
    figures = {
        "false-stops-by-cause": false_by_cause(causes, agent_min, settings.detector),
        "latency-stop": _latency(stops, settings.detector, "stop"),
    }
    if any(one.holds for one in found.values()):
        figures["latency-hold"] = _latency(holds, settings.detector, "hold")
    return figures


def _latency(parts: list[CallScore], name: str, what: str) -> Figure:
    from sdr_lab.tune.plots_score import latency_histogram

    hits = [hit for part in parts for hit in part.hits]
    latencies = [max(0.0, 1000 * t - label.onset_ms) for label, t in hits]
    return latency_histogram(latencies, sum(part.interruptions for part in parts), name, what)


def _of_sweep(path: Path, axes: tuple[str, str], metric: str) -> dict[str, Figure]:
    from sdr_lab.tune.plots_sweep import chosen_row, heat_map, trade_off, varied
    from sdr_lab.tune.sweep_table import read_outcome, read_table

    rows, outcome = read_table(path), read_outcome(path)
    chosen, name = chosen_row(rows), outcome["detector"]
    honest = (outcome["held_out"] or {}).get("figures")
    limits = {x: _limit(outcome["objective"], x) for x in ("false_per_min", "precision")}
    figures = {
        f"recall-{x.replace('_', '-')}": trade_off(
            rows, chosen, x, name, limit=limits[x], held_out=honest
        )
        for x in limits
    }
    settings = varied(rows)
    x = axes[0] or next(iter(settings), "")
    y = axes[1] or next((s for s in settings if s != x), "")
    if x and y:
        figures[f"{metric}-{x}-{y}"] = heat_map(rows, x, y, metric, chosen, name)
    return figures


def _limit(objective: str, metric: str) -> float | None:
    """Return the limit that the sweep had to keep."""
    from sdr_lab.tune.sweep_objective import parse_objective

    limits = parse_objective(objective).limits
    return next((limit.value for limit in limits if limit.metric == metric), None)


def _some(names: list[str]) -> str:
    shown: list[Any] = names[:8]
    return ", ".join(shown) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
