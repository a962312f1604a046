"""Requests that must not be carried out twice, by the key that the client gave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sdr_lab.errors import BadInput, Conflict, NotFound
from sdr_lab.store.database import Database
from sdr_lab.store.models import IdempotencyRow

MAX_CHARS = 255


@dataclass(frozen=True, slots=True)
class Replay:
    """How a request was answered the first time."""

    status: int
    """HTTP status."""
    body: str


class IdempotencyKeys:
    """Lets one of all requests with one key through. Methods block for about a millisecond."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def begin(self, key: str, scope: str, fingerprint: str) -> Replay | None:
        """Ask whether a request is to be carried out.

        Args:
            scope: Whose keys, for what: the same key means nothing elsewhere.
            fingerprint: Of the whole request; equal for equal requests.

        Returns:
            None: carry it out, then `finish` or `forget`. Else the answer that was given.

        Raises:
            Conflict: the key came with another request, or its request is being worked on.
            BadInput: a key that is empty or too long.
        """
        if not 1 <= len(key) <= MAX_CHARS:
            raise BadInput(f"Idempotency-Key of {len(key)} characters, allowed: 1..{MAX_CHARS}")

        def work(session: Session) -> IdempotencyRow | None:
            known = session.get(IdempotencyRow, (scope, key))
            if known is None:
                row = IdempotencyRow(
                    scope=scope, key=key, fingerprint=fingerprint, status=None, body="",
                    created_at=datetime.now(UTC),
                )  # fmt: skip
                session.add(row)
            return known

        try:
            known = self.database.write(work)
        except IntegrityError:  # another process was first
            known = self.database.write(work)
        return replay_of(known, fingerprint) if known else None

    def finish(self, key: str, scope: str, status: int, body: str) -> None:
        """Keep the answer of a request that was begun.

        Raises:
            NotFound: it was not begun, or was forgotten since.
        """

        def work(session: Session) -> None:
            row = session.get(IdempotencyRow, (scope, key))
            if row is None:
                raise NotFound(f"no request with Idempotency-Key {key!r} was begun")
            row.status, row.body = status, body

        self.database.write(work)

    def forget(self, key: str, scope: str) -> None:
        """Let the key be used again: nothing was carried out."""
        gone = delete(IdempotencyRow).where(
            IdempotencyRow.scope == scope, IdempotencyRow.key == key
        )
        self.database.write(lambda s: s.execute(gone))

    def purge(self, before: datetime) -> int:
        """Forget keys that came before a moment; return how many."""
        gone = (
            delete(IdempotencyRow)
            .where(IdempotencyRow.created_at < before)
            .returning(IdempotencyRow.key)
        )
        return self.database.write(lambda s: len(list(s.scalars(gone))))


def replay_of(row: IdempotencyRow, fingerprint: str) -> Replay:
    if row.fingerprint != fingerprint:
        raise Conflict(
            f"Idempotency-Key {row.key!r} belongs to another request: use a new key for this one"
        )
    if row.status is None:
        began = row.created_at.isoformat(timespec="seconds")
        raise Conflict(
            f"the request with Idempotency-Key {row.key!r} is in progress since {began}: wait for "
            "its answer; if the server has stopped since, see what became of it, then use a new key"
        )
    return Replay(row.status, row.body)
