"""The tables. One class each; the stores beside this file are the only ones to use them.

Values that only travel (an agent's record, variables, metrics) are JSON, so that a new field of a
record needs no migration; values that are searched, sorted or unique have columns.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Index, MetaData, String, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Constraints need names to be changed by a later migration."""


class UtcTime(TypeDecorator[datetime]):
    """A moment. Takes times with any zone, stores UTC, gives back UTC.

    Raises:
        ValueError: a time without a zone was given.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"time {value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime: UtcTime, dict[str, Any]: JSON}  # noqa: RUF012


class AgentRow(Base):
    """An agent. What it says and does is in its versions."""

    __tablename__ = "agents"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), index=True)
    version: Mapped[int]
    """The version that new calls use."""
    user_id: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    """Set by a delete: hidden, but its calls can still name it."""


class AgentVersionRow(Base):
    """An agent at one version, whole. Never changed once written."""

    __tablename__ = "agent_versions"

    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    record: Mapped[dict[str, Any]]
    """`records.Agent` as JSON."""
    author: Mapped[str]
    note: Mapped[str]
    created_at: Mapped[datetime]


class ConversationRow(Base):
    """A call: the index entry of its folder."""

    __tablename__ = "conversations"
    __table_args__ = (Index("ix_conversations_started_at_id", "started_at", "id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    call_sid: Mapped[str | None] = mapped_column(String(64), unique=True)
    status: Mapped[str] = mapped_column(String(16), index=True)
    outcome: Mapped[str] = mapped_column(String(32), index=True)
    agent_id: Mapped[str] = mapped_column(String(64), index=True)
    """No foreign key: a folder may come from a machine with other agents."""
    agent_name: Mapped[str]
    agent_version: Mapped[int]
    direction: Mapped[str] = mapped_column(String(8))
    line: Mapped[str] = mapped_column(String(32))
    phone_number: Mapped[str]
    stt: Mapped[str]
    llm: Mapped[str]
    tts: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    duration_ms: Mapped[int | None]
    ended_reason: Mapped[str]
    variables: Mapped[dict[str, Any]]
    details: Mapped[dict[str, Any]]
    """`metadata` of the REST API; the name is taken in SQLAlchemy."""
    folder: Mapped[str]
    """Name below the calls folder, or an absolute path elsewhere; empty before the call."""
    agent_number: Mapped[str] = mapped_column(server_default="")
    """The number of ours that was called or that calls, E.164."""
    overrides: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    analysis: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    recorded_status: Mapped[str] = mapped_column(String(16), server_default="")
    """What the call's folder says; empty before there is one. `status` follows from this column
    and the two below, see call_status.py."""
    network: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """What the phone network has reported."""
    given_up: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """That this server counts the call as lost, and why."""
    process: Mapped[str] = mapped_column(String(255), server_default="")
    """Who made or started it, see `call_folders.this_process`; empty when a folder was read."""
    turns: Mapped[list[TurnRow]] = relationship(
        cascade="all, delete-orphan", order_by="TurnRow.position", passive_deletes=True
    )


class TurnRow(Base):
    """What one side said in one turn, as it was heard."""

    __tablename__ = "turns"

    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(String(8))
    text: Mapped[str]
    at_ms: Mapped[int]
    interrupted: Mapped[bool]
    metrics: Mapped[dict[str, Any]]


class AppointmentRow(Base):
    """A booked appointment."""

    __tablename__ = "appointments"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    agent_id: Mapped[str] = mapped_column(String(64), index=True)
    conversation_id: Mapped[str] = mapped_column(String(64), index=True)
    idempotency_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    start_at: Mapped[datetime]
    minutes: Mapped[int]
    time_zone: Mapped[str] = mapped_column(String(64))
    name: Mapped[str]
    email: Mapped[str]
    topic: Mapped[str]
    ics_path: Mapped[str]
    created_at: Mapped[datetime]
    cells: Mapped[list[TakenCellRow]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )


class TakenCellRow(Base):
    """A quarter of an hour of an agent that an appointment takes up.

    The unique constraint is what refuses a double booking, whoever comes first, from any process.
    Every time zone in use is a multiple of 15 minutes from UTC, so that cells never overlap.
    """

    __tablename__ = "taken_cells"
    __table_args__ = (UniqueConstraint("agent_id", "start_at"),)

    appointment_id: Mapped[str] = mapped_column(
        ForeignKey("appointments.id", ondelete="CASCADE"), primary_key=True
    )
    start_at: Mapped[datetime] = mapped_column(primary_key=True)
    agent_id: Mapped[str] = mapped_column(String(64))


class DoNotCallRow(Base):
    """A number that must not be called again."""

    __tablename__ = "do_not_call"

    number: Mapped[str] = mapped_column(String(128), primary_key=True)
    """E.164 when the number has that form."""
    reason: Mapped[str]
    conversation_id: Mapped[str]
    added_at: Mapped[datetime]


class PhoneNumberRow(Base):
    """A number of ours. The agent that it names answers it."""

    __tablename__ = "phone_numbers"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    phone_number: Mapped[str] = mapped_column(String(32), unique=True)
    """E.164."""
    label: Mapped[str]
    provider: Mapped[str] = mapped_column(String(32))
    agent_id: Mapped[str | None] = mapped_column(String(64), index=True)
    supports_inbound: Mapped[bool]
    supports_outbound: Mapped[bool]
    created_at: Mapped[datetime]


class ToolRow(Base):
    """A web tool of one agent."""

    __tablename__ = "tools"
    __table_args__ = (UniqueConstraint("agent_id", "name"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    agent_id: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    record: Mapped[dict[str, Any]]
    """`records.WebTool` as JSON, with its secret headers."""
    created_at: Mapped[datetime]


class WebhookRow(Base):
    """Somebody who wants to be told."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    url: Mapped[str]
    events: Mapped[list[str]] = mapped_column(JSON)
    secret: Mapped[str]
    """What the messages are signed with."""
    agent_id: Mapped[str | None] = mapped_column(String(64), index=True)
    """None: of all agents."""
    is_active: Mapped[bool]
    created_at: Mapped[datetime]


class DeliveryRow(Base):
    """One message to one webhook."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_status_next_try_at", "status", "next_try_at"),
        Index("ix_deliveries_created_at_id", "created_at", "id"),
        Index("ix_deliveries_order", "webhook_id", "conversation_id", "status", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    conversation_id: Mapped[str] = mapped_column(String(64), index=True)
    """Whose transcript the body may hold; empty when it is about no call."""
    event: Mapped[str] = mapped_column(String(64))
    url: Mapped[str]
    """Where it went last."""
    body: Mapped[str]
    status: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    next_try_at: Mapped[datetime]
    """While a try is under way: when its lease ends."""
    last_status: Mapped[int | None]
    last_error: Mapped[str]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]


class IdempotencyRow(Base):
    """A request that must not be carried out twice, and how it was answered."""

    __tablename__ = "idempotency_keys"

    scope: Mapped[str] = mapped_column(String(255), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int | None]
    """HTTP status of the answer; None while the request is being worked on."""
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(index=True)


class TicketRow(Base):
    """A token that lets one stream in, once."""

    __tablename__ = "tickets"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256: whoever reads the database can't use it."""
    conversation_id: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    call_sid: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class DocumentRow(Base):
    """A document of the knowledge base; its file is `<home>/documents/<id>/<file_name>`."""

    __tablename__ = "documents"
    __table_args__ = (Index("ix_documents_created_at_id", "created_at", "id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str]
    type: Mapped[str] = mapped_column(String(16))
    source_url: Mapped[str]
    size_bytes: Mapped[int]
    file_name: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    agents: Mapped[list[DocumentAgentRow]] = relationship(
        cascade="all, delete-orphan", order_by="DocumentAgentRow.agent_id", passive_deletes=True
    )


class DocumentAgentRow(Base):
    """That an agent knows a document."""

    __tablename__ = "document_agents"

    document_id: Mapped[str] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True
    )
    agent_id: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
