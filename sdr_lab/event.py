"""What an event is, and how it becomes a line of `events.jsonl` and is read from it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in a call."""

    at_ms: int
    """Caller audio received when it happened. Decisions and replay use this clock."""

    clock_ms: float
    """Event-loop time since the start of the call. Latency is measured on this clock."""


@cache
def kinds() -> dict[str, type[Event]]:
    """Return every kind by its name. To be asked when all are defined: see events.py."""
    return {kind.__name__: kind for kind in Event.__subclasses__()}


def to_dict(event: Event) -> dict[str, Any]:
    """Return the event as one flat dict, `kind` first."""
    return {"kind": type(event).__name__, **dataclasses.asdict(event)}


def to_json(event: Event) -> str:
    """Return the event as one line of `events.jsonl`, without the line end."""
    return json.dumps(to_dict(event), ensure_ascii=False, default=str)


def from_dict(row: Mapping[str, Any]) -> Event | None:
    """Make the event of a row; None for a kind that this version does not know.

    Fields that this version does not know are ignored.

    Raises:
        TypeError: a field of a known kind is missing.
    """
    kind = kinds().get(str(row.get("kind")))
    if kind is None:
        return None
    names = {f.name for f in dataclasses.fields(kind)}
    return kind(**{key: value for key, value in row.items() if key in names})


def read_events(path: Path) -> Iterator[Event]:
    """Read `events.jsonl`. What is damaged is skipped, such as a last line cut off by a crash."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                row = json.loads(line)
                event = from_dict(row) if isinstance(row, dict) else None
            except (json.JSONDecodeError, TypeError):
                continue
            if event is not None:
                yield event
