"""The agents' appointments.

Business hours are 9:00 to 17:00, Monday to Friday, in the agent's time zone; appointments begin
on the hour or half hour. Public holidays are not known. Times are kept in UTC.
"""

from __future__ import annotations

import asyncio
import math
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sdr_lab.errors import BadInput, NotFound, SlotTaken
from sdr_lab.records import Booking
from sdr_lab.store.database import Database
from sdr_lab.store.models import AgentRow, AgentVersionRow, AppointmentRow, TakenCellRow

OPENS, CLOSES = time(9), time(17)
SLOT_MINUTES = 30
GRID = timedelta(minutes=SLOT_MINUTES)
CELL = timedelta(minutes=15)
"""See `models.TakenCellRow`."""

MAX_MINUTES = 480
LOOK_AHEAD_DAYS = 14
"""How far alternatives are looked for."""

ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class Request:
    """An appointment that somebody asks for."""

    agent_id: str
    conversation_id: str
    start: datetime
    minutes: int
    name: str
    email: str
    topic: str
    idempotency_key: str


class Calendar:
    """Finds and books free times. Safe between processes: a constraint refuses the second.

    Args:
        home: The workspace; an appointment's iCalendar file goes into its call's folder, or
            into `appointments/` when the call has none.
        now: The present, with a time zone.
    """

    def __init__(
        self,
        database: Database,
        home: Path,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.database = database
        self.home = home
        self.now = now

    async def free_slots(self, agent_id: str, day: date, time_zone: str) -> list[datetime]:
        """Return the starts of free half hours of a day, soonest first, in `time_zone`.

        Raises:
            BadInput: `time_zone` is no IANA name.
        """
        zone = zone_of(time_zone)

        def work(session: Session) -> list[datetime]:
            slots = free_on(session, agent_id, day, zone, SLOT_MINUTES)
            return [slot for slot in slots if slot > self.now()]

        return await asyncio.to_thread(self.database.read, work)

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
        """Book a time. The same `idempotency_key` gives the same booking, made once.

        Args:
            start: With a time zone. Business hours are judged in that zone if it has a name
                (`America/New_York`), else in the stored agent's zone.
            email: May be empty.

        Raises:
            SlotTaken: taken, past, or outside the grid and hours; names alternatives.
            BadInput: no time zone, a wrong length or e-mail address, or a used key.
            StorageError: nothing was booked.
        """
        request = Request(
            agent_id, conversation_id, start, minutes, name, email, topic, idempotency_key
        )
        return await asyncio.to_thread(self._book, request)

    def bookings(self, agent_id: str = "") -> list[Booking]:
        """Return all appointments, or those of one agent, by start."""

        def work(session: Session) -> list[Booking]:
            query = select(AppointmentRow).order_by(AppointmentRow.start_at)
            if agent_id:
                query = query.where(AppointmentRow.agent_id == agent_id)
            return [booking_of(row) for row in session.scalars(query)]

        return self.database.read(work)

    def cancel(self, booking_id: str) -> None:
        """Free the time of an appointment and remove its iCalendar file.

        Raises:
            NotFound: there is no such appointment.
        """

        def work(session: Session) -> str:
            row = session.get(AppointmentRow, booking_id)
            if row is None:
                raise NotFound(f"no appointment has the id {booking_id!r}")
            session.delete(row)
            return row.ics_path

        if path := self.database.write(work):
            Path(path).unlink(missing_ok=True)

    def _book(self, request: Request) -> Booking:
        check(request)
        booking_id = f"appt_{secrets.token_hex(8)}"
        path = self._ics_path(request.conversation_id, booking_id)

        def work(session: Session) -> Booking:
            if earlier := booked_before(session, request):
                return earlier
            zone = zone_for(session, request)
            self._refuse_closed(session, request, zone)
            row = appointment_row(booking_id, request, zone, self.now())
            session.add(row)
            session.flush()
            row.ics_path = str(path)
            write_whole(path, ics(booking_of(row), row.created_at))
            return booking_of(row)

        try:
            return self.database.write(work)
        except IntegrityError as error:  # another process was faster, on the time or on the key
            return self._after_conflict(request, error)
        except Exception:
            if path.is_file():  # the booking was not kept, so neither is its file
                path.unlink()
            raise

    def _after_conflict(self, request: Request, error: IntegrityError) -> Booking:
        def work(session: Session) -> Booking | SlotTaken:
            zone = zone_for(session, request)
            earlier = booked_before(session, request)
            return earlier or self._taken(session, request, zone, "is taken")

        answer = self.database.read(work)
        if isinstance(answer, SlotTaken):
            raise answer from error
        return answer

    def _refuse_closed(self, session: Session, request: Request, zone: tzinfo) -> None:
        """Raise SlotTaken unless the time may be booked."""
        start = request.start.astimezone(zone)
        if start <= self.now():
            raise self._taken(session, request, zone, "is in the past")
        if start not in grid(start.date(), zone, request.minutes):
            why = f"for {request.minutes} minutes is not within 9:00-17:00, Monday to Friday, "
            raise self._taken(session, request, zone, why + "from the hour or half hour")
        if start not in free_on(session, request.agent_id, start.date(), zone, request.minutes):
            raise self._taken(session, request, zone, "is taken")

    def _taken(self, session: Session, request: Request, zone: tzinfo, why: str) -> SlotTaken:
        free = alternatives(session, request, zone, self.now())
        start = request.start.astimezone(zone)
        listed = ", ".join(f"{slot:%a %Y-%m-%d %H:%M}" for slot in free) or "none in two weeks"
        return SlotTaken(f"{start:%a %Y-%m-%d %H:%M} {why}; free: {listed}", free)

    def _ics_path(self, conversation_id: str, booking_id: str) -> Path:
        call = self.home / "calls" / conversation_id
        in_call = conversation_id and call.is_dir()
        return (call if in_call else self.home / "appointments") / f"{booking_id}.ics"


def ics(booking: Booking, made_at: datetime | None = None) -> str:
    """Return an appointment as an iCalendar file (RFC 5545), times in UTC.

    Args:
        made_at: When it was booked; now when not given.
    """
    import icalendar

    event = icalendar.Event()
    event.add("uid", f"{booking.id}@sdr-lab")
    event.add("dtstamp", (made_at or datetime.now(UTC)).astimezone(UTC))
    event.add("dtstart", booking.start.astimezone(UTC))
    event.add("dtend", (booking.start + timedelta(minutes=booking.minutes)).astimezone(UTC))
    event.add("summary", booking.topic or "Appointment")
    if booking.name:
        event.add("description", f"With {booking.name}")
    if booking.email:
        guest = icalendar.vCalAddress(f"mailto:{booking.email}")
        guest.params["cn"] = booking.name or booking.email
        event.add("attendee", guest)
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//sdr-lab//appointments//EN")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    return calendar.to_ical().decode("utf-8")


def check(request: Request) -> None:
    """Raise BadInput for what no calendar could take."""
    if request.start.tzinfo is None:
        raise BadInput(f"appointment at {request.start}: the time needs a time zone")
    if not 1 <= request.minutes <= MAX_MINUTES:
        raise BadInput(f"appointment of {request.minutes} minutes, allowed: 1..{MAX_MINUTES}")
    if request.email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", request.email):
        raise BadInput(f"e-mail address {request.email!r} has not the form name@host.tld")


def zone_of(name: str) -> tzinfo:
    """Return the zone of an IANA name or of an offset such as `-0500`.

    Raises:
        BadInput: there is no such zone.
    """
    try:
        if re.fullmatch(r"[+-]\d{4}", name):
            return timezone(datetime.strptime(name, "%z").utcoffset() or timedelta())
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise BadInput(
            f"time zone {name!r} is unknown, allowed: IANA names such as America/New_York"
        ) from error


def zone_for(session: Session, request: Request) -> tzinfo:
    """Return the zone whose business hours count for a request."""
    given = request.start.tzinfo
    if isinstance(given, ZoneInfo):
        return given
    query = (
        select(AgentVersionRow.record)
        .join(AgentRow, AgentRow.id == AgentVersionRow.agent_id)
        .where(AgentRow.id == request.agent_id, AgentRow.version == AgentVersionRow.version)
    )
    record = session.scalar(query)
    return zone_of(record["time_zone"]) if record else zone_of(f"{request.start:%z}")


def grid(day: date, zone: tzinfo, minutes: int) -> list[datetime]:
    """Return the times of a day at which an appointment of this length may begin.

    A local time that a change of the clocks skips is left out.
    """
    if day.weekday() >= 5:
        return []
    closes = datetime.combine(day, CLOSES)
    naive = datetime.combine(day, OPENS)
    starts = []
    while naive + timedelta(minutes=minutes) <= closes:
        start = naive.replace(tzinfo=zone)
        if start.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive:
            starts.append(start)
        naive += GRID
    return starts


def cells(start: datetime, minutes: int) -> list[datetime]:
    """Return the quarters of an hour that an appointment touches, in UTC."""
    first = start.astimezone(UTC)
    return [first + CELL * i for i in range(math.ceil(minutes * 60 / CELL.total_seconds()))]


def free_on(
    session: Session, agent_id: str, day: date, zone: tzinfo, minutes: int
) -> list[datetime]:
    """Return the starts of a day at which the agent is free for so long, soonest first."""
    starts = grid(day, zone, minutes)
    if not starts:
        return []
    wanted = {start: cells(start, minutes) for start in starts}
    query = select(TakenCellRow.start_at).where(
        TakenCellRow.agent_id == agent_id,
        TakenCellRow.start_at.between(wanted[starts[0]][0], wanted[starts[-1]][-1]),
    )
    taken = set(session.scalars(query))
    return [start for start in starts if taken.isdisjoint(wanted[start])]


def alternatives(session: Session, request: Request, zone: tzinfo, now: datetime) -> list[datetime]:
    """Return the free times of the day that lie nearest, then those of the days after it."""
    wanted = max(request.start, now).astimezone(zone)
    found: list[datetime] = []
    for ahead in range(LOOK_AHEAD_DAYS):
        day = wanted.date() + timedelta(days=ahead)
        free = free_on(session, request.agent_id, day, zone, request.minutes)
        by_distance = sorted(
            (slot for slot in free if slot > now), key=lambda slot: abs(slot - wanted)
        )
        found += by_distance[: ALTERNATIVES - len(found)]
        if len(found) == ALTERNATIVES:
            break
    return sorted(found)


def booked_before(session: Session, request: Request) -> Booking | None:
    """Return what the request's key has booked already."""
    if not request.idempotency_key:
        return None
    query = select(AppointmentRow).where(AppointmentRow.idempotency_key == request.idempotency_key)
    row = session.scalar(query)
    if row is None:
        return None
    if (row.agent_id, row.start_at) != (request.agent_id, request.start):
        raise BadInput(
            f"idempotency key {request.idempotency_key!r} has booked another appointment: "
            "use a new key"
        )
    return booking_of(row)


def appointment_row(
    booking_id: str, request: Request, zone: tzinfo, now: datetime
) -> AppointmentRow:
    start = request.start.astimezone(zone)
    return AppointmentRow(
        id=booking_id,
        agent_id=request.agent_id,
        conversation_id=request.conversation_id,
        idempotency_key=request.idempotency_key or None,
        start_at=start,
        minutes=request.minutes,
        time_zone=zone.key if isinstance(zone, ZoneInfo) else f"{start:%z}",
        name=request.name,
        email=request.email,
        topic=request.topic,
        ics_path="",
        created_at=now,
        cells=[
            TakenCellRow(agent_id=request.agent_id, start_at=cell)
            for cell in cells(start, request.minutes)
        ],
    )


def booking_of(row: AppointmentRow) -> Booking:
    return Booking(
        id=row.id,
        start=row.start_at.astimezone(zone_of(row.time_zone)),
        minutes=row.minutes,
        name=row.name,
        email=row.email,
        topic=row.topic,
        ics_path=row.ics_path,
    )


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
