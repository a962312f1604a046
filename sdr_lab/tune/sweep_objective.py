"""What a sweep looks for: `recall@false_per_min<=0.5`, `f1`, `-latency_median_ms@recall>=0.8`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sdr_lab.config import did_you_mean
from sdr_lab.errors import BadInput

SMALLER_IS_BETTER = ("false", "false_per_min", "latency_median_ms", "latency_p90_ms")
METRICS = ("recall", "precision", "f1", *SMALLER_IS_BETTER)
ALL = (*METRICS, *(f"hold_{name}" for name in METRICS))
DEFAULT = "recall@false_per_min<=0.5"
GRAMMAR = "[-]FIGURE[@FIGURE<=NUMBER,FIGURE>=NUMBER…], as recall@false_per_min<=0.5"

_LIMIT = re.compile(r"\s*(\w+)\s*(<=|>=)\s*(\S+)\s*")

Row = Mapping[str, Any]
"""Figures of a setting, by name."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure that must be kept."""

    metric: str
    sign: str
    """`<=` or `>=`."""
    value: float

    def excess(self, row: Row) -> float:
        """Return by how much a row misses the limit; 0 when it keeps it."""
        figure = row[self.metric]
        if figure is None:  # nothing was found: there is no latency, and none is good enough
            return float("inf")
        return max(0.0, figure - self.value if self.sign == "<=" else self.value - figure)

    def __str__(self) -> str:
        return f"{self.metric}{self.sign}{self.value:g}"


@dataclass(frozen=True, slots=True)
class Objective:
    """What is wanted most, within limits."""

    metric: str
    is_smallest: bool
    limits: tuple[Limit, ...] = ()

    def __str__(self) -> str:
        limits = ",".join(map(str, self.limits))
        return ("-" if self.is_smallest else "") + self.metric + (f"@{limits}" if limits else "")

    @property
    def metrics(self) -> frozenset[str]:
        """Every figure that it looks at."""
        return frozenset((self.metric, *(limit.metric for limit in self.limits)))

    def rank(self, row: Row) -> tuple[float, ...]:
        """Return what sorts rows, the best last.

        A row that keeps all limits is above any that does not; of those that do not, the nearest
        is best. Ties go to fewer false stops, then to the faster.
        """
        excess = sum(limit.excess(row) for limit in self.limits)
        figure = row[self.metric]
        sign = -1 if self.is_smallest else 1
        value = float("-inf") if figure is None else sign * figure
        return -excess, value, -row["false_per_min"], -_or_last(row["latency_median_ms"])

    def best(self, rows: Sequence[Row]) -> int:
        """Return the index of the best row; of equal ones the first."""
        return max(range(len(rows)), key=lambda i: self.rank(rows[i]))

    def is_kept(self, row: Row) -> bool:
        """The row keeps every limit."""
        return not any(limit.excess(row) for limit in self.limits)

    def missed(self, row: Row) -> str:
        """Say which limits a row does not keep; empty when it keeps all."""
        broken = [limit for limit in self.limits if limit.excess(row)]
        return ", ".join(f"{limit} (it has {row[limit.metric]})" for limit in broken)


def parse_objective(text: str) -> Objective:
    """Read an objective.

    Raises:
        BadInput: it is not of that form, or a figure is unknown.
    """
    head, at, tail = text.strip().partition("@")
    is_smallest = head.strip().startswith("-")
    metric = _metric(head.strip().removeprefix("-").strip(), text)
    is_small = metric.removeprefix("hold_") in SMALLER_IS_BETTER
    if is_small and not is_smallest:
        raise BadInput(
            f"objective {text!r} asks for much {metric}; write -{text.strip()} for little"
        )
    if is_smallest and not is_small:
        raise BadInput(f"objective {text!r} asks for little {metric}; leave the minus away")
    limits = tuple(_limit(part, text) for part in tail.split(",")) if at else ()
    return Objective(metric, is_smallest, limits)


def _limit(part: str, text: str) -> Limit:
    found = _LIMIT.fullmatch(part)
    if found is None:
        raise BadInput(f"objective {text!r}: {part.strip()!r} is no limit; expected {GRAMMAR}")
    metric, sign, number = found.groups()
    try:
        value = float(number)
    except ValueError:
        raise BadInput(f"objective {text!r}: {number!r} is no number") from None
    if not abs(value) < float("inf"):  # NaN compares false
        raise BadInput(f"objective {text!r}: {number!r} limits nothing")
    return Limit(_metric(metric, text), sign, value)


def _metric(name: str, text: str) -> str:
    if not name:
        raise BadInput(f"objective {text!r}: expected {GRAMMAR}")
    if name not in ALL:
        hint = did_you_mean(name, ALL)
        known = ", ".join(METRICS)
        raise BadInput(
            f"objective {text!r}: figure {name!r} is unknown; allowed: {known}, "
            f"and each with hold_ before it{hint}"
        )
    return name


def _or_last(value: float | None) -> float:
    return float("inf") if value is None else value
