"""What the pictures of the interrupt lab share: colours, sizes, heads, and writing a file.

Colours are Okabe and Ito's, which people with colour blindness can tell apart
(https://jfly.uni-koeln.de/color/). A colour never says alone what a thing is: labels carry their
name, markers their shape.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sdr_lab.errors import BadInput, StorageError, reason_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABEL_COLOURS = {
    "interruption": "#D55E00",
    "backchannel": "#009E73",
    "nonverbal": "#F0E442",
    "noise": "#8A9099",
    "side_speech": "#CC79A7",
    "echo": "#56B4E9",
}
CAUSE_COLOURS = {**LABEL_COLOURS, "background": "#B9BEC6", "other": "#4A4F57"}
"""Causes of a false stop: the kinds of labels, and two for which nobody set a label."""
AGENT, CALLER = "#0072B2", "#4A4F57"
RIGHT, WRONG, OPEN = "#0072B2", "#B00020", "#222222"
"""Decisions: a true one, a false one, one that nobody has judged."""
INK, FAINT, RULE = "#222222", "#7A808A", "#E6E8EB"

WIDTH_IN = 12.0
DPI = 130
FORMATS = ("png", "svg")
LETTER = 0.0079
"""Width of a letter in inches per point of its size, on average."""
SMALLEST = 7.0


def in_words(kind: str) -> str:
    """Return a kind of label or cause as people write it: `side speech`."""
    return kind.replace("_", " ")


def new_figure(height_in: float, width_in: float = WIDTH_IN) -> Figure:
    """Return an empty figure that needs no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def head(figure: Figure, title: str, below: str) -> None:
    """Write the title, and what is seen in words below it, at fixed distances from the edge."""
    width, height = figure.get_size_inches()
    x = 0.18 / width
    room = width - 0.36
    words, size = fitted(title, 13.0, room)
    figure.text(x, 1 - 0.3 / height, plain(words), fontsize=size, fontweight="bold", color=INK)
    words, size = fitted(below, 9.5, room)
    figure.text(x, 1 - 0.56 / height, plain(words), fontsize=size, color=FAINT)


def fitted(text: str, size: float, room_in: float) -> tuple[str, float]:
    """Make a text smaller until it fits, and shorter when it still does not."""
    wanted_in = len(text) * size * LETTER
    size = max(SMALLEST, size * min(1.0, room_in / max(wanted_in, 1e-9)))
    most = int(room_in / (size * LETTER))
    return (text if len(text) <= most else f"{text[: most - 1].rstrip()}…"), size


def plain(text: str) -> str:
    """Return a text as it is to be shown: two dollars would start a formula."""
    return text.replace("$", r"\$")


def place(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Add axes at a place in inches, counted from the lower left corner."""
    all_width, all_height = figure.get_size_inches()
    box = (left / all_width, bottom / all_height, width / all_width, height / all_height)
    return figure.add_axes(box)


def tidy(axes: Axes, grid: str = "") -> None:
    """Take away what carries nothing. `grid` is `x`, `y`, `both` or empty."""
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="both", length=0, labelsize=9, labelcolor=INK)
    axes.set_axisbelow(True)
    if grid in ("x", "y", "both"):
        axes.grid(axis=grid, color=RULE, lw=0.8)  # pyright: ignore[reportArgumentType]


def say_nothing_to_see(axes: Axes, why: str) -> None:
    """Write into empty axes why they are empty."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=FAINT)


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG or SVG, by the ending of the name. A file is replaced as a whole.

    Raises:
        BadInput: the name ends in something else.
        StorageError: it can't be written; an older picture stays as it was.
    """
    kind = check_picture(path)
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(part, format=kind, dpi=DPI, facecolor="white")
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise StorageError(f"can't write {path}: {reason_of(error)}") from error
    return path


def check_picture(path: Path) -> str:
    """Return the format of a picture by its name: `png` or `svg`.

    Raises:
        BadInput: the name ends in something else.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise BadInput(f"{path}: pictures are written as .png or .svg; give such a name")
    return kind
