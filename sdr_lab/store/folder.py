"""Reading a call folder: what the index keeps of a call, taken from the folder alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sdr_lab.errors import BadInput
from sdr_lab.events import CallEnded, CallStarted, Event, IntentFound, ToolFinished, read_events
from sdr_lab.records import Role

FRESH_S = 120
"""A call that runs writes audio all the time. Untouched for so long, its process number belongs
to somebody else (after a restart, or on another machine)."""

FAILED = {"error", "stalled", "cancelled"}
"""`CallEnded.reason` of calls that did not end as anybody wanted."""

TOOL_OUTCOMES = {
    "mark_do_not_call": "do_not_call",
    "book_appointment": "booked",
    "transfer_call": "transferred",
}
"""Tool that ran → outcome, the strongest first."""

INTENT_OUTCOMES = {
    "VOICEMAIL": "voicemail",
    "WRONG_PERSON": "wrong_person",
    "NOT_INTERESTED": "not_interested",
    "CALL_BACK_LATER": "call_back",
    "INTERESTED": "interested",
}
"""Last such intent of the caller → outcome, when no tool decided."""

OUTCOMES = (*TOOL_OUTCOMES.values(), *INTENT_OUTCOMES.values(), "")


class Status(StrEnum):
    """Where a call stands."""

    INITIATED = "initiated"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    VOICEMAIL = "voicemail"
    """Completed, but a machine was at the other end."""
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"
    """Hung up by us before anybody answered."""
    FAILED = "failed"
    BROKEN_OFF = "broken-off"
    """Its process is gone, and it never said that the call has ended."""

    @property
    def is_over(self) -> bool:
        """Say whether nothing more can happen in the call."""
        return self not in (Status.INITIATED, Status.IN_PROGRESS)

    @property
    def words(self) -> str:
        """As it is shown: `broken off`, `in progress`."""
        return self.value.replace("-", " ")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said in one turn, as it was heard."""

    role: Role
    text: str
    at_ms: int
    interrupted: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds by name, for turns of the agent."""


TurnsOf = Callable[[Sequence[Event]], Sequence[Turn]]
"""Reads the turns of a call from its events (`trace.turns.turns_of`)."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A call as the index knows it."""

    id: str
    agent_id: str
    agent_name: str
    agent_version: int
    status: Status
    started_at: datetime
    """When it was answered; before that, when the row was made."""
    call_sid: str | None = None
    outcome: str = ""
    """One of `OUTCOMES`."""
    direction: str = "inbound"
    line: str = ""
    phone_number: str = ""
    stt: str = ""
    llm: str = ""
    tts: str = ""
    ended_at: datetime | None = None
    duration_ms: int | None = None
    ended_reason: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the maker of the call gave, and what was noted since: `stream_sid`, `answered_by`,
    `recording_url`, `recording_sid`, `feedback`."""
    agent_number: str = ""
    """The number of ours that was called or that calls, E.164; empty when there is none."""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """What this call changes of its agent."""
    analysis: Mapping[str, Any] = field(default_factory=dict)
    """What was found out after the call; empty before that."""
    network: Mapping[str, Any] = field(default_factory=dict)
    """What the phone network has reported: `status`, `at`, `answered_at` (ISO 8601), `duration_s`,
    `answered_by`, `reason`; only what is known."""
    folder: Path | None = None
    """None until the call has been answered."""
    turns: tuple[Turn, ...] = ()
    """Empty in lists."""


def read_folder(path: Path, turns_of: TurnsOf, may_run: bool = True) -> Conversation:
    """Read a call from its folder.

    Args:
        may_run: False when it is known that the process that wrote it is gone.

    Raises:
        BadInput: the folder holds no call.
    """
    call = read_call_json(path)
    log = path / "events.jsonl"
    events = list(read_events(log)) if log.is_file() else []
    agent = call.get("agent")
    agent = agent if isinstance(agent, dict) else {}
    started_at = moment(call.get("started_at")) or modified_at(path / "call.json")
    end = next((event for event in reversed(events) if isinstance(event, CallEnded)), None)
    running = may_run and end is None and is_running(path, call)
    duration_ms = end.duration_ms if end else max((event.at_ms for event in events), default=0)
    start = next((event for event in events if isinstance(event, CallStarted)), None)
    return Conversation(
        id=str(call.get("conversation_id") or path.name),
        agent_id=str(agent.get("id") or (start.agent if start else "")),
        agent_name=str(agent.get("name") or ""),
        agent_version=int(agent.get("version") or (start.agent_version if start else 0)),
        status=status_of(end, running),
        started_at=started_at,
        call_sid=str(call.get("call_sid") or "") or None,
        outcome=outcome_of(events),
        direction=str(call.get("direction") or "inbound"),
        line=str(call.get("line") or ""),
        phone_number=str(call.get("caller_number") or ""),
        stt=str(call.get("stt") or ""),
        llm=str(call.get("llm") or ""),
        tts=str(call.get("tts") or ""),
        ended_at=None if running else started_at + timedelta(milliseconds=duration_ms),
        duration_ms=None if running else duration_ms,
        ended_reason=end.reason if end else "" if running else "broken_off",
        variables=mapping(call.get("variables")),
        agent_number=str(call.get("agent_number") or ""),
        overrides=mapping(call.get("overrides")),
        folder=path,
        turns=tuple(turns_of(events)),
    )


def read_call_json(path: Path) -> dict[str, Any]:
    """Return what `call.json` of a call folder holds.

    Raises:
        BadInput: there is none, or it can't be read.
    """
    try:
        call = json.loads((path / "call.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its call.json is damaged"
        raise BadInput(
            f"{path} is no call folder: {reason}; give a folder with call.json and events.jsonl"
        ) from error
    if not isinstance(call, dict):
        raise BadInput(f"{path} is no call folder: its call.json holds no object")
    return call


def is_running(path: Path, call: Mapping[str, Any]) -> bool:
    """Say whether the process that writes a call folder is still at it."""
    pid = call.get("pid")
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs, as another user
    touched = [
        (path / name).stat().st_mtime
        for name in ("call.json", "events.jsonl", "audio.wav")
        if (path / name).is_file()
    ]
    return time.time() - max(touched, default=0) < FRESH_S


def status_of(end: CallEnded | None, running: bool) -> Status:
    if end is None:
        return Status.IN_PROGRESS if running else Status.BROKEN_OFF
    if end.reason == "voicemail":
        return Status.VOICEMAIL
    return Status.FAILED if end.reason in FAILED else Status.COMPLETED


def outcome_of(events: Sequence[Event]) -> str:
    """Return what a call has come to, one of `OUTCOMES`; empty when nothing was decided."""
    tools = {event.name for event in events if isinstance(event, ToolFinished) and event.ok}
    for name, outcome in TOOL_OUTCOMES.items():
        if name in tools:
            return outcome
    wishes = [
        INTENT_OUTCOMES[event.intent]
        for event in events
        if isinstance(event, IntentFound) and event.intent in INTENT_OUTCOMES
    ]
    return wishes[-1] if wishes else ""


def mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


def moment(text: object) -> datetime | None:
    """Return the time that an ISO 8601 text with an offset names, else None."""
    try:
        value = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return value if value.tzinfo else None


def modified_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
