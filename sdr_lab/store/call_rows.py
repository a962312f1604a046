"""Calls as rows: how a `Conversation` is written, found and read back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Session

from sdr_lab.errors import BadInput, NotFound
from sdr_lab.store.folder import Conversation, Status, Turn
from sdr_lab.store.models import ConversationRow, TurnRow

SAME_NAMES = (
    "agent_id", "agent_name", "agent_version", "call_sid", "outcome", "direction", "line",
    "phone_number", "agent_number", "stt", "llm", "tts", "started_at", "ended_at",
    "duration_ms", "ended_reason",
)  # fmt: skip
"""What `Conversation` and its row call the same."""

Q = TypeVar("Q", bound=Select[Any])


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls to list. None and empty: any."""

    agent: str = ""
    """Id or name."""
    status: Status | None = None
    statuses: tuple[Status, ...] = ()
    """Any of these; with `status`, both must hold."""
    outcome: str | None = None
    recorded: bool = False
    """Only calls that came about: those with a folder."""
    direction: str = ""
    """`inbound` or `outbound`."""
    phone_number: str = ""
    """The other side's number as it is stored (E.164)."""
    user_id: str = ""
    """As it was given with the call."""
    since: datetime | None = None
    """With a time zone; calls started then or later."""
    until: datetime | None = None
    """With a time zone; calls started before it."""
    min_duration_s: float | None = None
    """Of calls that are over."""
    max_duration_s: float | None = None
    search: str = ""
    """Words that follow each other in one turn, in any case."""
    successful: Literal["success", "failure", "unknown"] | None = None
    """`call_successful` of the analysis; `unknown` is also what was not analysed, and `failure`
    what never became a conversation."""


ANY = CallFilter()

NO_CONVERSATION = (
    Status.FAILED, Status.BUSY, Status.NO_ANSWER, Status.CANCELED, Status.BROKEN_OFF
)  # fmt: skip
"""Statuses of calls that did not become what anybody wanted."""


def find(session: Session, key: str, lock: bool = False) -> ConversationRow:
    """Return the row of a conversation id or a call SID.

    Args:
        lock: Let nobody else change it until the transaction ends: for read, change, write.
    """
    row = session.get(ConversationRow, key, with_for_update=lock)
    if row is None:
        query = select(ConversationRow).where(ConversationRow.call_sid == key)
        row = session.scalar(query.with_for_update() if lock else query)
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
    if which.statuses:
        query = query.where(row.status.in_(which.statuses))
    if which.recorded:
        query = query.where(row.folder != "")
    if which.direction:
        query = query.where(row.direction == which.direction)
    if which.phone_number:
        query = query.where(row.phone_number == which.phone_number)
    if which.user_id:
        query = query.where(row.details["user_id"].as_string() == which.user_id)
    if which.outcome is not None:
        query = query.where(row.outcome == which.outcome)
    for moment in (which.since, which.until):
        if moment is not None and moment.tzinfo is None:
            raise BadInput(f"time {moment} needs a time zone, such as {moment}+00:00")
    if which.since is not None:
        query = query.where(row.started_at >= which.since)
    if which.until is not None:
        query = query.where(row.started_at < which.until)
    if which.min_duration_s is not None:
        query = query.where(row.duration_ms >= 1000 * which.min_duration_s)
    if which.max_duration_s is not None:
        query = query.where(row.duration_ms <= 1000 * which.max_duration_s)
    if which.search:
        query = query.where(row.turns.any(TurnRow.text.icontains(which.search, autoescape=True)))
    if which.successful is not None:
        query = query.where(verdict() == which.successful)
    return query


def verdict() -> ColumnElement[str]:
    """Return whether a call went well, as SQL says it."""
    row = ConversationRow
    said = func.coalesce(row.analysis["call_successful"].as_string(), "unknown")
    return case((row.status.in_(NO_CONVERSATION), "failure"), else_=said)


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


def new_row(conversation_id: str, process: str) -> ConversationRow:
    return ConversationRow(
        id=conversation_id, phone_number="", folder="", variables={}, details={}, agent_number="",
        overrides={}, analysis={}, recorded_status="", network={}, given_up={}, process=process,
    )  # fmt: skip


KEPT = ("call_sid", "phone_number", "agent_number")
"""What a folder may leave empty although the row knows it."""


def fill_row(row: ConversationRow, conversation: Conversation, folder: str) -> None:
    """Write a call over its row. What only the row may know stays: numbers, SID, metadata."""
    for name in SAME_NAMES:
        value = getattr(conversation, name)
        if value or name not in KEPT:
            setattr(row, name, value)
    row.recorded_status = conversation.status if folder else ""
    row.folder = folder or row.folder
    row.variables = {**row.variables, **conversation.variables}
    row.overrides = {**row.overrides, **conversation.overrides}
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
        overrides=row.overrides,
        analysis=row.analysis,
        network=row.network,
        folder=calls_dir / row.folder if row.folder else None,
    )
    if not with_turns:
        return conversation
    turns = tuple(
        Turn(t.role, t.text, t.at_ms, t.interrupted, t.metrics)  # type: ignore[arg-type]
        for t in row.turns
    )
    return dataclasses.replace(conversation, turns=turns)
