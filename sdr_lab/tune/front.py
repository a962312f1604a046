"""Which settings nothing else beats: the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def pareto_front(
    rows: Sequence[Mapping[str, Any]], more: Sequence[str], less: Sequence[str]
) -> list[int]:
    """Return the indices of the rows that no other row beats.

    A row is beaten by one that is at least as good in every figure and better in one. Of rows
    that are equal in all, the first stays. A figure that is None counts as the worst.

    Args:
        more: Figures of which more is better.
        less: Figures of which less is better.

    Returns:
        Indices, the best in the first figure first.
    """
    points = [
        (*(-_number(row[name], float("-inf")) for name in more),
         *(_number(row[name], float("inf")) for name in less))
        for row in rows
    ]  # fmt: skip
    front: list[int] = []
    # in lexical order nothing that comes later can beat what came before, so one pass is enough
    for i in sorted(range(len(rows)), key=lambda i: (points[i], i)):
        if not any(_covers(points[j], points[i]) for j in front):
            front.append(i)
    return front


def _covers(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True))


def _number(value: float | None, missing: float) -> float:
    return missing if value is None else value
