"""What a human says about a recorded call: where somebody spoke, and what it was.

`labels.json` lies beside `audio.wav` in a call folder; docs/labels.md has the format. Times are
integer milliseconds here and seconds with three decimals in files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from sdr_lab.config import did_you_mean
from sdr_lab.errors import BadInput, StorageError, reason_of

LABELS = "labels.json"

KINDS = ("interruption", "backchannel", "nonverbal", "noise", "side_speech", "echo")
"""What a label may say. Only `interruption` should stop the agent."""

VERSION = 1

LONGEST_MS = 24 * 3_600_000
"""A time beyond a day was given in another unit."""


LONGEST_NAME = 200
"""Bytes of a name; file systems take 255, with what is put before and after."""

SHOWN = 20
"""Digits of a wrong number that a message repeats."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of a call, stream time."""

    start_ms: int
    end_ms: int

    @property
    def duration_ms(self) -> int:
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class Label:
    """One thing that happened on the caller's side."""

    kind: str
    """One of `KINDS`."""
    onset_ms: int
    offset_ms: int
    by: str = ""
    """Who labelled it; empty: the maker of the corpus."""
    note: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else the file says of it, kept as it is (`level_db`, `src`, …)."""


@dataclass(frozen=True, slots=True)
class CallLabels:
    """All that one file of labels says about a call."""

    labels: tuple[Label, ...] = ()
    agent: tuple[Interval, ...] | None = None
    """When the agent was heard; None: the file does not say."""
    tags: Mapping[str, Any] = field(default_factory=dict)
    caller_turns: tuple[Interval, ...] = ()


def is_plain_name(name: str) -> bool:
    """Say whether a file or folder can have a name: short, printable, no path."""
    return (
        bool(name)
        and Path(name).name == name
        and name != ".."
        and name.isprintable()
        and len(name.encode()) <= LONGEST_NAME
    )


def ms_of(seconds: float) -> int:
    return round(seconds * 1000)


def s_of(ms: int) -> float:
    """Seconds with three decimals: the nearest double, so that `ms_of` gives `ms` back."""
    return ms / 1000


def read_labels(path: Path, duration_ms: int | None = None) -> CallLabels:
    """Read a `labels.json`.

    Args:
        duration_ms: Length of the recording; labels must lie within it.

    Raises:
        BadInput: missing, damaged (with its line), or a label that can't be.
    """
    row = read_json(path)
    if not isinstance(row, dict) or not isinstance(row.get("labels"), list):
        raise BadInput(f'{path}: expected {{"version": 1, "labels": […]}}; see docs/labels.md')
    if row.get("version", VERSION) != VERSION:
        raise BadInput(f"{path}: version {row['version']!r} is unknown; allowed: {VERSION}")
    found = labels_of(row, "labels", str(path))
    check_labels(found.labels, duration_ms, str(path))
    return found


def write_labels(path: Path, what: CallLabels) -> None:
    """Write a `labels.json`, all of it or nothing.

    Raises:
        StorageError: the folder can't be written.
    """
    row: dict[str, Any] = {"version": VERSION, "labels": [label_row(x) for x in what.labels]}
    if what.agent is not None:
        row["agent"] = interval_rows(what.agent)
    if what.caller_turns:
        row["caller_turns"] = interval_rows(what.caller_turns)
    if what.tags:
        row["tags"] = dict(what.tags)
    write_json(path, row)


def labels_of(row: Mapping[str, Any], key: str, where: str) -> CallLabels:
    """Take labels, agent intervals and tags from one JSON object; `key` holds the labels.

    Raises:
        BadInput: a field has another type than docs/labels.md says, or a kind is unknown.
    """
    rows = row.get(key, [])
    if not isinstance(rows, list):
        raise BadInput(f"{where}: {key} must be a list, not {rows!r}")
    labels = tuple(_label(one, f"{where}, {key}[{i}]") for i, one in enumerate(rows))
    tags = row.get("tags") or {}
    if not isinstance(tags, dict):
        raise BadInput(f"{where}: tags must be an object, not {tags!r}")
    agent = row.get("agent")
    return CallLabels(
        labels=tuple(sorted(labels, key=lambda label: (label.onset_ms, label.offset_ms))),
        agent=None if agent is None else _intervals(agent, f"{where}, agent"),
        tags=tags,
        caller_turns=_intervals(row.get("caller_turns") or [], f"{where}, caller_turns"),
    )


def check_labels(labels: Sequence[Label], duration_ms: int | None, where: str) -> None:
    """Refuse labels that can't be true.

    Raises:
        BadInput: one begins before the call or ends after it, has no length, or overlaps another
            of its kind.
    """
    for label in labels:
        told = f"{where}: {describe(label)}"
        if label.onset_ms < 0:
            raise BadInput(f"{told} begins before the recording; give times from its start")
        if label.offset_ms <= label.onset_ms:
            raise BadInput(f"{told} has no length; offset_s must be above onset_s")
        if duration_ms is not None and label.offset_ms > duration_ms:
            end = f"the recording ends at {s_of(duration_ms):.3f} s"
            raise BadInput(f"{told} lies past the end: {end}; correct or remove the label")
    for kind in KINDS:
        mine = sorted((x for x in labels if x.kind == kind), key=lambda x: x.onset_ms)
        for one, other in pairwise(mine):
            if other.onset_ms < one.offset_ms:
                raise BadInput(
                    f"{where}: {describe(one)} and {describe(other)} overlap; join them or "
                    "shorten one"
                )


def describe(label: Label) -> str:
    """Name a label for people: `noise 1.200–1.450 s`."""
    return f"{label.kind} {s_of(label.onset_ms):.3f}–{s_of(label.offset_ms):.3f} s"


def check_kind(kind: str, where: str) -> str:
    """Return a kind that exists.

    Raises:
        BadInput: it does not.
    """
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS)
        raise BadInput(f"{where}: type {kind!r} is unknown; allowed: {', '.join(KINDS)}{hint}")
    return kind


def label_row(label: Label) -> dict[str, Any]:
    """Return a label as it stands in a file."""
    row: dict[str, Any] = {
        "type": label.kind,
        "onset_s": s_of(label.onset_ms),
        "offset_s": s_of(label.offset_ms),
    }
    named = {"by": label.by, "note": label.note}
    return row | {name: value for name, value in named.items() if value} | dict(label.extra)


def interval_rows(intervals: Iterable[Interval]) -> list[list[float]]:
    return [[s_of(x.start_ms), s_of(x.end_ms)] for x in intervals]


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        BadInput: it can't be read or is damaged; the message has line and column.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin with a mark
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {reason_of(error)}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: is not UTF-8 text; give a JSON file") from None
    except json.JSONDecodeError as error:
        raise BadInput(
            f"{path}, line {error.lineno}, column {error.colno}: damaged JSON: {error.msg}"
        ) from None
    except ValueError as error:  # a number of thousands of digits
        raise BadInput(f"{path}: damaged JSON: {str(error).partition(';')[0]}") from None
    except RecursionError:
        raise BadInput(f"{path}: JSON nested too deeply; see docs/labels.md") from None


def write_json(path: Path, row: Any) -> None:
    """Write a JSON file, all of it or nothing.

    Raises:
        StorageError: it can't be written.
    """
    write_text(path, json.dumps(row, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file, all of it or nothing.

    Raises:
        StorageError: it can't be written.
    """
    fresh = path.with_name(f"{path.name}.part")
    try:
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, path)
    except OSError as error:
        raise StorageError(f"{path}: can't write: {reason_of(error)}") from None


def _label(row: Any, where: str) -> Label:
    if not isinstance(row, dict):
        raise BadInput(f"{where}: expected an object with type, onset_s and offset_s, not {row!r}")
    if "type" not in row:
        raise BadInput(f"{where}: has no type; allowed: {', '.join(KINDS)}")
    kind = check_kind(str(row["type"]), where)
    return Label(
        kind=kind,
        onset_ms=_time(row.get("onset_s"), f"{where}, onset_s"),
        offset_ms=_time(row.get("offset_s"), f"{where}, offset_s"),
        by=str(row.get("by") or ""),
        note=str(row.get("note") or ""),
        extra={
            name: value
            for name, value in row.items()
            if name not in ("type", "onset_s", "offset_s", "by", "note")
        },
    )


def _intervals(rows: Any, where: str) -> tuple[Interval, ...]:
    if not isinstance(rows, list):
        raise BadInput(f"{where}: expected a list of [start, end] in seconds, not {rows!r}")
    found = []
    for i, row in enumerate(rows):
        if not isinstance(row, list | tuple) or len(row) != 2:
            raise BadInput(f"{where}[{i}]: expected [start, end] in seconds, not {row!r}")
        start_ms, end_ms = (_time(value, f"{where}[{i}]") for value in row)
        if end_ms <= start_ms or start_ms < 0:
            raise BadInput(f"{where}[{i}]: {row!r} has no length; start must be below end")
        found.append(Interval(start_ms, end_ms))
    found.sort(key=lambda x: x.start_ms)
    for one, other in pairwise(found):
        if other.start_ms < one.end_ms:
            raise BadInput(f"{where}: {interval_rows((one, other))} overlap; join them")
    return tuple(found)


def _time(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"{where}: expected seconds, not {value!r}")
    if not abs(value) <= LONGEST_MS / 1000:  # NaN compares false
        told = f"{value:g}" if isinstance(value, float) else f"{str(value)[:SHOWN]}"
        raise BadInput(f"{where}: {told} is no time within a call; give seconds")
    return ms_of(value)
