"""Pictures of a sweep: what every setting reached, and how two settings act together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sdr_lab.errors import BadInput
from sdr_lab.records import InterruptSettings
from sdr_lab.tune.front import pareto_front
from sdr_lab.tune.plots import (
    AGENT,
    INK,
    RULE,
    WRONG,
    head,
    new_figure,
    place,
    plain,
    say_nothing_to_see,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
"""One row of a sweep's table: settings and figures by name."""

METRICS = {
    "recall": ("share of the interruptions noticed", True),
    "precision": ("share of the stops that were right", True),
    "f1": ("F1 of the stops", True),
    "false_per_min": ("false stops a minute", False),
    "latency_median_ms": ("median ms until the stop", False),
    "latency_p90_ms": ("p90 ms until the stop", False),
    "hold_recall": ("share of the interruptions held", True),
    "hold_false_per_min": ("false holds a minute", False),
    "hold_latency_median_ms": ("median ms until the hold", False),
}
"""Metric → what it is in words, and whether more is better."""

CHOSEN = "#D55E00"
MOST_CELLS = 24
"""Values of a setting that are drawn one by one; of more, ranges are."""
RANGES = 12
WRITTEN_CELLS = 160
"""Figures are written into the cells of a heat map up to so many cells."""


def chosen_row(rows: Sequence[Row]) -> Row | None:
    """Return the row that the sweep has chosen."""
    return next((row for row in rows if row.get("is_chosen")), None)


def varied(rows: Sequence[Row]) -> list[str]:
    """Return the settings that differ between rows, in the order of the columns."""
    names = [name for name in (rows[0] if rows else {}) if _is_setting(name)]
    return [name for name in names if len({row.get(name) for row in rows}) > 1]


def _is_setting(name: str) -> bool:
    return name in {field.name for field in fields(InterruptSettings)}


@dataclass(frozen=True, slots=True)
class Point:
    """Where a setting lies in the picture."""

    x: float
    recall: float


def trade_off(
    rows: Sequence[Row],
    chosen: Row | None = None,
    x: str = "false_per_min",
    name: str = "",
    *,
    limit: float | None = None,
    held_out: Row | None = None,
) -> Figure:
    """Draw recall over false stops a minute (or over precision) for every row.

    Args:
        rows: Rows of a sweep's table with `recall` and the column `x`.
        chosen: The operating point.
        x: `false_per_min` or `precision`.
        name: What was swept, for the title.
        limit: Most false stops a minute (least precision) that were allowed; drawn as a line.
        held_out: What the choice reached on calls that it was not made on.

    Raises:
        BadInput: the rows lack a column, or `x` is something else.
    """
    if x not in ("false_per_min", "precision"):
        raise BadInput(f"x: got {x!r}, allowed: false_per_min, precision")
    points = [_point(row, x) for row in rows]
    figure = new_figure(6.2, 9.0)
    axes = place(figure, 0.85, 1.2, 7.85, 4.05)
    against = "false stops" if x == "false_per_min" else "precision"
    count = "1 setting" if len(rows) == 1 else f"{len(rows)} settings"
    head(figure, f"Callers noticed against {against}{f': {name}' if name else ''}",
         _told(chosen, held_out, x) or f"{count} tried; none is chosen")  # fmt: skip
    if not points:
        say_nothing_to_see(axes, "no settings were tried")
        return figure
    axes.scatter([p.x for p in points], [p.recall for p in points], s=16, color="#B9BEC6",
                 linewidths=0, label=f"{count} tried")  # fmt: skip
    front = front_of(points, x == "precision")
    axes.plot([p.x for p in front], [p.recall for p in front], "-o", color=AGENT, lw=1.6, ms=4,
              label="the best of them: nothing is better in both")  # fmt: skip
    _draw_limit(axes, limit, x)
    _draw_star(axes, chosen, x, "the operating point", CHOSEN)
    _draw_star(axes, held_out, x, "the same, on calls held out", "none")
    _frame(axes, points, x)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncol=3, frameon=False,
                fontsize=9, handletextpad=0.5, columnspacing=1.4)  # fmt: skip
    return figure


def front_of(points: Sequence[Point], more_is_better: bool) -> list[Point]:
    """Return the points that no other beats in both, in order of x."""
    rows = [{"x": point.x, "recall": point.recall} for point in points]
    more, less = (("recall", "x"), ()) if more_is_better else (("recall",), ("x",))
    return sorted((points[i] for i in pareto_front(rows, more, less)), key=lambda p: p.x)


def _draw_star(axes: Axes, row: Row | None, x: str, name: str, colour: str) -> None:
    if row is None:
        return
    point = _point(row, x)
    is_filled = colour == CHOSEN
    axes.plot(point.x, point.recall, "*", mfc=colour, ms=16 if is_filled else 24, ls="",
              mec="white" if is_filled else CHOSEN, mew=1.4, label=name,
              zorder=5)  # fmt: skip


def _draw_limit(axes: Axes, limit: float | None, x: str) -> None:
    if limit is None:
        return
    words = "at most" if x == "false_per_min" else "at least"
    axes.axvline(limit, color=WRONG, lw=1.2, ls="--", label=f"allowed: {words} {limit:g}")


def _frame(axes: Axes, points: Sequence[Point], x: str) -> None:
    from matplotlib.ticker import FuncFormatter

    axes.set_ylim(-0.02, 1.04)
    axes.set_ylabel("recall: share of the interruptions noticed", fontsize=9.5, color=INK)
    if x == "precision":
        axes.set_xlim(-0.02, 1.04)
        axes.set_xlabel("precision: share of the stops that were right", fontsize=9.5, color=INK)
    else:
        axes.set_xscale("symlog", linthresh=1, linscale=1)
        most = max(point.x for point in points)
        steps = [0, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 50, 100, 200]
        end = next((step for step in steps if step > most), most * 1.1)
        axes.set_xticks([step for step in steps if step <= end])
        axes.minorticks_off()
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xlim(-0.03, end * 1.02)
        axes.set_xlabel("false stops a minute while the agent speaks", fontsize=9.5, color=INK)
    tidy(axes, "both")


def _told(chosen: Row | None, held_out: Row | None, x: str) -> str:
    if chosen is None:
        return ""
    point = _point(chosen, x)
    told = f"the operating point notices {point.recall:.0%} of the interruptions, "
    told += f"{_x_of(point, x)} {'false stops a minute' if x != 'precision' else 'of stops right'}"
    if held_out is None:
        return told
    other = _point(held_out, x)
    return f"{told}; on calls held out {other.recall:.0%} and {_x_of(other, x)}"


def _x_of(point: Point, x: str) -> str:
    return f"{point.x:.0%}" if x == "precision" else f"{point.x:.2f}"


def _point(row: Row, x: str) -> Point:
    return Point(number(row, x), number(row, "recall"))


def number(row: Row, name: str) -> float:
    """Return a figure of a row.

    Raises:
        BadInput: it has none of that name, or it is no number.
    """
    value = row.get(name)
    if not _is_number(value):
        known = ", ".join(sorted(key for key in row))
        raise BadInput(f"column {name!r}: not in the table or no number; it has {known}")
    return float(value)  # pyright: ignore[reportArgumentType]


def heat_map(
    rows: Sequence[Row],
    x: str,
    y: str,
    metric: str = "f1",
    chosen: Row | None = None,
    name: str = "",
) -> Figure:
    """Draw a metric over two settings; where others were varied as well, the best of them.

    Args:
        rows: Rows of a sweep's table.
        x: The setting along the bottom.
        y: The setting along the side.
        metric: One of `METRICS`.
        chosen: The row whose cell is marked.
        name: What was swept, for the title.

    Raises:
        BadInput: the table lacks a column, or the metric is unknown.
    """
    if metric not in METRICS:
        raise BadInput(f"metric: got {metric!r}, allowed: {', '.join(METRICS)}")
    words, more_is_better = METRICS[metric]
    across, up = Axis.of(rows, x), Axis.of(rows, y)
    best = _best(rows, across, up, metric, more_is_better)
    cell_in = min(0.85, 8.0 / max(1, len(across.names)))
    row_in = min(0.5, 5.0 / max(1, len(up.names)))
    wide, high = max(3.8, cell_in * len(across.names)), max(1.2, row_in * len(up.names))
    left = 0.75 + 0.075 * max(map(len, up.names))
    bottom = 0.95 if _is_slanted(across) else 0.65
    figure = new_figure(bottom + high + 0.85, left + wide + 1.0)
    axes = place(figure, left, bottom, wide, high)
    head(figure, f"{words[0].upper()}{words[1:]}{f': {name}' if name else ''}",
         _told_cells(len(rows), len(best), chosen))  # fmt: skip
    if not best:
        say_nothing_to_see(axes, "no row of the table has this metric")
        return figure
    image = _paint(axes, best, across, up, more_is_better)
    bar = figure.colorbar(image, cax=place(figure, left + wide + 0.15, bottom, 0.16, high))
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    bar.ax.tick_params(length=0, labelsize=8.5)
    _mark(axes, chosen, across, up)
    return figure


@dataclass(frozen=True)
class Axis:
    """The values of a setting, in order; of many numbers, ranges."""

    setting: str
    names: tuple[str, ...]
    _keys: tuple[Any, ...]
    _edges: tuple[float, ...] = ()

    @classmethod
    def of(cls, rows: Sequence[Row], setting: str) -> Axis:
        """Collect the values.

        Raises:
            BadInput: no row has the setting.
        """
        if not any(setting in row for row in rows):
            known = ", ".join(sorted({key for row in rows for key in row}))
            raise BadInput(f"setting {setting!r}: not in the table; it has {known or 'no rows'}")
        values = {row.get(setting) for row in rows}
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        if numbers and len(values) > MOST_CELLS:
            low, high = float(min(values)), float(max(values))  # pyright: ignore
            edges = tuple(low + (high - low) * i / RANGES for i in range(RANGES + 1))
            names = tuple(f"{a:.3g}–{b:.3g}" for a, b in pairwise(edges))
            return cls(setting, names, tuple(range(RANGES)), edges)
        order = sorted(values, key=lambda v: (0, v, "") if _is_number(v) else (1, 0, str(v)))
        return cls(setting, tuple(map(short, order)), tuple(order))

    def index(self, row: Row) -> int | None:
        """Return the place of a row on the axis."""
        value = row.get(self.setting)
        if self._edges:
            if not _is_number(value):
                return None
            share = (float(value) - self._edges[0]) / (self._edges[-1] - self._edges[0])  # pyright: ignore
            return min(RANGES - 1, max(0, int(share * RANGES)))
        return self._keys.index(value) if value in self._keys else None


def short(value: object) -> str:
    """Return a setting as a tick shows it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "default"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _best(
    rows: Sequence[Row], across: Axis, up: Axis, metric: str, more_is_better: bool
) -> dict[tuple[int, int], float]:
    best: dict[tuple[int, int], float] = {}
    choose = max if more_is_better else min
    for row in rows:
        value, i, j = row.get(metric), across.index(row), up.index(row)
        if i is None or j is None or not _is_number(value) or math.isnan(float(value)):  # pyright: ignore
            continue
        best[i, j] = choose(best.get((i, j), float(value)), float(value))  # pyright: ignore
    return best


def _paint(
    axes: Axes,
    best: Mapping[tuple[int, int], float],
    across: Axis,
    up: Axis,
    more_is_better: bool,
) -> Any:
    import numpy as np

    grid = np.full((len(up.names), len(across.names)), np.nan)
    for (i, j), value in best.items():
        grid[j, i] = value
    colours = "cividis" if more_is_better else "cividis_r"
    axes.set_facecolor(RULE)
    image = axes.imshow(grid, aspect="auto", origin="lower", cmap=colours)
    slanted = _is_slanted(across)
    axes.set_xticks(range(len(across.names)), across.names, rotation=35 if slanted else 0,
                    ha="right" if slanted else "center", rotation_mode="anchor")  # fmt: skip
    axes.set_yticks(range(len(up.names)), up.names)
    axes.set_xlabel(plain(across.setting), fontsize=9.5, color=INK)
    axes.set_ylabel(plain(up.setting), fontsize=9.5, color=INK)
    tidy(axes)
    if len(best) <= WRITTEN_CELLS:
        low, high = min(best.values()), max(best.values())
        for (i, j), value in best.items():
            share = (value - low) / (high - low) if high > low else 1.0
            bright = share if more_is_better else 1 - share
            axes.text(i, j, _figure(value, high), ha="center", va="center", fontsize=8.5,
                      color=INK if bright > 0.55 else "white")  # fmt: skip
    return image


def _figure(value: float, high: float) -> str:
    return f"{value:.0f}" if high >= 100 else f"{value:.1f}" if high >= 10 else f"{value:.2f}"


def _mark(axes: Axes, chosen: Row | None, across: Axis, up: Axis) -> None:
    from matplotlib.patches import Rectangle

    if chosen is None:
        return
    i, j = across.index(chosen), up.index(chosen)
    if i is None or j is None:
        return
    for colour, width in (("white", 5.5), (CHOSEN, 3)):
        axes.add_patch(Rectangle((i - 0.5, j - 0.5), 1, 1, fill=False, ec=colour, lw=width,
                                 zorder=5, clip_on=False))  # fmt: skip


def _told_cells(rows: int, cells: int, chosen: Row | None) -> str:
    told = "1 setting" if rows == 1 else f"{rows} settings"
    told += "; each cell shows its best" if 0 < cells < rows else ""
    return told if chosen is None else f"{told}; the chosen one is framed"


def _is_slanted(across: Axis) -> bool:
    return len(across.names) > 6 and max(map(len, across.names)) > 5
