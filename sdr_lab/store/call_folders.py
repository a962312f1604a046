"""Call folders and the processes that write them: finding, removing, telling which are dead."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sdr_lab.errors import BadInput, StorageError
from sdr_lab.store.folder import FRESH_S, Status, is_running, read_call_json
from sdr_lab.store.models import ConversationRow

LOST_S = 900
"""A dialled call that nothing was heard of for so long is lost: Twilio rings for 600 s at most."""

LOST_TALK_S = 4 * 3600
"""The same for an answered one that no stream came of: Twilio ends calls after four hours."""


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What a reindex did."""

    indexed: int
    removed: int
    """Rows whose folder is gone."""
    problems: tuple[str, ...]
    """One line per folder that could not be read."""


def call_folders(calls_dir: Path) -> Iterator[Path]:
    """Yield the folders of calls, removing what deletes have left behind."""
    if not calls_dir.is_dir():
        return
    for path in sorted(calls_dir.iterdir()):
        if path.name.startswith(".deleted-"):
            shutil.rmtree(path, ignore_errors=True)
        elif path.is_dir() and not path.name.startswith("."):
            yield path


def rename(path: Path, to: Path) -> None:
    try:
        os.rename(path, to)
    except OSError as error:
        raise StorageError(f"can't delete {path}: {error.strerror}") from error


def age_s(row: Any) -> float:
    """Return how long ago anything was heard of a call, as far as its row says."""
    heard = row.network.get("at") if isinstance(row, ConversationRow) else None
    last = datetime.fromisoformat(heard) if heard else row.started_at
    return (datetime.now(UTC) - max(last, row.started_at)).total_seconds()


def is_old(row: Any) -> bool:
    """Say whether a call began so long ago that its folder must be there."""
    return age_s(row) > FRESH_S


def is_lost(row: ConversationRow) -> bool:
    """Say whether a call without a folder is one that nothing more will be heard of."""
    limit = LOST_TALK_S if row.status == Status.IN_PROGRESS else LOST_S
    return age_s(row) > limit


@cache
def mark() -> str:
    """Return what tells this process from an earlier one of the same number."""
    return secrets.token_hex(4)


def this_process() -> str:
    """Return the name of this process as rows keep it: `host:pid:mark`."""
    return f"{socket.gethostname()[:200]}:{os.getpid()}:{mark()}"


def may_live(process: str) -> bool:
    """Say whether a process may still be at work. On another host: perhaps."""
    host, pid, _ = process.rsplit(":", 2)
    if host != socket.gethostname()[:200]:
        return True
    if int(pid) == os.getpid():
        return process == this_process()  # else an earlier one: containers repeat the numbers
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_abandoned(row: ConversationRow, folder: Path | None) -> bool:
    """Say whether the process that had an open call is gone."""
    if row.process and not may_live(row.process):
        return True
    if folder is None or not folder.is_dir():
        return is_lost(row)
    try:
        call: Mapping[str, Any] = read_call_json(folder)
    except BadInput:
        return is_old(row)
    return not is_running(folder, call)
