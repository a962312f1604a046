"""The settings that a recorded call ran with, from its `call.json`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, TypeVar

from sdr_lab.errors import BadInput, NotFound
from sdr_lab.records import CallSettings, EndpointSettings, InterruptSettings

CALL = "call.json"

T = TypeVar("T")

WITHOUT_HOLD = {"hold": False}
"""Calls of versions that knew no holds made none, whatever the default is today."""


def frozen_settings(folder: Path) -> CallSettings:
    """Return the settings of a call. Fields of other versions are left out, new ones default.

    Raises:
        NotFound: the folder holds no `call.json`.
        BadInput: what it holds are not settings.
    """
    path = folder / CALL
    try:
        call = json.loads(path.read_text(encoding="utf-8"))
        given = call["settings"]
        interrupt = WITHOUT_HOLD | given.get("interrupt", {})
        return dataclasses.replace(
            _made(CallSettings, given),
            endpoint=_made(EndpointSettings, given.get("endpoint", {})),
            interrupt=_made(InterruptSettings, interrupt),
        )
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"{folder}: holds no {CALL}; give the folder of a recorded call") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path}: holds no settings of a call: {error!r}") from error


def _made(kind: type[T], given: dict[str, Any]) -> T:
    """Make the plain values of a record; lists of JSON become the tuples that they were."""
    known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    plain = {k: v for k, v in given.items() if k in known and k not in ("endpoint", "interrupt")}
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()})
