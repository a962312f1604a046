"""What the decisions of many settings over one call are worth, counted as `score_call` counts.

A single detection means the same to every setting: this interruption, a false one, or nothing.
So each time is judged once, by `score_call` itself, and only the rules about what came before
(one detection per interruption, nothing within a second) run per setting, as vectors.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.tune.score import REFRACTORY_S, score_call

Ints = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Tally:
    """One call under many settings."""

    call_id: str
    interruptions: int
    agent_min: float
    tags: tuple[str, ...]
    found_ms: NDArray[np.int32]
    """Time of the detection of each interruption, shape (settings, interruptions); -1: missed."""
    onset_ms: NDArray[np.int32]
    """Shape (interruptions,)."""
    false: Mapping[str, NDArray[np.int32]]
    """Cause → false detections, shape (settings,)."""

    @property
    def hits(self) -> Ints:
        """Interruptions that were found, shape (settings,)."""
        return (self.found_ms >= 0).sum(axis=1)

    @property
    def false_count(self) -> Ints:
        """Shape (settings,)."""
        zero = np.zeros(len(self.found_ms), np.int64)
        return sum((counts for counts in self.false.values()), zero)

    def latencies_s(self, setting: int) -> list[float]:
        """Return how long after its onset each interruption was found, as `score` counts."""
        row = self.found_ms[setting]
        found = row >= 0
        times_s, onsets_s = row[found] / 1000, self.onset_ms[found] / 1000
        return np.maximum(0.0, times_s - onsets_s).tolist()


def tally(call: LabelledCall, at_ms: Ints, setting: Ints, settings: int) -> Tally:
    """Count the decisions of many settings over one call.

    Args:
        at_ms: Times of the decisions, shape (decisions,), in any order.
        setting: Whose decision it was, shape (decisions,).
        settings: How many settings there are.
    """
    labels = [label for label in call.labels if label.kind == "interruption"]
    silent = score_call(call, ())
    found_ms = np.full((settings, len(labels)), -1, np.int32)
    false: dict[str, NDArray[np.int32]] = {}
    last_s = np.full(settings, -9.0)
    for time_ms, who in _by_time(at_ms, setting):
        time_s = time_ms / 1000
        alone = score_call(call, (time_s,))
        if not alone.hits and not alone.false:
            continue
        who = who[~(time_s - last_s[who] < REFRACTORY_S)]
        if alone.hits:
            i = next(i for i, label in enumerate(labels) if label is alone.hits[0][0])
            who = who[found_ms[who, i] < 0]
            found_ms[who, i] = time_ms
        else:
            cause = alone.false[0][1]
            false.setdefault(cause, np.zeros(settings, np.int32))[who] += 1
        last_s[who] = time_s
    onset_ms = np.array([label.onset_ms for label in labels], np.int32)
    return Tally(call.id, len(labels), silent.agent_min, silent.tags, found_ms, onset_ms, false)


def _by_time(at_ms: Ints, setting: Ints) -> list[tuple[int, Ints]]:
    """Group decisions by time; a setting that decided twice at one time counts once."""
    if not len(at_ms):
        return []
    order = np.lexsort((setting, at_ms))
    at_ms, setting = at_ms[order], setting[order]
    again = (np.diff(at_ms, prepend=-1) == 0) & (np.diff(setting, prepend=-1) == 0)
    at_ms, setting = at_ms[~again], setting[~again]
    starts = np.flatnonzero(np.diff(at_ms, prepend=-1))
    return list(zip(at_ms[starts].tolist(), np.split(setting, starts[1:]), strict=True))


def joined(parts: Sequence[Tally]) -> Tally:
    """Put tallies of the same call together that hold one part of the settings each."""
    causes = dict.fromkeys(cause for part in parts for cause in part.false)
    sizes = [len(part.found_ms) for part in parts]
    none = [np.zeros(size, np.int32) for size in sizes]
    false = {
        cause: np.concatenate([p.false.get(cause, n) for p, n in zip(parts, none, strict=True)])
        for cause in causes
    }
    one = parts[0]
    found_ms = np.concatenate([part.found_ms for part in parts])
    return Tally(
        one.call_id, one.interruptions, one.agent_min, one.tags, found_ms, one.onset_ms, false
    )


@dataclass(frozen=True, slots=True)
class Sums:
    """Figures of one setting over a set of calls, before rounding."""

    interruptions: int
    hits: int
    false: int
    agent_min: float
    latencies_s: tuple[float, ...] = ()

    def figures(self) -> dict[str, Any]:
        """Return the figures of `Score`, rounded as it rounds them."""
        hits, false, n = self.hits, self.false, self.interruptions
        precision, recall = hits / max(1, hits + false), hits / max(1, n)
        kept = sorted(self.latencies_s)
        return {
            "interruptions": n,
            "recall": round(recall, 4),
            "false": false,
            "agent_min": round(self.agent_min, 1),
            "false_per_min": round(false / max(self.agent_min, 1e-9), 3),
            "precision": round(precision, 4),
            "f1": round(2 * precision * recall / max(precision + recall, 1e-9), 4),
            "latency_median_ms": round(1000 * statistics.median(kept)) if kept else None,
            "latency_p90_ms": round(1000 * kept[int(0.9 * (len(kept) - 1))]) if kept else None,
        }


def sums_of(tallies: Sequence[Tally], with_latency: bool = True) -> list[Sums]:
    """Add up calls, for every setting."""
    hits = np.sum([t.hits for t in tallies], axis=0).tolist()
    false = np.sum([t.false_count for t in tallies], axis=0).tolist()
    n = sum(t.interruptions for t in tallies)
    agent_min = sum((t.agent_min for t in tallies), 0.0)
    rows = range(len(hits))
    if with_latency:
        found = np.concatenate([t.found_ms for t in tallies], axis=1)
        onset_s = np.concatenate([t.onset_ms for t in tallies]) / 1000
        kept = [_latencies(row, onset_s) for row in found]
    else:
        kept = [()] * len(hits)
    return [Sums(n, hits[i], false[i], agent_min, kept[i]) for i in rows]


def _latencies(found_ms: Ints, onset_s: NDArray[np.float64]) -> tuple[float, ...]:
    found = found_ms >= 0
    return tuple(np.maximum(0.0, found_ms[found] / 1000 - onset_s[found]).tolist())


def causes_of(tallies: Sequence[Tally]) -> list[str]:
    """Return, for every setting, its false detections by cause as JSON, most frequent first."""
    size = len(tallies[0].found_ms)
    causes: dict[str, NDArray[np.int64]] = {}
    for one in tallies:
        for cause, counts in one.false.items():
            causes[cause] = causes.get(cause, np.zeros(size, np.int64)) + counts
    names = list(causes)
    table = [causes[name].tolist() for name in names]
    rows = []
    for i in range(size):
        counted = [(name, column[i]) for name, column in zip(names, table, strict=True)]
        rows.append(json.dumps(dict(sorted((c for c in counted if c[1]), key=lambda c: -c[1]))))
    return rows


def tags_of(tallies: Sequence[Tally]) -> list[str]:
    """Return, for every setting, its figures by tag as JSON."""
    groups: dict[str, list[Tally]] = {}
    for one in tallies:
        for tag in one.tags:
            groups.setdefault(tag, []).append(one)
    columns = {tag: sums_of(group, with_latency=False) for tag, group in sorted(groups.items())}
    return [
        json.dumps({tag: _by_tag(sums[i]) for tag, sums in columns.items()})
        for i in range(len(tallies[0].found_ms))
    ]


def _by_tag(sums: Sums) -> dict[str, float]:
    return {
        "recall": round(sums.hits / max(1, sums.interruptions), 3),
        "false_per_min": round(sums.false / max(sums.agent_min, 1e-9), 2),
        "n": sums.interruptions,
    }
