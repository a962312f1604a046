# ruff: noqa: ASYNC240 (small files in a test may block)
import asyncio
import multiprocessing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.errors import BadInput, NotFound, SlotTaken, StorageError
from sdr_lab.records import Agent
from sdr_lab.store.agents import AgentStore
from sdr_lab.store.calendar import Calendar, grid, ics
from sdr_lab.store.database import Database, open_database

NEW_YORK = ZoneInfo("America/New_York")
MONDAY = date(2026, 11, 30)
NOW = datetime(2026, 11, 30, 10, 5, tzinfo=NEW_YORK)


def at(hour: int, minute: int = 0, day: date = MONDAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)


@pytest.fixture
def calendar(database: Database, tmp_path: Path) -> Calendar:
    return Calendar(database, tmp_path, now=lambda: NOW)


async def book(calendar: Calendar, start: datetime, minutes: int = 30, key: str = "", **more):
    values = {
        "agent_id": "sam",
        "conversation_id": "conv_1",
        "name": "Ann Lee",
        "email": "ann@example.com",
        "topic": "Demo",
    }
    return await calendar.book(**values | more, start=start, minutes=minutes, idempotency_key=key)


async def test_free_slots_are_the_business_hours_ahead(calendar: Calendar):
    today = await calendar.free_slots("sam", MONDAY, "America/New_York")
    assert (today[0], today[-1], len(today)) == (at(10, 30), at(16, 30), 13)
    tomorrow = await calendar.free_slots("sam", date(2026, 12, 1), "America/New_York")
    assert (len(tomorrow), tomorrow[0].hour) == (16, 9)
    assert await calendar.free_slots("sam", date(2026, 12, 5), "America/New_York") == []
    assert await calendar.free_slots("sam", date(2026, 11, 27), "America/New_York") == []
    with pytest.raises(BadInput, match="time zone 'Mars' is unknown"):
        await calendar.free_slots("sam", MONDAY, "Mars")


async def test_a_booking_takes_its_time_and_only_that(calendar: Calendar):
    booking = await book(calendar, at(14), minutes=45)
    assert (booking.start, booking.minutes, booking.name) == (at(14), 45, "Ann Lee")
    free = await calendar.free_slots("sam", MONDAY, "America/New_York")
    assert at(14) not in free
    assert at(14, 30) not in free
    assert {at(13, 30), at(15)} <= set(free)
    assert len(await calendar.free_slots("eve", MONDAY, "America/New_York")) == 13
    assert calendar.bookings("sam") == [booking]
    calendar.cancel(booking.id)
    assert calendar.bookings() == []
    assert not Path(booking.ics_path).exists()
    assert (await book(calendar, at(14))).start == at(14)
    with pytest.raises(NotFound, match="appt_x"):
        calendar.cancel("appt_x")


async def test_a_taken_time_offers_the_nearest_free_ones(calendar: Calendar):
    await book(calendar, at(14))
    with pytest.raises(SlotTaken, match=r"Mon 2026-11-30 14:00 is taken; free: Mon") as refused:
        await book(calendar, at(14), name="Bob")
    assert refused.value.alternatives == [at(13), at(13, 30), at(14, 30)]
    with pytest.raises(SlotTaken, match="is taken"):
        await book(calendar, at(13, 30), minutes=60)


async def test_alternatives_go_on_to_the_next_days(calendar: Calendar):
    friday = datetime(2026, 12, 4, 16, 30, tzinfo=NEW_YORK)
    for hour in range(9, 17):
        await book(calendar, at(hour, day=friday.date()), minutes=60)
    with pytest.raises(SlotTaken) as refused:
        await book(calendar, friday)
    next_monday = date(2026, 12, 7)
    monday = [at(9, 0, next_monday), at(9, 30, next_monday), at(10, 0, next_monday)]
    assert refused.value.alternatives == monday


@pytest.mark.parametrize(
    ("start", "minutes", "why"),
    [
        (at(10), 30, "is in the past"),
        (at(8, 30, date(2026, 12, 1)), 30, "is not within 9:00-17:00"),
        (at(16, 30), 60, "for 60 minutes is not within"),
        (at(14, 10), 30, "from the hour or half hour"),
        (at(14, day=date(2026, 12, 5)), 30, "Monday to Friday"),
    ],
)
async def test_closed_times_are_refused(
    calendar: Calendar, start: datetime, minutes: int, why: str
):
    with pytest.raises(SlotTaken, match=why) as refused:
        await book(calendar, start, minutes=minutes)
    assert len(refused.value.alternatives) == 3
    assert all(slot > NOW for slot in refused.value.alternatives)
    assert calendar.bookings() == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"start": datetime(2026, 11, 30, 14)}, "needs a time zone"),
        ({"minutes": 0}, "of 0 minutes, allowed: 1..480"),
        ({"email": "ann at example"}, "'ann at example' has not the form"),
    ],
)
async def test_unusable_requests_are_refused(calendar: Calendar, more: dict, message: str):
    values: dict = {"start": at(14)} | more
    with pytest.raises(BadInput, match=message):
        await book(calendar, **values)


async def test_one_key_books_once(calendar: Calendar):
    first = await book(calendar, at(14), key="conv_1:7")
    again = await book(calendar, at(14), key="conv_1:7", name="Ann L.")
    assert again == first
    assert len(calendar.bookings()) == 1
    with pytest.raises(BadInput, match="has booked another appointment"):
        await book(calendar, at(15), key="conv_1:7")


async def test_the_named_zone_counts_even_across_a_change_of_clocks(calendar: Calendar):
    before = await book(calendar, at(9, day=date(2027, 3, 12)))
    after = await book(calendar, at(9, day=date(2027, 3, 15)))
    assert before.start.astimezone(UTC).hour == 14
    assert after.start.astimezone(UTC).hour == 13
    assert [b.start.hour for b in calendar.bookings()] == [9, 9]


async def test_an_offset_uses_the_stored_agents_zone(calendar: Calendar, database: Database):
    london = Agent(
        id="sam", name="Sam", version=0, system_prompt="", first_message="",
        time_zone="Europe/London",
    )  # fmt: skip
    noon_utc = datetime(2026, 12, 1, 21, tzinfo=UTC)  # open in New York, closed in London
    AgentStore(database).create(london)
    with pytest.raises(SlotTaken, match="21:00 for 30 minutes is not within"):
        await book(calendar, noon_utc)
    with pytest.raises(SlotTaken, match="not within"):  # unknown agent: the offset itself
        await book(calendar, noon_utc, agent_id="nobody")
    assert (await book(calendar, at(16, day=date(2026, 12, 1)))).start.hour == 16


async def test_quarter_hour_zones_can_not_overlap(calendar: Calendar):
    kathmandu = ZoneInfo("Asia/Kathmandu")
    mine = datetime(2026, 12, 1, 9, tzinfo=kathmandu)  # 03:15 UTC
    await book(calendar, mine)
    dubai = datetime(2026, 12, 1, 9, tzinfo=ZoneInfo("Asia/Karachi"))  # 04:00 UTC
    assert await book(calendar, dubai)
    kolkata = datetime(2026, 12, 1, 9, tzinfo=ZoneInfo("Asia/Kolkata"))  # 03:30 UTC
    with pytest.raises(SlotTaken):
        await book(calendar, kolkata)


async def test_bookings_at_once_leave_one(calendar: Calendar):
    results = await asyncio.gather(
        *(book(calendar, at(14), name=f"Caller {i}") for i in range(8)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, SlotTaken)]
    assert len(refused) == 7
    assert len(calendar.bookings()) == 1
    assert len(list(calendar.home.rglob("*.ics"))) == 1


def book_in_a_process(home: Path, url: str, name: str, gate, answers) -> None:
    calendar = Calendar(open_database(home, url), home, now=lambda: NOW)
    gate.wait()
    try:
        asyncio.run(book(calendar, at(14), name=name))
        answers.put("booked")
    except SlotTaken:
        answers.put("taken")


def test_two_processes_can_not_book_the_same_time(tmp_path: Path, url: str):
    spawn = multiprocessing.get_context("fork")
    gate, answers = spawn.Barrier(2), spawn.Queue()
    processes = [
        spawn.Process(target=book_in_a_process, args=(tmp_path, url, name, gate, answers))
        for name in ("Ann", "Bob")
    ]
    for process in processes:
        process.start()
    assert sorted(answers.get(timeout=60) for _ in processes) == ["booked", "taken"]
    for process in processes:
        process.join()


async def test_the_file_lies_with_the_call_and_says_what_was_booked(calendar: Calendar):
    (calendar.home / "calls" / "conv_1").mkdir(parents=True)
    booking = await book(calendar, at(14), minutes=60, topic="Demo, phone; plan B")
    path = Path(booking.ics_path)
    assert path.parent == calendar.home / "calls" / "conv_1"
    (event,) = icalendar.Calendar.from_ical(path.read_bytes()).walk("VEVENT")
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (at(14), at(15))
    assert event["SUMMARY"] == "Demo, phone; plan B"
    assert event["ATTENDEE"] == "mailto:ann@example.com"
    assert ics(booking, NOW) == path.read_bytes().decode()


async def test_without_a_call_folder_it_lies_in_the_workspace(calendar: Calendar):
    booking = await book(calendar, at(14), email="")
    assert Path(booking.ics_path).parent == calendar.home / "appointments"
    assert "ATTENDEE" not in Path(booking.ics_path).read_text()


async def test_nothing_is_booked_when_the_file_can_not_be_written(calendar: Calendar):
    (calendar.home / "appointments").write_text("in the way")
    with pytest.raises(StorageError):
        await book(calendar, at(14))
    assert calendar.bookings() == []


@given(
    day=st.dates(date(2026, 1, 1), date(2030, 12, 31)),
    zone=st.sampled_from(["America/New_York", "Europe/Berlin", "Asia/Kathmandu", "UTC"]),
    minutes=st.integers(1, 480),
)
def test_every_start_on_the_grid_fits_into_the_hours(day: date, zone: str, minutes: int):
    starts = grid(day, ZoneInfo(zone), minutes)
    for start in starts:
        end = start + timedelta(minutes=minutes)
        assert start.weekday() < 5
        assert start.minute in (0, 30)
        assert start.hour >= 9
        assert (end.date(), end.hour * 60 + end.minute <= 17 * 60) == (day, True)
    assert starts == sorted(starts)
    assert len(starts) == (0 if day.weekday() >= 5 else (480 - minutes) // 30 + 1)
