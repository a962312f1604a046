"""Pictures of latency: a waterfall per turn, and percentiles over many calls.

Colours are Okabe and Ito's, which people with colour blindness can tell apart
(https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

import io
import os
import statistics
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sdr_lab.errors import StorageError
from sdr_lab.trace.latency import CallLatency, TurnLatency
from sdr_lab.trace.report import all_turns, measured
from sdr_lab.trace.stages import STAGES, Figures, percentiles

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "end_of_turn": "#C9CED6",
    "last_words": "#999FAA",
    "intent": "#F0E442",
    "look_up": "#009E73",
    "first_token": "#E69F00",
    "first_sentence": "#D55E00",
    "first_sound": "#0072B2",
    "send": "#CC79A7",
    "answer": "#56B4E9",
    "voice_to_voice": "#222222",
}
CALLER, AGENT = "#6B7280", "#0072B2"
INK, FAINT, ALARM = "#222222", "#7A808A", "#B00020"

HELD = COLOURS["first_sound"]
LABEL_CHARS = 40
MAX_TURNS = 40
"""Rows of a waterfall; of a longer call the slowest turns are shown."""

PLAYING_MS = 250
"""The agent's speech is drawn for so long behind the first sound, then fades out of the picture."""

MIN_BAR_SHARE = 0.004
"""Shortest visible bar, as a share of the axis: stages of a millisecond stay visible."""


def write_waterfall(folder: Path) -> Path:
    """Draw `latency.png` into a call folder.

    Raises:
        BadInput: the folder has no `events.jsonl`.
        StorageError: it can't be written; an older picture stays as it was.
    """
    path = folder / "latency.png"
    part = path.with_suffix(".png.part")
    png = waterfall_png(measured(folder))
    try:
        part.write_bytes(png)
        os.replace(part, path)
    except OSError as error:
        raise StorageError(f"can't write {path}: {error.strerror}") from error
    return path


def waterfall_png(call: CallLatency) -> bytes:
    """Return the waterfall of a call as a PNG file."""
    return png_of(waterfall(call))


def png_of(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=130, facecolor="white")
    return data.getvalue()


def waterfall(call: CallLatency) -> Figure:
    """Draw where the time of each turn went, and above it who spoke when.

    One row per answered turn, time counted from the caller's last sound. Works without a screen.
    """
    turns = chosen(call.answers)
    rows = max(1, len(turns))
    figure, (lane, axes) = two_axes(rows)
    draw_lane(lane, call)
    limit_ms = max((turn.voice_to_voice_ms or 0 for turn in turns), default=1000) * 1.04
    first_ms = min((first_bar_ms(turn) for turn in turns), default=0)
    for row, turn in enumerate(turns):
        draw_turn(axes, row, turn, limit_ms - first_ms)
    frame_rows(axes, turns, first_ms, limit_ms + PLAYING_MS)
    if not turns:
        axes.text(0.5, 0.5, "the caller got no answer in this call", transform=axes.transAxes,
                  ha="center", va="center", color=FAINT)  # fmt: skip
    head(figure, f"Latency of {call.call}", in_words(call))
    draw_legend(figure)
    return figure


def head(figure: Figure, title: str, below: str) -> None:
    """Write the title, and a line below it, at fixed distances from the upper edge."""
    height = figure.get_figheight()
    figure.text(0.012, 1 - 0.28 / height, title, fontsize=13, weight="bold", color=INK)
    figure.text(0.012, 1 - 0.52 / height, below, fontsize=9.5, color=FAINT)


def in_words(call: CallLatency) -> str:
    """Return the result of a call in a sentence."""
    totals = sorted(turn.voice_to_voice_ms or 0.0 for turn in call.answers)
    if not totals:
        return "no answers"
    count = "1 answer" if len(totals) == 1 else f"{len(totals)} answers"
    median = f"median {statistics.median(totals):.0f} ms, slowest {totals[-1]:.0f} ms"
    return f"{count}, {median} from the caller's last sound to the agent's first"


def chosen(answers: Sequence[TurnLatency]) -> list[TurnLatency]:
    """Return the turns to draw, in order: all, or the slowest `MAX_TURNS`."""
    slowest = sorted(answers, key=lambda turn: -(turn.voice_to_voice_ms or 0))[:MAX_TURNS]
    return sorted(slowest, key=lambda turn: turn.turn)


def two_axes(rows: int) -> tuple[Figure, tuple[Axes, Axes]]:
    """Return a figure with a lane for who speaks and room for so many rows, sized in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    top, lane, gap, row, bottom = 0.75, 0.5, 0.62, 0.42, 1.05
    height = top + lane + gap + rows * row + bottom
    figure = Figure(figsize=(12, height))
    FigureCanvasAgg(figure)
    left, width = 0.27, 0.70
    rows_top = bottom + rows * row
    lane_axes = figure.add_axes((left, (rows_top + gap) / height, width, lane / height))
    axes = figure.add_axes((left, bottom / height, width, rows * row / height))
    return figure, (lane_axes, axes)


def draw_lane(axes: Axes, call: CallLatency) -> None:
    """Draw who spoke when, over the whole call."""
    places = {"caller": (1.0, CALLER), "agent": (0.0, AGENT)}
    end_s = 0.0
    for part in call.spoken:
        y, colour = places[part.role]
        start_s, length_s = part.start_ms / 1000, (part.end_ms - part.start_ms) / 1000
        end_s = max(end_s, part.end_ms / 1000)
        axes.barh(y, length_s, left=start_s, height=0.72, color=colour)
        if part.cut_off:
            axes.plot(start_s + length_s, y, marker="x", color=ALARM, ms=6, mew=2, zorder=5)
    axes.set_yticks([1, 0], ["caller speaks", "agent speaks"])
    axes.set_ylim(-0.6, 1.6)
    axes.set_xlim(0, end_s or 1)
    axes.set_title("call time, seconds", fontsize=8, color=FAINT, loc="right", pad=3)
    tidy(axes)
    axes.tick_params(axis="x", labelsize=8, colors=FAINT, length=2)


def draw_turn(axes: Axes, row: int, turn: TurnLatency, span_ms: float) -> None:
    """Draw one turn: waiting on the upper half of the row, the answer's stages on the lower."""
    zero_ms = turn.last_voiced_ms or 0.0
    for stage in STAGES:
        span = stage.span(turn)
        if span is None:
            continue
        start_ms, end_ms = span[0] - zero_ms, span[1] - zero_ms
        waits = stage.key in ("end_of_turn", "last_words")
        y, height = (row - 0.2, 0.32) if waits else (row + 0.17, 0.36)
        if stage.key == "last_words":
            y, height = row - 0.2, 0.16
        length_ms = end_ms - start_ms
        if length_ms == 0 and waits:
            continue
        axes.barh(y, max(length_ms, span_ms * MIN_BAR_SHARE), left=start_ms, height=height,
                  color=COLOURS[stage.key], linewidth=0)  # fmt: skip
    ready_ms, over_ms = turn.speech_ms, turn.over_ms
    if ready_ms is not None and over_ms is not None and ready_ms < over_ms:
        held_ms = (ready_ms - zero_ms, over_ms - zero_ms)
        axes.plot(held_ms, (row + 0.17, row + 0.17), color=HELD, lw=1.4, ls=":")
    total_ms = turn.voice_to_voice_ms or 0.0
    axes.barh(row + 0.17, 10 * PLAYING_MS, left=total_ms, height=0.36, color=AGENT, alpha=0.16)
    axes.plot([total_ms, total_ms], [row - 0.36, row + 0.36], color=INK, lw=1.6)
    axes.text(total_ms + span_ms * 0.008, row - 0.2, f"{total_ms:.0f} ms", va="center",
              fontsize=9.5, weight="bold", color=INK)  # fmt: skip


def first_bar_ms(turn: TurnLatency) -> float:
    """Return where the first bar of a row begins; below 0 when work began in the speech."""
    spans = [span for stage in STAGES if (span := stage.span(turn))]
    return min([0.0, *(start - (turn.last_voiced_ms or 0.0) for start, _ in spans)])


def frame_rows(axes: Axes, turns: Sequence[TurnLatency], first_ms: float, end_ms: float) -> None:
    axes.set_yticks(range(len(turns)), [label(turn) for turn in turns])
    axes.set_ylim(max(1, len(turns)) - 0.5, -0.5)
    axes.set_xlim(first_ms, end_ms)
    axes.set_xlabel("milliseconds after the caller's last sound", fontsize=9.5, color=INK)
    axes.grid(axis="x", color="#E6E8EB", lw=0.8)
    for row in range(1, len(turns)):
        axes.axhline(row - 0.5, color="#F0F1F3", lw=0.8, zorder=0)
    tidy(axes)
    for tick, turn in zip(axes.get_yticklabels(), turns, strict=True):
        tick.set_color(ALARM if turn.interrupted else INK)


def label(turn: TurnLatency) -> str:
    """Return the name of a row: the caller's words, and whether the answer was cut off."""
    mark = "× " if turn.interrupted else ""
    words = textwrap.shorten(turn.caller, LABEL_CHARS - len(mark), placeholder=" …")
    return f"{mark}{turn.turn}  {words}".replace("$", r"\$")  # two dollars would start a formula


def draw_legend(figure: Figure) -> None:
    """Put the names of the stages under the rows, outside the bars."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    keys: list[Artist] = [Patch(color=COLOURS[stage.key], label=stage.words) for stage in STAGES]
    keys.append(Patch(color=AGENT, alpha=0.16, label="agent is heard"))
    keys.append(Line2D([], [], color=HELD, lw=1.4, ls=":", label="ready, held back"))
    cross = Line2D([], [], color=ALARM, marker="x", mew=2, ls="", label="cut off by the caller")
    figure.legend(handles=[*keys, cross], loc="lower center", ncol=6, frameon=False,
                  fontsize=9, bbox_to_anchor=(0.5, 0.0), columnspacing=1.6)  # fmt: skip


def tidy(axes: Axes) -> None:
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0, labelsize=9.5)
    axes.tick_params(axis="x", labelsize=9, colors=INK)
    axes.set_axisbelow(True)


def percentile_plot(calls: Sequence[CallLatency]) -> Figure:
    """Draw p50, p90, p95 and p99 of every stage over many calls; interrupted turns apart."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    groups = percentiles(all_turns(calls))
    top, row, gap = 0.75, 0.36, 0.95
    heights = [row * len(figures) for figures in groups.values()] or [row]
    figure = Figure(figsize=(12, top + sum(heights) + gap * len(heights)))
    FigureCanvasAgg(figure)
    total = figure.get_figheight()
    end_ms = max((f.p99 for figures in groups.values() for f in figures), default=0) or 1
    y = total - top
    for (group, figures), height in zip(groups.items(), heights, strict=False):
        y -= height + 0.3
        axes = figure.add_axes((0.12, y / total, 0.85, height / total))
        draw_figures(axes, figures, end_ms)
        axes.set_title(f"{figures[-1].count} turns {group}", loc="left", fontsize=10.5)
        y -= gap - 0.3
    below = "thick bar p50 · middle bar p90 · tick p95 · thin bar p99"
    count = "1 call" if len(calls) == 1 else f"{len(calls)} calls"
    head(figure, f"Latency over {count}", below if groups else "no answers")
    return figure


def draw_figures(axes: Axes, figures: Sequence[Figures], end_ms: float) -> None:
    for row, f in enumerate(figures):
        colour = COLOURS[f.stage.key]
        axes.barh(row, f.p99, height=0.16, color=colour, alpha=0.35)
        axes.barh(row, f.p90, height=0.38, color=colour, alpha=0.6)
        axes.barh(row, f.p50, height=0.62, color=colour)
        axes.plot(f.p95, row, "|", color=INK, ms=11, mew=1.6)
        values = " / ".join(f"{value:.0f}" for value in (f.p50, f.p90, f.p95, f.p99))
        axes.text(f.p99 + end_ms * 0.01, row, values, va="center", fontsize=9, color=INK)
    axes.set_yticks(range(len(figures)), [f.stage.words for f in figures])
    axes.set_ylim(len(figures) - 0.5, -0.5)
    axes.set_xlim(0, end_ms * 1.2)
    axes.set_xlabel("milliseconds", fontsize=9)
    axes.grid(axis="x", color="#E6E8EB", lw=0.8)
    tidy(axes)
