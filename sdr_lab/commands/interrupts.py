"""`interrupts`: detectors of interruptions on recorded calls, and what they are worth."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sdr_lab.commands import interrupts_data, interrupts_explain, interrupts_sweep
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
    jobs_for,
    opened,
    progress,
    warn,
)
from sdr_lab.commands.terminal import JSON_HELP, print_json, print_table
from sdr_lab.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdr_lab.records import InterruptSettings
    from sdr_lab.tune.corpus import LabelledCall
    from sdr_lab.tune.score import Score

app = typer.Typer(help="Detectors of interruptions on recorded calls.", no_args_is_help=True)


@app.command()
def detect(
    ctx: typer.Context,
    folder: Folder,
    detector: Detector = "",
    pairs: Pairs = None,
    agent: AgentKey = "",
    decision: Annotated[
        Literal["stop", "hold"], typer.Option(help="Which of a detector's two decisions.")
    ] = "stop",
    jobs: Jobs = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: standard output.")
    ] = None,
    swap: Swap = None,
) -> None:
    """Run a detector over recorded calls as it would run live; print when it decided.

    The result is JSON, `{"<call>": [seconds, …]}`, and `score` takes it.
    """
    from sdr_lab.tune.labels import write_json

    if out is not None:
        checked_out(out)
    settings = chosen_settings(ctx, detector, pairs, agent)
    calls = opened(folder, swap)
    times_s = _run(calls, settings, jobs, decision == "hold")
    if out is None:
        typer.echo(json.dumps(times_s, indent=1))
        return
    write_json(out, times_s)
    found = count(sum(map(len, times_s.values())), decision)
    typer.echo(f"{out}: {found} of {settings.detector} in {count(len(calls), 'call')}")


@app.command("score")
def score_command(
    ctx: typer.Context,
    folder: Folder,
    detector: Detector = "",
    pairs: Pairs = None,
    agent: AgentKey = "",
    detections: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Score these instead: what `detect` wrote."),
    ] = None,
    hold: Annotated[
        bool, typer.Option("--hold", help="Score the early decision instead of the stop.")
    ] = False,
    jobs: Jobs = None,
    swap: Swap = None,
    min_f1: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit with 1 when F1 is below.")
    ] = None,
    min_recall: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit with 1 when recall is below.")
    ] = None,
    max_false_per_min: Annotated[
        float | None, typer.Option(min=0, help="Exit with 1 when there are more.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Score a detector against the labels: what it found, how fast, and what it fell for.

    docs/labels.md has the rules.
    """
    from sdr_lab.tune.detections_file import read_detections
    from sdr_lab.tune.score import score

    if detections is not None and (detector or pairs or agent or hold):
        raise BadInput("give --detections, or --detector, --set, --agent and --hold; not both")
    settings = None if detections else chosen_settings(ctx, detector, pairs, agent)
    calls = opened(folder, swap)
    _check_labels(folder, calls)
    if settings is not None:
        name = settings.detector + (", holds" if hold else "")
        times_s = _run(calls, settings, jobs, hold)
    else:
        name = str(detections)
        times_s = read_detections(Path(name), [call.id for call in calls])
    result = score(calls, times_s)
    if as_json:
        print_json(result.to_dict())
    else:
        _print_score(name, len(calls), result)
    missed = _missed(result, min_f1, min_recall, max_false_per_min)
    if missed:
        raise BadInput("; ".join(missed))


def _run(
    calls: Sequence[LabelledCall], settings: InterruptSettings, jobs: int | None, hold: bool
) -> dict[str, list[float]]:
    from sdr_lab.tune.detect import detect_all

    with progress(settings.detector, len(calls)) as step:
        found = detect_all(calls, settings, jobs_for(calls, jobs), step)
    return {key: one.hold_times_s if hold else one.stop_times_s for key, one in found.items()}


def _check_labels(folder: Path, calls: Sequence[LabelledCall]) -> None:
    if not any(call.labels for call in calls):
        raise BadInput(
            f"{folder}: no labels in {count(len(calls), 'call')}, nothing to score against; label "
            "them with `sdr-lab interrupts label`, or import a label track"
        )
    if not any(label.kind == "interruption" for call in calls for label in call.labels):
        warn(f"{folder}: no interruption is labelled; recall and F1 say nothing")


def _missed(
    result: Score, min_f1: float | None, min_recall: float | None, max_false: float | None
) -> list[str]:
    missed = []
    if min_f1 is not None and result.f1 < min_f1:
        missed.append(f"F1 {result.f1} is below --min-f1 {min_f1:g}")
    if min_recall is not None and result.recall < min_recall:
        missed.append(f"recall {result.recall} is below --min-recall {min_recall:g}")
    if max_false is not None and result.false_per_min > max_false:
        missed.append(
            f"{result.false_per_min} false a minute are above --max-false-per-min {max_false:g}"
        )
    return missed


def _print_score(name: str, calls: int, result: Score) -> None:
    facts = {
        "recall": f"{result.recall:.1%} of {result.interruptions} interruptions",
        "false": f"{result.false} in {result.agent_min} min of the agent's speech, "
        f"{result.false_per_min:.2f} a minute",
        "precision": f"{result.precision:.1%}",
        "F1": f"{result.f1:.3f}",
        "latency": _latency(result),
    }
    print_table(("", ""), list(facts.items()), title=f"{name}: {count(calls, 'call')}")
    if result.false_by_cause:
        typer.echo()
        rows = [
            (cause, str(n), f"{n / max(result.agent_min, 0.1):.2f}")
            for cause, n in result.false_by_cause.items()
        ]
        print_table(("false, by cause", "", "a minute"), rows)
    if result.by_tag:
        typer.echo()
        rows = [
            (tag, f"{one.recall:.1%}" if one.n else "–", f"{one.false_per_min:.2f}", str(one.n))
            for tag, one in sorted(result.by_tag.items(), key=lambda row: _in_order(row[0]))
        ]
        print_table(("by tag", "recall", "false a minute", "interruptions"), rows)


def _in_order(tag: str) -> tuple[str, bool, float, str]:
    """Order tags by name and, where it is a number, by value: `snr=5`, `snr=10`, `snr=None`."""
    name, _, value = tag.partition("=")
    is_number = re.fullmatch(r"-?\d+(\.\d+)?", value) is not None
    return name, not is_number, float(value) if is_number else 0.0, value


def _latency(result: Score) -> str:
    if result.latency_median_ms is None:
        return "– (nothing was found)"
    return f"median {result.latency_median_ms} ms, p90 {result.latency_p90_ms} ms"


interrupts_data.register(app)
interrupts_explain.register(app)
interrupts_sweep.register(app)
