"""Pictures of a score: why there were false stops, and how soon true ones came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sdr_lab.tune.plots import (
    CAUSE_COLOURS,
    FAINT,
    INK,
    RIGHT,
    WRONG,
    head,
    in_words,
    new_figure,
    place,
    say_nothing_to_see,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CAUSE_WORDS = {
    "echo": "echo of the agent",
    "background": "background noise, no label",
    "other": "nothing that has a label",
    "side_speech": "speech to somebody else",
    "backchannel": "backchannel (mm-hmm)",
    "nonverbal": "cough, laugh, breath",
    "noise": "a noise",
    "interruption": "an interruption, too early or too late",
}
STEP_MS = 50
"""Width of a bar of the histogram."""
FEWEST = 10
"""Of fewer latencies a ninetieth percentile says nothing."""
LAST_MS = 1300
"""A stop later than 1.3 s after the onset is a miss, so the axis ends there."""


def false_by_cause(counts: Mapping[str, int], agent_min: float, name: str = "") -> Figure:
    """Draw how many false stops each cause had.

    Args:
        counts: Cause → false stops, as `Score.to_dict()["false_by_cause"]` has them.
        agent_min: Minutes in which the agent spoke; > 0.
        name: What was scored, for the title.
    """
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    total = sum(counts.values())
    top, row_in, bottom = 0.95, 0.42, 0.6
    figure = new_figure(top + max(1, len(rows)) * row_in + bottom, 9.0)
    axes = place(figure, 2.75, bottom, 5.95, max(1, len(rows)) * row_in)
    head(figure, f"What the agent was stopped by in vain{_of(name)}", _rate(total, agent_min))
    if not rows:
        say_nothing_to_see(axes, "no false stops")
        return figure
    most = max(count for _, count in rows)
    for y, (cause, count) in enumerate(rows):
        axes.barh(y, count, height=0.66, color=CAUSE_COLOURS.get(cause, FAINT))
        share = f"{count}  ({count / total:.0%}, {count / agent_min:.2f} a minute)"
        axes.text(count + most * 0.012, y, share, va="center", fontsize=9, color=INK)
    axes.set_yticks(range(len(rows)), [CAUSE_WORDS.get(c, in_words(c)) for c, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, most * 1.42)
    axes.set_xlabel("false stops", fontsize=9, color=INK)
    whole_numbers(axes, "x")
    tidy(axes, "x")
    return figure


def latency_histogram(
    latencies_ms: Sequence[float], interruptions: int, name: str = "", what: str = "stop"
) -> Figure:
    """Draw how long after its onset each interruption was noticed, with median and p90.

    Args:
        latencies_ms: Of the interruptions that were noticed.
        interruptions: How many there were, the missed ones included.
        name: What was scored, for the title.
        what: `stop` or `hold`.
    """
    figure = new_figure(4.2, 9.0)
    axes = place(figure, 0.75, 0.62, 7.95, 2.5)
    missed = interruptions - len(latencies_ms)
    noticed = f"{len(latencies_ms)} of {interruptions} interruptions noticed, {missed} missed"
    title = f"How long callers had to speak until the {what}{_of(name)}"
    if not latencies_ms:
        head(figure, title, noticed)
        say_nothing_to_see(axes, "no interruption was noticed")
        return figure
    kept = sorted(latencies_ms)
    middle = median(kept)
    late = p90(kept) if len(kept) >= FEWEST else None
    told = f"; median {middle:.0f} ms" + ("" if late is None else f", p90 {late:.0f} ms")
    head(figure, title, noticed + told)
    last_ms = max(LAST_MS, kept[-1] + STEP_MS)
    edges = [STEP_MS * i for i in range(int(last_ms // STEP_MS) + 2)]
    axes.hist(kept, bins=edges, color=RIGHT, alpha=0.55, rwidth=0.92)
    top = axes.get_ylim()[1]
    side = "right" if middle > last_ms / 6 else "left"
    _upright(axes, (middle, top * 1.17), f"median {middle:.0f} ms", side, (INK, "-"))
    if late is not None:
        side = "right" if late > last_ms * 5 / 6 else "left"
        _upright(axes, (late, top * 1.07), f"p90 {late:.0f} ms", side, (WRONG, "--"))
    axes.set_xlim(0, last_ms)
    axes.set_ylim(0, top * 1.22)
    axes.set_xlabel("milliseconds after the caller began", fontsize=9, color=INK)
    axes.set_ylabel("interruptions", fontsize=9, color=INK)
    whole_numbers(axes, "y")
    tidy(axes, "y")
    return figure


def median(values: Sequence[float]) -> float:
    """Return the median of sorted values."""
    import statistics

    return statistics.median(values)


def p90(values: Sequence[float]) -> float:
    """Return the value at rank ⌊0.9 (n − 1)⌋ of sorted values, as the score does."""
    return values[int(0.9 * (len(values) - 1))]


def whole_numbers(axes: Axes, axis: str) -> None:
    """Count in whole numbers on an axis."""
    from matplotlib.ticker import MaxNLocator

    one = axes.xaxis if axis == "x" else axes.yaxis
    one.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))


def _upright(
    axes: Axes, at: tuple[float, float], text: str, side: str, look: tuple[str, str]
) -> None:
    """Draw a line at x with its name beside it at y; `look` is colour and line style."""
    colour, style = look
    axes.axvline(at[0], color=colour, lw=1.6, ls=style)
    gap = 5 if side == "left" else -5
    axes.annotate(text, at, xytext=(gap, 0), textcoords="offset points", fontsize=9.5,
                  weight="bold", color=colour, ha=side, va="center")  # fmt: skip


def _rate(total: int, agent_min: float) -> str:
    count = "1 false stop" if total == 1 else f"{total} false stops"
    rate = f"{total / agent_min:.2f} a minute"
    return f"{count} in {agent_min:.1f} minutes of the agent's speech: {rate}"


def _of(name: str) -> str:
    return f": {name}" if name else ""
