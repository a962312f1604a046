"""The do-not-call list."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sdr_lab.errors import BadInput
from sdr_lab.store.database import Database
from sdr_lab.store.models import DoNotCallRow


@dataclass(frozen=True, slots=True)
class DoNotCallEntry:
    """A number that must not be called again."""

    number: str
    """E.164 when it has that form; `unknown (conv_…)` for a caller without a number."""
    reason: str
    conversation_id: str
    added_at: datetime


class DoNotCall:
    """Numbers whose owners asked not to be called. The first entry of a number stays.

    Args:
        region: Country (ISO 3166) of numbers that are written without `+` and country code.
    """

    def __init__(self, database: Database, region: str = "US") -> None:
        self.database = database
        self.region = region

    async def add(self, number: str, reason: str, conversation_id: str) -> None:
        """Put a number on the list; nothing changes when it is there already.

        Args:
            number: Empty when the caller's number is unknown: then the wish is kept under the
                conversation, for a person to follow up.

        Raises:
            BadInput: neither a number nor a conversation is given.
            StorageError: the wish could not be kept.
        """
        if not number.strip() and not conversation_id:
            raise BadInput("do-not-call needs a phone number or a conversation: got neither")
        key = normal_number(number, self.region) or f"unknown ({conversation_id})"

        def work(session: Session) -> None:
            if session.get(DoNotCallRow, key) is None:
                row = DoNotCallRow(
                    number=key,
                    reason=reason,
                    conversation_id=conversation_id,
                    added_at=datetime.now(UTC),
                )
                session.add(row)

        def add() -> None:
            with suppress(IntegrityError):  # another process added it between look and write
                self.database.write(work)

        await asyncio.to_thread(add)

    async def contains(self, number: str) -> bool:
        """Say whether a number must not be called, however it is written."""
        key = normal_number(number, self.region)
        return bool(key) and await asyncio.to_thread(
            self.database.read, lambda s: s.get(DoNotCallRow, key) is not None
        )

    def list(self) -> list[DoNotCallEntry]:
        """Return all entries, newest first."""
        query = select(DoNotCallRow).order_by(DoNotCallRow.added_at.desc())
        return self.database.read(lambda s: [entry_of(row) for row in s.scalars(query)])

    def remove(self, number: str) -> bool:
        """Take a number (or an entry as `list` shows it) off the list; say whether it was on."""
        keys = [number, normal_number(number, self.region)]

        def work(session: Session) -> bool:
            gone = session.scalars(
                delete(DoNotCallRow)
                .where(DoNotCallRow.number.in_(keys))
                .returning(DoNotCallRow.number)
            )
            return bool(list(gone))

        return self.database.write(work)


def normal_number(number: str, region: str = "US") -> str:
    """Return a phone number in E.164 when it can be read as one, else without spaces.

    >>> normal_number("(415) 555-2671")
    '+14155552671'
    """
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return "".join(number.split())
    if not phonenumbers.is_possible_number(parsed):
        return "".join(number.split())
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def entry_of(row: DoNotCallRow) -> DoNotCallEntry:
    return DoNotCallEntry(row.number, row.reason, row.conversation_id, row.added_at)
