from __future__ import annotations

import statistics

import numpy as np
import pytest

from sdr_lab.tune.bootstrap import intervals
from sdr_lab.tune.sweep_tally import Sums


def calls(n: int = 40, seed: int = 1) -> list[Sums]:
    random = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        hits = int(random.binomial(10, 0.7))
        late = tuple(random.uniform(0.1, 1.0, hits).tolist())
        made.append(Sums(10, hits, int(random.poisson(1)), 2.0, late))
    return made


def test_intervals_hold_the_figure_and_are_about_as_wide_as_theory_says():
    made = calls()

    found = intervals(made)

    recall = found["recall"]
    assert recall is not None
    share = sum(c.hits for c in made) / 400
    assert recall.low < share < recall.high
    spread = statistics.stdev(c.hits / 10 for c in made) / 40**0.5
    assert recall.high - recall.low == pytest.approx(2 * 1.96 * spread, rel=0.15)


def test_the_median_latency_is_that_of_the_draws():
    made = calls(12)

    found = intervals(made, seed=5, draws=200)["latency_median_ms"]

    chance = np.random.default_rng(5)
    weights = chance.multinomial(12, [1 / 12] * 12, 200)
    medians = [
        1000 * statistics.median(x for c, k in zip(made, row, strict=True)
                                 for x in c.latencies_s * int(k))
        for row in weights
    ]  # fmt: skip
    low, high = np.quantile(medians, (0.025, 0.975))
    assert found is not None
    assert (found.low, found.high) == (round(low), round(high))


def test_equal_seeds_give_equal_intervals():
    assert intervals(calls(), seed=3) == intervals(calls(), seed=3)
    assert intervals(calls(), seed=3) != intervals(calls(), seed=4)


def test_what_nobody_has_has_no_interval():
    silent = [Sums(2, 0, 0, 1.0)] * 12

    found = intervals(silent)

    assert found["latency_median_ms"] is None
    assert found["precision"] is None
    assert intervals([]) == {}
