"""One-time tokens that let a media stream in."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from sdr_lab.errors import Refused
from sdr_lab.store.database import Database
from sdr_lab.store.models import TicketRow


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a token lets in."""

    conversation_id: str
    kind: str
    """`twilio`, `browser`, `convai`…"""
    call_sid: str
    """The only call that may use it; empty when it is of no phone call."""
    expires_at: datetime


class Tickets:
    """Mints and redeems tokens. Only their SHA-256 is kept.

    Methods block for about a millisecond.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def mint(self, conversation_id: str, kind: str, call_sid: str = "", ttl_s: float = 60) -> str:
        """Return a fresh token (43 characters, safe in a URL) that is valid for `ttl_s` once."""
        token = secrets.token_urlsafe(32)
        row = TicketRow(
            token_hash=digest(token),
            conversation_id=conversation_id,
            kind=kind,
            call_sid=call_sid,
            expires_at=datetime.now(UTC) + timedelta(seconds=ttl_s),
            used_at=None,
        )
        self.database.write(lambda s: s.add(row))
        return token

    def redeem(self, token: str) -> Ticket:
        """Use a token up. Of all who try at once, one succeeds.

        Raises:
            Refused: it is unknown, expired or used.
        """
        if self.peek(token) is None:  # strangers must not make us write
            raise Refused(self.database.read(lambda s: why_not(s.get(TicketRow, digest(token)))))

        def work(session: Session) -> Ticket:
            now = datetime.now(UTC)
            row = session.scalar(
                update(TicketRow)
                .where(
                    TicketRow.token_hash == digest(token),
                    TicketRow.used_at.is_(None),
                    TicketRow.expires_at > now,
                )
                .values(used_at=now)
                .returning(TicketRow)
            )
            if row is None:
                raise Refused(why_not(session.get(TicketRow, digest(token))))
            return ticket_of(row)

        return self.database.write(work)

    def peek(self, token: str) -> Ticket | None:
        """Return what a token would let in now, without using it; None: nothing."""

        def work(session: Session) -> Ticket | None:
            row = session.get(TicketRow, digest(token))
            is_good = row is not None and not row.used_at and row.expires_at > datetime.now(UTC)
            return ticket_of(row) if row is not None and is_good else None

        return self.database.read(work)

    def purge(self, now: datetime) -> int:
        """Delete the tickets that have expired; return how many."""
        gone = delete(TicketRow).where(TicketRow.expires_at <= now).returning(TicketRow.token_hash)
        return self.database.write(lambda s: len(list(s.scalars(gone))))


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def why_not(row: TicketRow | None) -> str:
    if row is None:
        return "the stream token is unknown"
    if row.used_at is not None:
        return f"the stream token of {row.conversation_id} has been used already"
    return f"the stream token of {row.conversation_id} expired at {row.expires_at.isoformat()}"


def ticket_of(row: TicketRow) -> Ticket:
    return Ticket(row.conversation_id, row.kind, row.call_sid, row.expires_at)
