"""From scores to the figures of the bars, through the production latch and scorer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdr_lab.records import FRAME_MS
from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.tune.score import Score, score
from sdr_lab.turns.detectors.base import SignKind
from sdr_lab.turns.detectors.hybrid import SMOOTH
from sdr_lab.turns.detectors.latch import Latch
from training.segments import Segment

DEBOUNCE_MS = 400
GRID = (
    *(0.05, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.63, 0.66),
    *(0.7, 0.74, 0.78, 0.82, 0.86, 0.9, 0.93, 0.95, 0.97),
)
NEVER = 2.0


@dataclass(frozen=True)
class Point:
    """A limit and what it gives."""

    limit: float
    score: Score


def decisions(
    calls: Sequence[LabelledCall],
    segments: Sequence[Segment],
    scores: Sequence[NDArray[np.float32]],
    limits: tuple[float, float],
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return the times (s) of holds (and stops without one) and of stops, by call."""
    holds: dict[str, list[float]] = {}
    stops: dict[str, list[float]] = {}
    latches: dict[int, Latch] = {}
    for segment, found in zip(segments, scores, strict=True):
        latch = latches.setdefault(segment.call, Latch(DEBOUNCE_MS))
        latch.reset()
        key = calls[segment.call].id
        hold_s, stop_s = holds.setdefault(key, []), stops.setdefault(key, [])
        hold = stop = 0.0
        now_ms = segment.start_ms + (-segment.start_ms) % FRAME_MS
        for new_hold, new_stop in found.tolist():
            now_ms += FRAME_MS
            hold += SMOOTH * (new_hold - hold)
            stop += SMOOTH * (new_stop - stop)
            sign = latch.hear((hold, stop), limits, now_ms, now_ms)
            if sign is not None:
                hold_s.append(now_ms / 1000)
                if sign.kind is SignKind.STOP:
                    stop_s.append(now_ms / 1000)
    return holds, stops


def stop_points(calls, segments, scores, grid=GRID) -> list[Point]:
    """Score the stops at every limit."""
    found = []
    for limit in grid:
        stops = decisions(calls, segments, scores, (NEVER, limit))[1]
        found.append(Point(limit, score(calls, stops)))
    return found


def hold_points(calls, segments, scores, stop_limit: float, grid=GRID) -> list[Point]:
    """Score the holds at every limit."""
    return [
        Point(limit, score(calls, decisions(calls, segments, scores, (limit, stop_limit))[0]))
        for limit in grid
    ]


def best_f1(points: Sequence[Point]) -> Point:
    return max(points, key=lambda x: x.score.f1)


def best_at(points: Sequence[Point], false_per_min: float) -> Point:
    """The highest recall with at most so many false decisions."""
    few = [x for x in points if x.score.false_per_min <= false_per_min]
    return max(few, key=lambda x: x.score.recall) if few else points[-1]


def bars(calls, segments, scores, limits: Mapping[str, float]) -> dict[str, float]:
    """Figures of every bar at limits chosen elsewhere: f1, few (false stops), hold."""

    def both(stop_limit: float) -> tuple[Score, Score]:
        holds, stops = decisions(calls, segments, scores, (limits["hold"], stop_limit))
        return score(calls, holds), score(calls, stops)

    hold, at_f1 = both(limits["f1"])
    at_few = both(limits["few"])[1]
    tags = at_f1.by_tag
    return {
        "f1": at_f1.f1,
        "recall": at_f1.recall,
        "false": at_f1.false_per_min,
        "median": at_f1.latency_median_ms or 0,
        "few_recall": at_few.recall,
        "few_false": at_few.false_per_min,
        "few_median": at_few.latency_median_ms or 0,
        "hold_recall": hold.recall,
        "hold_median": hold.latency_median_ms or 0,
        "hold_false": hold.false_per_min,
        "loud_echo": tags["echo=loud"].false_per_min if "echo=loud" in tags else 0.0,
        "few_loud_echo": at_few.by_tag["echo=loud"].false_per_min if "echo=loud" in tags else 0.0,
        "quiet_recall": tags["level=quiet"].recall if "level=quiet" in tags else 0.0,
    }


LIMITS = {
    "f1": (">=", 0.85),
    "few_recall": (">=", 0.78),
    "few_median": ("<=", 550),
    "hold_recall": (">=", 0.95),
    "hold_median": ("<=", 240),
    "hold_false": ("<=", 3.5),
    "loud_echo": ("<=", 0.7),
    "quiet_recall": (">=", 0.8),
}
"""The bars."""


def spread(results: Sequence[Mapping[str, float]]) -> str:
    """Format the figures of several seeds: mean, lowest, highest, and the bar."""
    lines = []
    for name in results[0]:
        values = [result[name] for result in results]
        sign, bar = LIMITS.get(name, ("", 0.0))
        mean = float(np.mean(values))
        verdict = ""
        if sign:
            is_reached = mean >= bar if sign == ">=" else mean <= bar
            verdict = f"{sign} {bar:g} {'reached' if is_reached else 'MISSED'}"
        lines.append(f"{name:14} {mean:8.3f} ({min(values):.3f} to {max(values):.3f}) {verdict}")
    return "\n".join(lines)
