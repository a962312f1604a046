"""JSON that can be parsed, but not stored or sent again."""

from __future__ import annotations

import math
from typing import Any

from sdr_lab.api.errors import FieldError

MOST_DEEP = 64
"""Objects and lists within each other. Python gives up at some hundreds, in the middle of work."""


def refuse_odd(body: Any) -> None:
    """Look at all values of a body.

    Raises:
        FieldError: it is nested too deeply, or holds half characters, or no number.
    """
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(body, ("body",))]
    while waiting:
        value, loc = waiting.pop()
        if why := _odd(value, len(loc)):
            raise FieldError(loc[:6], f"{'.'.join(map(str, loc[1:6])) or 'body'}: {why}")
        if isinstance(value, dict):
            for name, inner in value.items():
                if why := _odd(name, 0):
                    raise FieldError(loc[:6], f"a name in it {why}")
                waiting.append((inner, (*loc, name)))
        elif isinstance(value, list | tuple):
            waiting += [(inner, (*loc, index)) for index, inner in enumerate(value)]


def _odd(value: Any, depth: int) -> str:
    if depth > MOST_DEEP:
        return f"is nested more than {MOST_DEEP} deep"
    if isinstance(value, float) and not math.isfinite(value):
        return f"got {value}, which is no number"
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return "holds a half character (a surrogate)"
    return ""
