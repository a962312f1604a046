"""The picture of a call: both channels, what was said of them, what a detector saw and decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sdr_lab.records import FRAME_MS
from sdr_lab.tune.labels import KINDS, Interval, Label
from sdr_lab.tune.plots import (
    AGENT,
    CALLER,
    FAINT,
    INK,
    LABEL_COLOURS,
    OPEN,
    RIGHT,
    RULE,
    WRONG,
    head,
    in_words,
    new_figure,
    place,
    tidy,
)
from sdr_lab.tune.view import COLUMNS, CallView, Mark

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT_IN, WIDE_IN = 1.5, 10.25
GAP_IN = 0.14
LOWEST_RMS = 10
"""Energies are drawn on a logarithmic axis from here on."""
LETTER_IN = 0.078
"""Width of a letter of a name in a span."""
LEVELS = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000)
SCORE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
LOWEST_DB = -5.0
LONG_MS = 120_000
"""From then on times are told in minutes and seconds."""
STEPS_S = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300)
MARGIN_COLOURS = ("#E69F00", "#4A4F57")
EXPECTED = "expected_rms"
"""The reading of detectors that know what noise and echo would sound like."""
KEYS_A_ROW = 7
SHAPE = {"hold": "o", "stop": "o", "go on": ">"}


@dataclass(frozen=True, slots=True)
class Series:
    """A value of the detector over time, and what it must reach."""

    name: str
    values: np.ndarray
    limits: np.ndarray | None


def waveform(view: CallView, at_ms: int | None = None, below: str = "") -> Figure:
    """Draw a stretch of a call.

    Args:
        view: The stretch.
        at_ms: A moment that is marked.
        below: The line below the title; empty: what the detector decided.
    """
    scores, margins = score_series(view), margin_series(view)
    lane_rows = lane_names(view)
    heights = [0.3 * len(lane_rows), 1.0, 0.8, 1.1]
    heights += [1.15] * (bool(scores) + bool(margins))
    keys = _keys(view, [*scores, *margins])
    key_rows = -(-len(keys) // KEYS_A_ROW)
    top, bottom = 0.85, 0.6 + 0.22 * key_rows
    figure = new_figure(top + sum(heights) + GAP_IN * (len(heights) - 1) + bottom)
    panels = _panels(figure, heights, top)
    head(figure, title_of(view), below or decided(view))
    draw_lane(panels[0], view, lane_rows)
    _draw_wave(panels[1], view, "caller")
    _draw_wave(panels[2], view, "agent")
    _draw_energy(panels[3], view)
    if scores:
        _draw_scores(panels[4], view, scores)
    if margins:
        _draw_margins(panels[-1], view, margins)
    for panel in panels[1:]:
        _shade(panel, view)
    _finish(panels, view, at_ms)
    figure.legend(handles=keys, loc="lower center", ncol=-(-len(keys) // key_rows),
                  frameon=False, fontsize=8.5, columnspacing=1.4, handletextpad=0.5,
                  bbox_to_anchor=(0.5, 0.0))  # fmt: skip
    return figure


def title_of(view: CallView) -> str:
    """Return what is seen: the call, the seconds, and the detector."""
    span = f"{view.start_ms / 1000:.1f} to {view.end_ms / 1000:.1f} s"
    if view.end_ms > LONG_MS:
        span = f"{clock(view.start_ms / 1000)} to {clock(view.end_ms / 1000)}"
    heard = f", as {view.detector} hears it" if view.detector else ""
    return f"Call {view.call.id}, {span}{heard}"


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds: `2:05`, `2:05.5`."""
    minutes, rest = divmod(round(seconds * 10), 600)
    return f"{minutes}:{rest // 10:02}" + (f".{rest % 10}" if rest % 10 else "")


def decided(view: CallView) -> str:
    """Count the decisions that are seen."""
    if not view.detector:
        return "recorded sound and labels"
    seen = [mark for mark in view.marks if view.start_ms <= mark.at_ms <= view.end_ms]
    stops = [mark for mark in seen if mark.kind == "stop"]
    holds = len(seen) - len(stops)
    told = [_count(len(stops), "stop"), _count(holds, "hold")]
    wrong = sum(mark.is_right is False for mark in stops)
    right = sum(mark.is_right is True for mark in stops)
    if right or wrong:
        told[0] += f" ({right} right, {wrong} false)"
    return ", ".join(told)


def _count(n: int, noun: str) -> str:
    return f"no {noun}s" if not n else f"1 {noun}" if n == 1 else f"{n} {noun}s"


def lane_names(view: CallView) -> list[str]:
    """Return the rows above the waveforms."""
    rows = ["agent speaks"]
    if view.call.labels:
        rows.insert(0, "labels")
    if view.detector:
        rows.append(f"{view.detector} decides")
    if view.live:
        rows.append("live call did")
    return rows


def score_series(view: CallView) -> list[Series]:
    """Return the detector's values between 0 and 1: probabilities and scores."""
    if not view.readings:
        return []
    names = [
        name
        for name in view.readings[0].reading.values
        if all(0 <= r.reading.values.get(name, 0) <= 1 for r in view.readings)
        and 0 < view.readings[0].reading.limits.get(name, 0.5) <= 1
        and any(word in name for word in ("prob", "score", "hold", "stop"))
    ]
    return [series_of(view, name) for name in names]


def margin_series(view: CallView) -> list[Series]:
    """Return the detector's levels in dB that must reach something."""
    if not view.readings:
        return []
    first = view.readings[0].reading
    return [series_of(view, name) for name in first.limits if name.endswith("_db")]


def series_of(view: CallView, name: str) -> Series:
    """Return a value of the detector in every frame that is seen, and its limit."""
    values = np.array([r.reading.values.get(name, np.nan) for r in view.readings])
    if not any(name in r.reading.limits for r in view.readings):
        return Series(name, values, None)
    limits = np.array([r.reading.limits.get(name, np.nan) for r in view.readings])
    return Series(name, values, limits)


def draw_lane(axes: Axes, view: CallView, rows: Sequence[str]) -> None:
    """Draw labels, agent intervals and decisions, one row each."""
    for row, name in enumerate(rows):
        if name == "labels":
            for label in view.call.labels:
                _draw_label(axes, view, row, label)
        elif name == "agent speaks":
            _draw_spans(axes, row, view.call.agent)
        elif name == "live call did":
            for live in view.live:
                kind, colour = live.kind, OPEN
                _draw_mark(axes, live.at_ms, row, kind, colour)
        else:
            for mark in view.marks:
                _draw_mark(axes, mark.at_ms, row, mark.kind, colour_of(mark))
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    tidy(axes)
    for row in range(1, len(rows)):
        axes.axhline(row - 0.5, color=RULE, lw=0.6, zorder=0)


def colour_of(mark: Mark) -> str:
    """Return the colour of a decision: right, wrong, or not judged."""
    return OPEN if mark.is_right is None else RIGHT if mark.is_right else WRONG


def _panels(figure: Figure, heights: Sequence[float], top: float) -> list[Axes]:
    panels = []
    y = figure.get_figheight() - top
    for height in heights:
        y -= height
        panels.append(place(figure, LEFT_IN, y, WIDE_IN, height))
        y -= GAP_IN
    return panels


def _draw_label(axes: Axes, view: CallView, row: int, label: Label) -> None:
    start_s, length_s = label.onset_ms / 1000, (label.offset_ms - label.onset_ms) / 1000
    axes.barh(row, length_s, left=start_s, height=0.74, color=LABEL_COLOURS[label.kind])
    seen_ms = min(label.offset_ms, view.end_ms) - max(label.onset_ms, view.start_ms)
    room_in = seen_ms / (view.end_ms - view.start_ms) * WIDE_IN
    name = in_words(label.kind)
    if room_in > LETTER_IN * len(name):
        middle_ms = max(label.onset_ms, view.start_ms) + seen_ms / 2
        dark = label.kind not in ("nonverbal", "echo", "side_speech")
        axes.text(middle_ms / 1000, row, name, ha="center", va="center", fontsize=8,
                  color="white" if dark else INK)  # fmt: skip


def _draw_spans(axes: Axes, row: int, spans: Sequence[Interval]) -> None:
    bars = [(span.start_ms / 1000, span.duration_ms / 1000) for span in spans]
    axes.broken_barh(bars, (row - 0.3, 0.6), color=AGENT, alpha=0.75, linewidth=0)


def _draw_mark(axes: Axes, at_ms: int, row: int, kind: str, colour: str) -> None:
    face = "white" if kind == "hold" else colour
    axes.plot(at_ms / 1000, row, SHAPE[kind], ms=8, mew=1.8, mec=colour, mfc=face, zorder=4)


def _draw_wave(axes: Axes, view: CallView, who: str) -> None:
    wave = view.caller if who == "caller" else view.agent
    colour = CALLER if who == "caller" else AGENT
    axes.fill_between(wave.at_s, wave.low, wave.high, color=colour, linewidth=0.4, step="post")
    peak = float(max(np.max(wave.high), -np.min(wave.low), 0.02))
    axes.set_ylim(-1.08 * peak, 1.08 * peak)
    axes.set_yticks([0], [f"{who}\n(to ±{peak:.0%})"])
    tidy(axes)


def _draw_energy(axes: Axes, view: CallView) -> None:
    axes.fill_between(view.caller.at_s, LOWEST_RMS, np.maximum(view.energy, LOWEST_RMS),
                      color="#C9CED6", linewidth=0, step="post")  # fmt: skip
    threshold = series_of(view, "energy") if view.readings else None
    if threshold is not None and threshold.limits is not None:
        at_s, limits = _drawn(view, threshold.limits)
        axes.plot(at_s, limits, color=WRONG, lw=1.5, ls="--")
    highest = max(float(np.max(view.energy)), _highest(threshold))
    if view.readings and EXPECTED in view.readings[0].reading.values:
        at_s, expected = _drawn(view, series_of(view, EXPECTED).values)
        axes.plot(at_s, np.maximum(expected, LOWEST_RMS), color=INK, lw=1.1)
        highest = max(highest, float(np.max(expected)))
    axes.set_yscale("log")
    axes.set_ylim(LOWEST_RMS, max(1000.0, highest * 1.4))
    ticks = [level for level in LEVELS if level <= max(1000.0, highest * 1.4)]
    axes.set_yticks(ticks, [f"{level:,}" for level in ticks])
    axes.minorticks_off()
    axes.set_ylabel("caller's\nenergy, RMS", fontsize=8.5, color=INK, labelpad=8)
    tidy(axes, "y")


def _highest(series: Series | None) -> float:
    if series is None or series.limits is None:
        return 0.0
    return float(np.nanmax(series.limits))


def _draw_series(
    axes: Axes, view: CallView, drawn: Sequence[Series], colours: Sequence[str]
) -> None:
    for i, (series, colour) in enumerate(zip(drawn, colours, strict=False)):
        at_s, values = _drawn(view, series.values)
        axes.plot(at_s, values, color=colour, lw=1.3)
        if series.limits is not None:
            at_s, limits = _drawn(view, series.limits)
            axes.plot(at_s, limits, color=colour, lw=1.2, ls=_dashes(i))


def _dashes(i: int) -> tuple[float, tuple[float, float]]:
    """Return dashes that leave room for each other where two limits are equal."""
    return (6.0 * i, (6.0, 6.0))


def _draw_margins(axes: Axes, view: CallView, margins: Sequence[Series]) -> None:
    clipped = [replace(s, values=np.maximum(s.values, LOWEST_DB)) for s in margins]
    _draw_series(axes, view, clipped, MARGIN_COLOURS)
    highest = max([20.0, *(float(np.nanmax(series.values)) for series in margins)])
    axes.set_ylim(LOWEST_DB, highest * 1.1)
    axes.set_ylabel("caller's level\nover …, dB", fontsize=8.5, color=INK, labelpad=8)
    tidy(axes, "y")


def _draw_scores(axes: Axes, view: CallView, scores: Sequence[Series]) -> None:
    _draw_series(axes, view, scores, SCORE_COLOURS)
    axes.set_ylim(-0.03, 1.05)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("detector's\nscore, 0..1", fontsize=8.5, color=INK, labelpad=8)
    tidy(axes, "y")


def _drawn(view: CallView, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return times and values, of many frames the highest of neighbours."""
    at_s = view.start_ms / 1000 + np.arange(len(values)) * FRAME_MS / 1000
    width = -(-len(values) // COLUMNS)
    starts = np.arange(0, len(values), width)
    return at_s[starts], np.fmax.reduceat(values, starts)


def _shade(axes: Axes, view: CallView) -> None:
    for label in view.call.labels:
        axes.axvspan(label.onset_ms / 1000, label.offset_ms / 1000, color=LABEL_COLOURS[label.kind],
                     alpha=0.16, linewidth=0, zorder=0)  # fmt: skip
    for mark in view.marks:
        style = ":" if mark.kind == "hold" else "-"
        axes.axvline(mark.at_ms / 1000, color=colour_of(mark), lw=1.1, ls=style, zorder=3)


def _finish(panels: Sequence[Axes], view: CallView, at_ms: int | None) -> None:
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    for panel in panels:
        panel.set_xlim(view.start_ms / 1000, view.end_ms / 1000)
        if at_ms is not None:
            panel.axvline(at_ms / 1000, color=INK, lw=1.2, ls=(0, (6, 3)), zorder=3)
        if panel is not panels[-1]:
            panel.tick_params(axis="x", labelbottom=False)
        panel.grid(axis="x", color=RULE, lw=0.6)
    if at_ms is not None:
        panels[0].annotate(f"{at_ms / 1000:.2f} s", (at_ms / 1000, 1), xytext=(0, 3),
                           xycoords=("data", "axes fraction"), textcoords="offset points",
                           ha="center", fontsize=9, weight="bold", color=INK)  # fmt: skip
    unit = "seconds"
    if view.end_ms > LONG_MS:
        unit = "minutes"
        panels[-1].xaxis.set_major_locator(MultipleLocator(_step_s(view)))
        panels[-1].xaxis.set_major_formatter(FuncFormatter(lambda s, _: clock(s)))
    panels[-1].set_xlabel(f"call time, {unit}", fontsize=9, color=INK)


def _step_s(view: CallView) -> float:
    """Return a distance of ticks that people count in."""
    rough = (view.end_ms - view.start_ms) / 1000 / 10
    return next((step for step in STEPS_S if step >= rough), 600.0)


def _keys(view: CallView, drawn: Sequence[Series]) -> list[Artist]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    seen = {x.kind for x in view.call.labels if _is_seen(view, x.onset_ms, x.offset_ms)}
    keys: list[Artist] = [
        Patch(color=LABEL_COLOURS[kind], label=in_words(kind)) for kind in KINDS if kind in seen
    ]
    for name, shape, face, edge in _mark_keys(view):
        keys.append(
            Line2D([], [], marker=shape, ls="", ms=8, mew=1.8, mfc=face, mec=edge, label=name)
        )
    if view.readings and "energy" in view.readings[0].reading.limits:
        keys.append(Line2D([], [], color=WRONG, lw=1.5, ls="--", label="energy needed"))
    if view.readings and EXPECTED in view.readings[0].reading.values:
        keys.append(Line2D([], [], color=INK, lw=1.1, label="echo and noise expected"))
    of_scores = [series for series in drawn if not series.name.endswith("_db")]
    of_margins = [series for series in drawn if series.name.endswith("_db")]
    coloured = [
        *zip(of_scores, SCORE_COLOURS, strict=False),
        *zip(of_margins, MARGIN_COLOURS, strict=False),
    ]
    for series, colour in coloured:
        name = in_words(series.name.removesuffix("_db"))
        keys.append(Line2D([], [], color=colour, lw=1.3, label=name))
        if series.limits is not None:
            keys.append(Line2D([], [], color=colour, lw=1.2, ls="--", label=f"{name} needed"))
    return keys or [Patch(color=FAINT, label="nothing is labelled here")]


def _mark_keys(view: CallView) -> list[tuple[str, str, str, str]]:
    """Return name, shape, face and edge of the decisions that are seen."""
    verdicts = {True: ("right", RIGHT), False: ("false", WRONG), None: ("not counted", OPEN)}
    shown: dict[str, tuple[str, str, str]] = {}
    for mark in view.marks:
        if view.start_ms <= mark.at_ms <= view.end_ms:
            words, colour = verdicts[mark.is_right]
            face = "white" if mark.kind == "hold" else colour
            name = f"{mark.kind}, {words}" if view.call.labels else mark.kind
            shown[name] = ("o", face, colour)
    for live in view.live:
        if view.start_ms <= live.at_ms <= view.end_ms:
            name = "went on" if live.kind == "go on" else f"live {live.kind}"
            shown[name] = (SHAPE[live.kind], "white" if live.kind == "hold" else OPEN, OPEN)
    return [(name, *look) for name, look in sorted(shown.items())]


def _is_seen(view: CallView, start_ms: int, end_ms: int) -> bool:
    return start_ms < view.end_ms and end_ms > view.start_ms
