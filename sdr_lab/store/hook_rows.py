"""Webhooks and messages to them as values, and how rows keep them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from sdr_lab.errors import BadInput, NotFound
from sdr_lab.store.agents import known_id
from sdr_lab.store.models import DeliveryRow, WebhookRow

ALL = "*"
"""The name that stands for every event."""

DeliveryStatus = Literal["pending", "delivered", "dead"]


@dataclass(frozen=True, slots=True)
class Webhook:
    """Somebody who wants to be told."""

    id: str
    """`hook_…`."""
    url: str
    events: tuple[str, ...]
    """Names of events; `*` is all of them."""
    secret: str = field(repr=False)
    """What the messages are signed with."""
    agent_id: str | None
    """None: calls of all agents."""
    is_active: bool
    """While false nothing is sent; what waits, waits."""
    created_at: datetime

    def wants(self, event: str, agent_id: str | None) -> bool:
        """Say whether it is to be told of an event of an agent's call."""
        of_interest = event in self.events or ALL in self.events
        return self.is_active and of_interest and self.agent_id in (None, agent_id)


@dataclass(frozen=True, slots=True)
class Message:
    """Something that webhooks are to be told."""

    event: str
    body: str
    """JSON."""
    agent_id: str | None
    """Whose call it is about; None: of no agent."""
    conversation_id: str = ""
    """The call that it is about; empty: what the body names."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one webhook."""

    id: str
    """`dlv_…`, the same in every try."""
    webhook_id: str
    event: str
    url: str
    """Where it goes or went."""
    body: str
    """JSON, sent as it is."""
    attempts: int
    """Tries begun, the one under way included; counted anew after `resend`."""
    status: DeliveryStatus
    next_try_at: datetime
    """When it is tried next; while it is being tried: when somebody else may try."""
    last_status: int | None
    """HTTP status of the last answer; None when there was none."""
    last_error: str
    created_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Tried:
    """How one try of a message has ended."""

    delivery_id: str
    attempt: int
    """`attempts` of the claimed message."""
    status: int | None
    """HTTP status of the answer; None when there was none."""
    error: str = ""
    """Empty: it has arrived."""
    next_try_at: datetime | None = None
    """Of a try that failed; None: never again."""


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """A part of a list of messages, newest first."""

    deliveries: tuple[Delivery, ...]
    next_cursor: str
    """For the next page; empty on the last one."""


def find_hook(session: Session, webhook_id: str) -> WebhookRow:
    row = session.get(WebhookRow, webhook_id)
    if row is None:
        raise NotFound(f"there is no webhook {webhook_id!r}")
    return row


def checked(session: Session, name: str, value: Any) -> Any:
    """Return a value as the field of that name keeps it."""
    if name == "agent_id":
        return known_id(session, value)
    if name == "events":
        return checked_events(value)
    if name == "url":
        return checked_url(value)
    return value or new_secret() if name == "secret" else value


def checked_url(url: str) -> str:
    if not url.strip():
        raise BadInput("a webhook needs a URL: got an empty one")
    return url


def checked_events(events: Iterable[str]) -> list[str]:
    names = sorted({events} if isinstance(events, str) else set(events))
    if not names or "" in names:
        raise BadInput("a webhook needs the names of events, or '*' for all: got none")
    return names


def new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"


def find_delivery(session: Session, delivery_id: str, lock: bool = False) -> DeliveryRow:
    row = session.get(DeliveryRow, delivery_id, with_for_update=lock)
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id!r}")
    return row


def conversation_in(body: str) -> str:
    """Return the conversation that a message names, empty when it names none."""
    try:
        message = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(message, dict):
        return ""
    for place in (message, message.get("data")):
        if isinstance(place, dict) and isinstance(place.get("conversation_id"), str):
            return place["conversation_id"]
    return ""


def new_delivery(hook: Webhook, event: str, body: str, about: str, now: datetime) -> DeliveryRow:
    return DeliveryRow(
        id=f"dlv_{secrets.token_hex(10)}",
        webhook_id=hook.id,
        conversation_id=about[:64],
        event=event,
        url=hook.url,
        body=body,
        status="pending",
        attempts=0,
        next_try_at=now,
        last_status=None,
        last_error="",
        created_at=now,
        delivered_at=None,
    )


def webhook_of(row: WebhookRow) -> Webhook:
    return Webhook(
        id=row.id,
        url=row.url,
        events=tuple(row.events),
        secret=row.secret,
        agent_id=row.agent_id,
        is_active=row.is_active,
        created_at=row.created_at,
    )


def delivery_of(row: DeliveryRow) -> Delivery:
    return Delivery(
        id=row.id,
        webhook_id=row.webhook_id,
        event=row.event,
        url=row.url,
        body=row.body,
        attempts=row.attempts,
        status=row.status,  # type: ignore[arg-type]
        next_try_at=row.next_try_at,
        last_status=row.last_status,
        last_error=row.last_error,
        created_at=row.created_at,
        delivered_at=row.delivered_at,
    )
