"""A calendar and a do-not-call list that live as long as the process.

For tests, notebooks and calls without a workspace; the lasting ones are in `sdr_lab.store`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sdr_lab.errors import SlotTaken
from sdr_lab.records import Booking

ALTERNATIVES = 3
DAYS_AROUND = 7
"""Alternatives are looked for so many days after a time that is not free."""


@dataclass
class MemoryCalendar:
    """Appointments on weekdays between two hours, on a grid of slots."""

    opens: int = 9
    closes: int = 17
    slot_minutes: int = 30
    bookings: dict[str, tuple[str, Booking]] = field(default_factory=dict)
    """By idempotency key: the agent's id and the booking."""

    async def free_slots(self, agent_id: str, day: date, time_zone: str) -> list[datetime]:
        """Return the free slots of a day; none at weekends."""
        if day.weekday() >= 5:
            return []
        zone = ZoneInfo(time_zone)
        start = datetime.combine(day, time(self.opens), zone)
        count = (self.closes - self.opens) * 60 // self.slot_minutes
        step = timedelta(minutes=self.slot_minutes)
        slots = [start + index * step for index in range(count)]
        return [slot for slot in slots if self._is_free(agent_id, slot, self.slot_minutes)]

    async def book(
        self,
        agent_id: str,
        conversation_id: str,
        start: datetime,
        minutes: int,
        name: str,
        email: str,
        topic: str,
        idempotency_key: str,
    ) -> Booking:
        """Make an appointment; see `tools.Calendar`."""
        if idempotency_key in self.bookings:
            return self.bookings[idempotency_key][1]
        zone = str(start.tzinfo)
        free = await self.free_slots(agent_id, start.date(), zone)
        if start not in free or not self._is_free(agent_id, start, minutes):
            nearest = await self._nearest(agent_id, start, zone)
            raise SlotTaken(f"{start:%Y-%m-%d %H:%M} is not free", nearest)
        number = len(self.bookings) + 1
        booking = Booking(f"appointment-{number}", start, minutes, name, email, topic)
        self.bookings[idempotency_key] = (agent_id, booking)
        return booking

    def _is_free(self, agent_id: str, start: datetime, minutes: int) -> bool:
        end = start + timedelta(minutes=minutes)
        return not any(
            owner == agent_id
            and made.start < end
            and start < made.start + timedelta(minutes=made.minutes)
            for owner, made in self.bookings.values()
        )

    async def _nearest(self, agent_id: str, start: datetime, zone: str) -> list[datetime]:
        found: list[datetime] = []
        for ahead in range(DAYS_AROUND):
            day = start.date() + timedelta(days=ahead)
            found += await self.free_slots(agent_id, day, zone)
        return sorted(found, key=lambda slot: abs(slot - start))[:ALTERNATIVES]


@dataclass
class MemoryDoNotCall:
    """A do-not-call list."""

    reasons: dict[str, str] = field(default_factory=dict)
    """The caller's words by number."""

    async def add(self, number: str, reason: str, conversation_id: str) -> None:
        """Add a number; the first reason is kept."""
        self.reasons.setdefault(number, reason)

    async def contains(self, number: str) -> bool:
        """Tell whether a number is on the list."""
        return number in self.reasons
