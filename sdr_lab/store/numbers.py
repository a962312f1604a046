"""Phone numbers of ours, and which agent answers each."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sdr_lab.errors import BadInput, Conflict, NotFound
from sdr_lab.store.agents import known_id
from sdr_lab.store.database import Database
from sdr_lab.store.dnc import normal_number
from sdr_lab.store.models import PhoneNumberRow

E164 = re.compile(r"\+[1-9][0-9]{6,14}")

CHANGEABLE = ("label", "agent_id", "supports_inbound", "supports_outbound")


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number of ours."""

    id: str
    """`phnum_…`."""
    phone_number: str
    """E.164."""
    label: str
    provider: str
    """`twilio`."""
    agent_id: str | None
    """Who answers it, and who calls from it unless another agent is named."""
    supports_inbound: bool
    supports_outbound: bool
    created_at: datetime


class PhoneNumbers:
    """The phone numbers of a workspace. Methods block for about a millisecond.

    Args:
        region: Country (ISO 3166) of numbers that are written without `+` and country code.
    """

    def __init__(self, database: Database, region: str = "US") -> None:
        self.database = database
        self.region = region

    def create(
        self,
        number: str,
        label: str = "",
        agent_id: str | None = None,
        supports_inbound: bool = True,
        supports_outbound: bool = True,
    ) -> PhoneNumber:
        """Add a number.

        Args:
            agent_id: Id or name of an agent in the store; None: nobody answers it.

        Raises:
            BadInput: `number` is no phone number.
            Conflict: it is there already.
            NotFound: there is no such agent.
        """
        e164 = normal_number(number, self.region)
        if not E164.fullmatch(e164):
            told = f"{number!r} is no phone number: give E.164, such as +14155552671"
            raise BadInput(told, "phone_number")

        def work(session: Session) -> PhoneNumber:
            row = PhoneNumberRow(
                id=f"phnum_{secrets.token_hex(10)}",
                phone_number=e164,
                label=label,
                provider="twilio",
                agent_id=known_id(session, agent_id),
                supports_inbound=supports_inbound,
                supports_outbound=supports_outbound,
                created_at=datetime.now(UTC),
            )
            session.add(row)
            session.flush()
            return number_of(row)

        try:
            return self.database.write(work)
        except IntegrityError as error:
            raise Conflict(f"phone number {e164} is there already: update it instead") from error

    def get(self, key: str) -> PhoneNumber:
        """Return a number by its id or as it is dialled.

        Raises:
            NotFound: there is none.
        """
        return self.database.read(lambda s: number_of(self._find(s, key)))

    def list(self) -> list[PhoneNumber]:
        """Return all numbers, oldest first."""
        query = select(PhoneNumberRow).order_by(PhoneNumberRow.created_at, PhoneNumberRow.id)
        return self.database.read(lambda s: [number_of(row) for row in s.scalars(query)])

    def update(self, key: str, **changes: Any) -> PhoneNumber:
        """Change `label`, `agent_id`, `supports_inbound` or `supports_outbound`.

        Raises:
            NotFound: there is no such number or agent.
            BadInput: another field is named.
        """
        refused = sorted(set(changes) - set(CHANGEABLE))
        if refused:
            allowed = ", ".join(CHANGEABLE)
            raise BadInput(f"phone number field {refused[0]!r} can't be set, allowed: {allowed}")

        def work(session: Session) -> PhoneNumber:
            row = self._find(session, key)
            for name, value in changes.items():
                setattr(row, name, known_id(session, value) if name == "agent_id" else value)
            return number_of(row)

        return self.database.write(work)

    def delete(self, key: str) -> None:
        """Remove a number. Raises like `get`."""
        self.database.write(lambda s: s.delete(self._find(s, key)))

    def agent_for(self, number: str) -> str | None:
        """Return the id of the agent that answers a called number; None: nobody does."""
        query = select(PhoneNumberRow.agent_id).where(
            PhoneNumberRow.phone_number == normal_number(number, self.region),
            PhoneNumberRow.supports_inbound,
        )
        return self.database.read(lambda s: s.scalar(query))

    def _find(self, session: Session, key: str) -> PhoneNumberRow:
        e164 = normal_number(key, self.region)
        query = select(PhoneNumberRow).where(
            or_(PhoneNumberRow.id == key, PhoneNumberRow.phone_number == e164)
        )
        row = session.scalar(query)
        if row is None:
            raise NotFound(f"there is no phone number {key!r}: list them to see which there are")
        return row


def number_of(row: PhoneNumberRow) -> PhoneNumber:
    return PhoneNumber(
        id=row.id,
        phone_number=row.phone_number,
        label=row.label,
        provider=row.provider,
        agent_id=row.agent_id,
        supports_inbound=row.supports_inbound,
        supports_outbound=row.supports_outbound,
        created_at=row.created_at,
    )
