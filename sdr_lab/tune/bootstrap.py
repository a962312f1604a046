"""How sure a figure is: the calls drawn again and again, with replacement.

Calls, not decisions, are drawn: what happens within a call hangs together.
Source: B. Efron, "Bootstrap methods: another look at the jackknife" (1979); percentile intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdr_lab.tune.sweep_tally import Sums

DRAWS = 2000
SHARE = 0.95
FEWEST_CALLS = 10
"""Of fewer, an interval or a held-out figure would say more than the data do."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Span:
    """An interval of 95 %."""

    low: float
    high: float


def intervals(calls: Sequence[Sums], seed: int = 0, draws: int = DRAWS) -> dict[str, Span | None]:
    """Return the interval of each figure, from the figures of the single calls.

    Returns:
        By name: recall, false_per_min, precision, f1, latency_median_ms. None where too few
        draws have one.
    """
    if not calls:
        return {}
    chance = np.random.default_rng(seed)
    weights = chance.multinomial(len(calls), [1 / len(calls)] * len(calls), draws).astype(float)
    n, hits, false, minutes = (
        weights @ np.array(values, np.float64)
        for values in (
            [c.interruptions for c in calls],
            [c.hits for c in calls],
            [c.false for c in calls],
            [c.agent_min for c in calls],
        )
    )
    recall, precision = hits / np.maximum(1, n), hits / np.maximum(1, hits + false)
    figures = {
        "recall": (np.where(n > 0, recall, np.nan), 4),
        "false_per_min": (false / np.maximum(minutes, 1e-9), 3),
        "precision": (np.where(hits + false > 0, precision, np.nan), 4),
        "f1": (2 * precision * recall / np.maximum(precision + recall, 1e-9), 4),
        "latency_median_ms": (1000 * _medians(calls, weights), 0),
    }
    return {name: _span(values, digits) for name, (values, digits) in figures.items()}


def _medians(calls: Sequence[Sums], weights: Floats) -> Floats:
    """Return the median latency (s) of each draw; NaN where nothing was found."""
    pairs = [(latency, i) for i, call in enumerate(calls) for latency in call.latencies_s]
    if not pairs:
        return np.full(len(weights), np.nan)
    pairs.sort()
    latencies_s = np.array([latency for latency, _ in pairs])
    owners = np.array([i for _, i in pairs])
    found = np.full(len(weights), np.nan)
    for k, row in enumerate(weights):  # one by one: draws × interruptions would be large
        counts = np.cumsum(row[owners])
        total = counts[-1]
        if total:
            low, high = np.searchsorted(counts, ((total + 1) // 2, total // 2 + 1))
            found[k] = (latencies_s[low] + latencies_s[high]) / 2
    return found


def _span(values: Floats, digits: int) -> Span | None:
    known = values[~np.isnan(values)]
    if len(known) < len(values) / 2:
        return None
    low, high = np.quantile(known, ((1 - SHARE) / 2, (1 + SHARE) / 2))
    return Span(round(float(low), digits), round(float(high), digits))
