"""Choosing a setting honestly: on some calls, judged on others.

The best of a thousand settings is partly luck, so its own figures flatter it. The calls are dealt
into folds; for each, a setting is chosen on all other calls and scored on this one. The figures
of all folds together say what choosing in this way is worth on calls nobody has looked at.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sdr_lab.tune.bootstrap import FEWEST_CALLS, Span, intervals
from sdr_lab.tune.sweep_objective import Objective
from sdr_lab.tune.sweep_run import Counted
from sdr_lab.tune.sweep_tally import Sums, Tally, sums_of

FOLDS = 5


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What the choice is worth on calls that it was not made on."""

    figures: Mapping[str, Any]
    intervals: Mapping[str, Span | None]
    """95 %, calls drawn again and again; the choices of the folds stay."""
    choices: tuple[int, ...]
    """The setting that was chosen for each fold."""
    calls: int


def figures_of(counted: Sequence[Counted], with_holds: bool = True) -> list[dict[str, Any]]:
    """Return the figures of every setting over these calls, those of holds as `hold_…`."""
    rows = [sums.figures() for sums in sums_of([one.stops for one in counted])]
    if with_holds:
        same = all(one.holds is one.stops for one in counted)
        holds = rows if same else [s.figures() for s in sums_of([one.holds for one in counted])]
        rows = [
            row | {f"hold_{name}": value for name, value in hold.items() if name not in SHARED}
            for row, hold in zip(rows, holds, strict=True)
        ]
    return rows


SHARED = ("interruptions", "agent_min")
"""Figures that say nothing of a detector."""


def held_out(counted: Sequence[Counted], objective: Objective, seed: int = 0) -> HeldOut | None:
    """Choose by `objective` and judge on other calls; None with fewer than `FEWEST_CALLS`."""
    if len(counted) < FEWEST_CALLS:
        return None
    order = list(range(len(counted)))
    random.Random(seed).shuffle(order)
    folds = [order[i::FOLDS] for i in range(FOLDS)]
    with_holds = any(name.startswith("hold_") for name in objective.metrics)
    choices: list[int] = []
    stops: list[Sums] = []
    holds: list[Sums] = []
    for fold in folds:
        left_out = set(fold)
        rest = [one for i, one in enumerate(counted) if i not in left_out]
        choice = objective.best(figures_of(rest, with_holds))
        choices.append(choice)
        stops += [sums_of_one(counted[i].stops, choice) for i in fold]
        holds += [sums_of_one(counted[i].holds, choice) for i in fold]
    found, bands = pooled(stops).figures(), intervals(stops, seed)
    for name, value in pooled(holds).figures().items():
        if name not in SHARED:
            found[f"hold_{name}"] = value
    bands |= {f"hold_{name}": span for name, span in intervals(holds, seed).items()}
    return HeldOut(found, bands, tuple(choices), len(counted))


def intervals_of(counted: Sequence[Counted], setting: int, seed: int = 0) -> dict[str, Span | None]:
    """Return the intervals of one setting over these calls; none with fewer than `FEWEST_CALLS`."""
    if len(counted) < FEWEST_CALLS:
        return {}
    stops = intervals([sums_of_one(one.stops, setting) for one in counted], seed)
    holds = intervals([sums_of_one(one.holds, setting) for one in counted], seed)
    return stops | {f"hold_{name}": span for name, span in holds.items()}


def sums_of_one(one: Tally, setting: int) -> Sums:
    """Return the figures of one setting in one call."""
    latencies_s = tuple(one.latencies_s(setting))
    false = int(one.false_count[setting])
    return Sums(one.interruptions, len(latencies_s), false, one.agent_min, latencies_s)


def pooled(calls: Sequence[Sums]) -> Sums:
    """Add up calls."""
    return Sums(
        sum(one.interruptions for one in calls),
        sum(one.hits for one in calls),
        sum(one.false for one in calls),
        sum((one.agent_min for one in calls), 0.0),
        tuple(latency for one in calls for latency in one.latencies_s),
    )
