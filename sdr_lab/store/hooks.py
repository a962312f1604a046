"""Webhooks and the messages to them.

The messages are an outbox that survives restarts and that several processes may empty. A message
is kept before it is sent, so nothing is lost; it is claimed for a while (a lease) before each try,
so no two processes send it at once. A process that dies in mid-try lets its lease run out, and the
message is sent again: at least once. Receivers tell repeats by the message's id.
"""

from __future__ import annotations

import builtins
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from sdr_lab.errors import BadInput, Conflict
from sdr_lab.store.agents import known_id
from sdr_lab.store.cursor import read_cursor, write_cursor
from sdr_lab.store.database import Database
from sdr_lab.store.hook_rows import (
    Delivery,
    DeliveryPage,
    DeliveryStatus,
    Message,
    Tried,
    Webhook,
    checked,
    checked_events,
    checked_url,
    conversation_in,
    delivery_of,
    find_delivery,
    find_hook,
    new_delivery,
    new_secret,
    webhook_of,
)
from sdr_lab.store.models import DeliveryRow, WebhookRow

CHANGEABLE = ("url", "events", "secret", "agent_id", "is_active")

MAX_PAGE = 500

IN_ORDER_TRIES = 3
"""A message that fails so often no longer holds up those behind it: a receiver that chokes on one
kind of event still learns that the call has ended."""

MAX_ERROR_CHARS = 500
"""An error may quote a whole page that the receiver sent."""


class Webhooks:
    """The webhooks of a workspace. Methods block for about a millisecond."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def create(
        self, url: str, events: Iterable[str], secret: str = "", agent_id: str | None = None
    ) -> Webhook:
        """Add a webhook.

        Args:
            secret: Empty: one is made, `whsec_…`.
            agent_id: Id or name of an agent in the store; None: all agents.

        Raises:
            BadInput: no event is named, or no URL.
            NotFound: there is no such agent.
        """
        row = WebhookRow(
            id=f"hook_{secrets.token_hex(10)}",
            url=checked_url(url),
            events=checked_events(events),
            secret=secret or new_secret(),
            agent_id=None,
            is_active=True,
            created_at=datetime.now(UTC),
        )

        def work(session: Session) -> Webhook:
            row.agent_id = known_id(session, agent_id)
            session.add(row)
            return webhook_of(row)

        return self.database.write(work)

    def get(self, webhook_id: str) -> Webhook:
        """Return a webhook.

        Raises:
            NotFound: there is none of this id.
        """
        return self.database.read(lambda s: webhook_of(find_hook(s, webhook_id)))

    def list(self, agent_id: str | None = None) -> builtins.list[Webhook]:
        """Return the webhooks, oldest first.

        Args:
            agent_id: Only those that are for this agent alone; None: every one.
        """
        query = select(WebhookRow).order_by(WebhookRow.created_at, WebhookRow.id)
        if agent_id is not None:
            query = query.where(WebhookRow.agent_id == agent_id)
        return self.database.read(lambda s: [webhook_of(row) for row in s.scalars(query)])

    def update(self, webhook_id: str, **changes: Any) -> Webhook:
        """Change `url`, `events`, `secret` (empty: a new one is made), `agent_id` or `is_active`.

        Messages that wait go to the new URL with the new secret.

        Raises:
            NotFound: there is no such webhook or agent.
            BadInput: another field is named, or as in `create`.
        """
        refused = sorted(set(changes) - set(CHANGEABLE))
        if refused:
            allowed = ", ".join(CHANGEABLE)
            raise BadInput(f"webhook field {refused[0]!r} can't be set, allowed: {allowed}")

        def work(session: Session) -> Webhook:
            row = find_hook(session, webhook_id)
            for name, value in changes.items():
                setattr(row, name, checked(session, name, value))
            return webhook_of(row)

        return self.database.write(work)

    def delete(self, webhook_id: str) -> None:
        """Remove a webhook and all its messages. Raises like `get`."""
        self.database.write(lambda s: s.delete(find_hook(s, webhook_id)))


class Deliveries:
    """The messages of a workspace. Methods block for about a millisecond."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def enqueue(
        self, event: str, body: str, agent_id: str | None, conversation_id: str = ""
    ) -> int:
        """Keep a message for every active webhook that wants it; return how many there are.

        Args:
            agent_id: Whose call it is about; None: of no agent.
            conversation_id: The call that it is about: deleting the call deletes the message.
                Empty: what the body names as `conversation_id`, at its top or in `data`.
        """
        return self.enqueue_all([Message(event, body, agent_id, conversation_id)])

    def enqueue_all(self, messages: Sequence[Message]) -> int:
        """Keep many messages at once, all or none, in their order; as `enqueue`."""
        now = datetime.now(UTC)
        tick = timedelta(microseconds=1)  # what was said later sorts later

        def work(session: Session) -> int:
            hooks = [webhook_of(row) for row in session.scalars(select(WebhookRow))]
            rows = [
                new_delivery(
                    hook,
                    message.event,
                    message.body,
                    message.conversation_id or conversation_in(message.body),
                    now + place * tick,
                )
                for place, message in enumerate(messages)
                for hook in hooks
                if hook.wants(message.event, message.agent_id)
            ]
            session.add_all(rows)
            return len(rows)

        return self.database.write(work)

    def due(
        self, now: datetime, limit: int, lease_s: float
    ) -> builtins.list[tuple[Delivery, Webhook]]:
        """Claim messages whose time has come, the longest due first.

        A webhook gets the messages about one call in their order: a later one waits until the one
        before has arrived, is dead, or has been tried `IN_ORDER_TRIES` times.

        What is returned belongs to the caller for `lease_s`: it must report by then with
        `succeeded` or `failed`. Safe for any number of threads and processes at once.
        """

        def work(session: Session) -> builtins.list[tuple[Delivery, Webhook]]:
            query = (
                select(DeliveryRow, WebhookRow)
                .join(WebhookRow, DeliveryRow.webhook_id == WebhookRow.id)
                .where(
                    DeliveryRow.status == "pending",
                    DeliveryRow.next_try_at <= now,
                    WebhookRow.is_active,
                    is_next(),
                )
                .order_by(DeliveryRow.next_try_at, DeliveryRow.created_at, DeliveryRow.id)
                .limit(limit)
                .with_for_update(of=DeliveryRow, skip_locked=True)
            )
            claimed = []
            for row, hook in session.execute(query):
                row.next_try_at = now + timedelta(seconds=lease_s)
                row.attempts += 1
                row.url = hook.url
                claimed.append((delivery_of(row), webhook_of(hook)))
            return claimed

        return self.database.write(work)

    def succeeded(self, delivery_id: str, status: int) -> None:
        """Note that a message has arrived. Nothing later changes that, except `resend`.

        Nothing happens when the message was deleted meanwhile.
        """
        self.database.write(lambda s: note_arrived(s, delivery_id, status))

    def failed(
        self,
        delivery_id: str,
        status: int | None,
        error: str,
        next_try_at: datetime | None,
        attempt: int | None = None,
    ) -> None:
        """Note that a try has failed.

        Nothing happens when the message has arrived or was deleted meanwhile.

        Args:
            status: HTTP status of the answer; None when there was none.
            next_try_at: None: never; the message is dead until somebody sends it again.
            attempt: `attempts` of the claimed message. A try whose lease ran out, and that somebody
                else has begun again since, then no longer counts.
        """
        self.database.write(
            lambda s: note_failed(s, delivery_id, status, error, next_try_at, attempt)
        )

    def report(self, tries: Sequence[Tried]) -> None:
        """Note how many tries have ended, in one transaction; as `succeeded` and `failed`."""

        def work(session: Session) -> None:
            for one in tries:
                key, status = one.delivery_id, one.status
                if one.error:
                    note_failed(session, key, status, one.error, one.next_try_at, one.attempt)
                else:
                    note_arrived(session, key, status)

        self.database.write(work)

    def get(self, delivery_id: str) -> Delivery:
        """Return a message.

        Raises:
            NotFound: there is none of this id.
        """
        return self.database.read(lambda s: delivery_of(find_delivery(s, delivery_id)))

    def list(
        self,
        status: DeliveryStatus | None = None,
        webhook_id: str | None = None,
        page_size: int = 50,
        cursor: str = "",
    ) -> DeliveryPage:
        """Return messages, newest first.

        Raises:
            BadInput: a status, a page size or a cursor that can't be.
        """
        if status not in (None, "pending", "delivered", "dead"):
            raise BadInput(f"delivery status {status!r}, allowed: pending, delivered, dead")
        if not 1 <= page_size <= MAX_PAGE:
            raise BadInput(f"page size {page_size}, allowed: 1..{MAX_PAGE}")
        row = DeliveryRow
        query = select(row).order_by(row.created_at.desc(), row.id.desc()).limit(page_size + 1)
        if status is not None:
            query = query.where(row.status == status)
        if webhook_id is not None:
            query = query.where(row.webhook_id == webhook_id)
        if cursor:
            at, last_id = read_cursor(cursor)
            same = and_(row.created_at == at, row.id < last_id)
            query = query.where(or_(row.created_at < at, same))
        found = self.database.read(lambda s: [delivery_of(row) for row in s.scalars(query)])
        page, more = found[:page_size], len(found) > page_size
        return DeliveryPage(
            tuple(page), write_cursor(page[-1].created_at, page[-1].id) if more else ""
        )

    def resend(self, delivery_id: str) -> Delivery:
        """Send a dead or delivered message once more, at once, with fresh tries.

        Raises:
            NotFound: there is no such message.
            Conflict: it waits to be sent anyway.
        """

        def work(session: Session) -> Delivery:
            row = find_delivery(session, delivery_id, lock=True)
            if row.status == "pending":
                at = row.next_try_at.isoformat(timespec="seconds")
                raise Conflict(f"delivery {delivery_id!r} is pending: it is tried again at {at}")
            row.status, row.attempts, row.delivered_at = "pending", 0, None
            row.next_try_at = datetime.now(UTC)
            return delivery_of(row)

        return self.database.write(work)

    def next_due(self) -> datetime | None:
        """Return when the next message is due, perhaps in the past; None: none waits."""
        query = (
            select(DeliveryRow.next_try_at)
            .join(WebhookRow, DeliveryRow.webhook_id == WebhookRow.id)
            .where(DeliveryRow.status == "pending", WebhookRow.is_active, is_next())
            .order_by(DeliveryRow.next_try_at)
            .limit(1)
        )
        return self.database.read(lambda s: s.scalar(query))

    def count(self, status: DeliveryStatus) -> int:
        """Return how many messages have a status."""
        query = select(func.count()).where(DeliveryRow.status == status)
        return self.database.read(lambda s: s.scalar(query) or 0)

    def purge(self, before: datetime) -> int:
        """Delete messages made before a moment that wait for nothing; return how many."""
        gone = (
            delete(DeliveryRow)
            .where(DeliveryRow.status != "pending", DeliveryRow.created_at < before)
            .returning(DeliveryRow.id)
        )
        return self.database.write(lambda s: len(list(s.scalars(gone))))


def note_arrived(session: Session, delivery_id: str, status: int | None) -> None:
    row = session.get(DeliveryRow, delivery_id, with_for_update=True)
    if row is not None and row.status != "delivered":
        row.status, row.delivered_at = "delivered", datetime.now(UTC)
        row.last_status, row.last_error = status, ""


def note_failed(
    session: Session,
    delivery_id: str,
    status: int | None,
    error: str,
    next_try_at: datetime | None,
    attempt: int | None,
) -> None:
    row = session.get(DeliveryRow, delivery_id, with_for_update=True)
    if row is None or row.status != "pending" or attempt not in (None, row.attempts):
        return
    row.last_status, row.last_error = status, error[:MAX_ERROR_CHARS]
    if next_try_at is None:
        row.status = "dead"
    else:
        row.next_try_at = next_try_at


def is_next() -> ColumnElement[bool]:
    """Return whether no earlier message about the same call has to arrive first, as SQL."""
    earlier = aliased(DeliveryRow)
    return ~exists().where(
        earlier.conversation_id == DeliveryRow.conversation_id,
        earlier.conversation_id != "",
        earlier.webhook_id == DeliveryRow.webhook_id,
        earlier.status == "pending",
        earlier.attempts <= IN_ORDER_TRIES,
        or_(
            earlier.created_at < DeliveryRow.created_at,
            and_(earlier.created_at == DeliveryRow.created_at, earlier.id < DeliveryRow.id),
        ),
    )
