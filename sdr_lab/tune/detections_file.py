"""`detections.json`: when a detector decided, in seconds, by call.

`{"<call id>": [seconds, …]}`, or a line `{"call": "<call id>", "t": seconds}` for each decision.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sdr_lab.config import did_you_mean
from sdr_lab.errors import BadInput, reason_of


def read_detections(path: Path, known: Collection[str]) -> dict[str, list[float]]:
    """Read detections. Calls that the file lacks had none.

    Args:
        known: Ids of the calls of the corpus.

    Raises:
        BadInput: damaged (with its line), a call that the corpus lacks, or no list of times.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {reason_of(error)}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: is not UTF-8 text; give a JSON file") from None
    found: dict[str, list[float]] = {}
    for where, key, value in _entries(text, path):
        if key not in known:
            hint = did_you_mean(key, known) if isinstance(key, str) else ""
            raise BadInput(f"{where}: call {key!r} is not in the corpus{hint}")
        found.setdefault(key, []).extend(_times(value, f"{where}, call {key}"))
    return found


def _entries(text: str, path: Path) -> list[tuple[str, Any, Any]]:
    try:
        row = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return _lines(text, path)
        raise BadInput(
            f"{path}, line {error.lineno}, column {error.colno}: damaged JSON: {error.msg}"
        ) from None
    if isinstance(row, dict) and row.keys() >= {"call", "t"}:
        return _lines(text, path)
    if not isinstance(row, dict):
        raise BadInput(f'{path}: expected {{"<call id>": [seconds, …]}}; see docs/labels.md')
    return [(str(path), key, value) for key, value in row.items()]


def _lines(text: str, path: Path) -> list[tuple[str, Any, Any]]:
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
            found.append((where, row["call"], [row["t"]]))
        except (json.JSONDecodeError, KeyError, TypeError):
            told = 'damaged; expected {"call": "<call id>", "t": seconds}'
            raise BadInput(f"{where}: {told}") from None
    return found


def _times(value: Any, where: str) -> list[float]:
    if not isinstance(value, list):
        raise BadInput(f"{where}: expected a list of seconds, not {value!r}")
    for one in value:
        if isinstance(one, bool) or not isinstance(one, int | float) or not math.isfinite(one):
            raise BadInput(f"{where}: expected seconds, not {one!r}")
    return value
