"""Calls as rows: how a `Conversation` is written, found and read back."""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from sdr_lab.errors import BadInput, NotFound
from sdr_lab.store.folder import Conversation, Status, Turn
from sdr_lab.store.models import ConversationRow, TurnRow

SAME_NAMES = (
    "agent_id", "agent_name", "agent_version", "call_sid", "outcome", "direction", "line",
    "phone_number", "stt", "llm", "tts", "started_at", "ended_at", "duration_ms", "ended_reason",
)  # fmt: skip
"""What `Conversation` and its row call the same."""

Q = TypeVar("Q", bound=Select[Any])


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls to list. None and empty: any."""

    agent: str = ""
    """Id or name."""
    status: Status | None = None
    outcome: str | None = None
    since: datetime | None = None
    """With a time zone; calls started then or later."""
    until: datetime | None = None
    """With a time zone; calls started before it."""


ANY = CallFilter()


def find(session: Session, key: str) -> ConversationRow:
    """Return the row of a conversation id or a call SID."""
    row = session.get(ConversationRow, key) or session.scalar(
        select(ConversationRow).where(ConversationRow.call_sid == key)
    )
    if row is None:
        raise NotFound(f"no call has the id or call SID {key!r}: `sdr-lab calls list` shows them")
    return row


def filtered(query: Q, which: CallFilter) -> Q:
    row = ConversationRow
    if which.agent:
        name = func.lower(row.agent_name) == which.agent.lower()
        query = query.where(or_(row.agent_id == which.agent, name))
    if which.status is not None:
        query = query.where(row.status == which.status)
    if which.outcome is not None:
        query = query.where(row.outcome == which.outcome)
    for moment in (which.since, which.until):
        if moment is not None and moment.tzinfo is None:
            raise BadInput(f"time {moment} needs a time zone, such as {moment}+00:00")
    if which.since is not None:
        query = query.where(row.started_at >= which.since)
    if which.until is not None:
        query = query.where(row.started_at < which.until)
    return query


def turn_rows(conversation: Conversation) -> Iterator[TurnRow]:
    for position, turn in enumerate(conversation.turns):
        yield TurnRow(
            conversation_id=conversation.id,
            position=position,
            role=turn.role,
            text=turn.text,
            at_ms=turn.at_ms,
            interrupted=turn.interrupted,
            metrics=dict(turn.metrics),
        )


def new_row(conversation_id: str) -> ConversationRow:
    return ConversationRow(id=conversation_id, phone_number="", folder="", variables={}, details={})


def fill_row(row: ConversationRow, conversation: Conversation, folder: str) -> None:
    """Write a call over its row. What only the row may know stays: number, SID, metadata."""
    for name in SAME_NAMES:
        value = getattr(conversation, name)
        if value or name not in ("call_sid", "phone_number"):
            setattr(row, name, value)
    row.status = conversation.status
    row.folder = folder or row.folder
    row.variables = {**row.variables, **conversation.variables}
    row.details = {**row.details, **conversation.metadata}


def conversation_of(
    row: ConversationRow, calls_dir: Path, with_turns: bool = False
) -> Conversation:
    conversation = Conversation(
        id=row.id,
        **{name: getattr(row, name) for name in SAME_NAMES},
        status=Status(row.status),
        variables=row.variables,
        metadata=row.details,
        folder=calls_dir / row.folder if row.folder else None,
    )
    if not with_turns:
        return conversation
    turns = tuple(
        Turn(t.role, t.text, t.at_ms, t.interrupted, t.metrics)  # type: ignore[arg-type]
        for t in row.turns
    )
    return dataclasses.replace(conversation, turns=turns)


def write_cursor(last: Conversation) -> str:
    text = f"{last.started_at.isoformat()} {last.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        started_at, _, last_id = text.partition(" ")
        return datetime.fromisoformat(started_at), last_id
    except (binascii.Error, ValueError) as error:
        raise BadInput(f"cursor {cursor!r} is not one that a list gave") from error
