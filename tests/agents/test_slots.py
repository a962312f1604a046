from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.agents.slots import Offer, clock_in, find_slots, times_in

CHICAGO = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=CHICAGO)
"""A Tuesday."""


def when(text: str) -> str | None:
    found = find_slots(text, NOW).when
    return found.strftime("%m-%d %H:%M") if found else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tuesday at ten", "12-01 10:00"),
        ("Okay, can you book me a demo for Tuesday at ten in the morning?", "12-01 10:00"),
        ("tuesday at 10 a.m.", "12-01 10:00"),
        ("Tuesday, 10 AM.", "12-01 10:00"),
        ("Tuesday ten a m", "12-01 10:00"),
        ("next Wednesday at 2:30 pm", "12-02 14:30"),
        ("Wednesday at two", "11-25 14:00"),
        ("this Friday at half past nine", "11-27 09:30"),
        ("Friday at nine thirty", "11-27 09:30"),
        ("Friday 9:30", "11-27 09:30"),
        ("quarter to five on Thursday", "11-26 16:45"),
        ("Thursday at quarter past eleven", "11-26 11:15"),
        ("tomorrow at noon", "11-25 12:00"),
        ("tomorrow 9", "11-25 09:00"),
        ("today at five", "11-24 17:00"),
        ("the first of December at ten thirty a.m.", "12-01 10:30"),
        ("December 1st at 4", "12-01 16:00"),
        ("December first, ten o'clock", "12-01 10:00"),
        ("12/1 at 11", "12-01 11:00"),
        ("2026-12-01 at 11", "12-01 11:00"),
        ("How about Thursday the third, say around eleven?", "12-03 11:00"),
        ("Tuesday the 8th at 2", "12-08 14:00"),
        ("the third at one", "12-03 13:00"),
        ("a week from Monday at 3 pm", "12-07 15:00"),
        ("in two days at eight", "11-26 08:00"),
        ("the day after tomorrow at six in the evening", "11-26 18:00"),
        ("Friday evening at seven", "11-27 19:00"),
        ("Friday at seven", "11-27 07:00"),
        ("Monday at 14:00", "11-30 14:00"),
        ("at 1030 tomorrow", "11-25 10:30"),
        ("not Monday, Wednesday at one", "11-25 13:00"),
        ("can we move it from Tuesday to Thursday at ten", "11-26 10:00"),
        ("call me in twenty minutes", "11-24 09:50"),
        ("in half an hour", "11-24 10:00"),
        ("in two hours", "11-24 11:30"),
        ("Monday ten thirty works", "11-30 10:30"),
    ],
)
def test_day_and_time(text: str, expected: str):
    assert when(text) == expected


@pytest.mark.parametrize(
    ("text", "day", "part"),
    [
        ("tomorrow morning", "2026-11-25", "morning"),
        ("Thursday after lunch", "2026-11-26", "afternoon"),
        ("in two days", "2026-11-26", None),
        ("May 5th", "2027-05-05", None),
        ("end of the week", "2026-11-27", None),
        ("Good morning. Friday please", "2026-11-27", None),
        ("first thing on Monday", "2026-11-30", "morning"),
        ("in the afternoon", None, "afternoon"),
        ("how much is it for ten technicians", None, None),
        ("next week", None, None),
        ("February thirtieth", None, None),
        ("you may say that", None, None),
    ],
)
def test_only_a_day_or_part_of_it(text: str, day: str | None, part: str | None):
    found = find_slots(text, NOW)

    assert (found.when, found.day, found.part_of_day) == (None, day, part)


def test_a_number_of_people_is_no_time():
    assert when("Tuesday for ten technicians") is None
    assert when("we have ten technicians on Tuesday") is None


def test_times_carry_the_zone_across_the_change_of_clocks():
    before = datetime(2027, 3, 12, 9, tzinfo=CHICAGO)  # a Friday; clocks change on Sunday

    found = find_slots("Monday at ten", before).when

    assert found is not None
    assert found.isoformat() == "2027-03-15T10:00:00-05:00"


OFFERED = times_in("I have Tuesday, December first at 9 AM, 10 AM, and noon. Which one?", NOW)


def test_times_in_a_sentence_of_the_agent():
    assert [t.isoformat()[5:16] for t in OFFERED] == ["12-01T09:00", "12-01T10:00", "12-01T12:00"]
    assert times_in("Support is open from 7 am to 7 pm on weekdays.", NOW) == ()
    two_days = times_in(
        "I could do Monday, November thirtieth at 4 PM, or Tuesday, December first at 9 AM.", NOW
    )
    assert [t.isoformat()[5:16] for t in two_days] == ["11-30T16:00", "12-01T09:00"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ten works", "10:00"),
        ("Let's do ten.", "10:00"),
        ("10 a.m. please", "10:00"),
        ("noon", "12:00"),
        ("the first one", "09:00"),
        ("the second one please", "10:00"),
        ("the last one", "12:00"),
        ("either is fine", "09:00"),
        ("ten thirty", "10:30"),  # not offered: the calendar has the last word
    ],
)
def test_choosing_among_offered_times(text: str, expected: str):
    found = find_slots(text, NOW, Offer("2026-12-01", OFFERED)).when

    assert found is not None
    assert found.strftime("%m-%d %H:%M") == f"12-01 {expected}"


@pytest.mark.parametrize("text", ["no", "Tuesday", "we have ten technicians", "what is it for two"])
def test_no_choice(text: str):
    assert find_slots(text, NOW, Offer("2026-12-01", OFFERED)).when is None


def test_a_time_said_before_its_day():
    found = find_slots("Thursday", NOW, Offer(clock=time(10))).when

    assert found is not None
    assert found.strftime("%m-%d %H:%M") == "11-26 10:00"
    assert clock_in("at half past nine please") == time(9, 30)


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("joe at example dot com", "joe@example.com"),
        ("My email is sam.lee@example.com.", "sam.lee@example.com"),
        ("it's Sam dot Lee at Example dot com", "sam.lee@example.com"),
        ("sam underscore lee at example.com", "sam_lee@example.com"),
        ("sam.lee at big plumbing dot com", None),
        ("s a m at example.com", "sam@example.com"),
        ("it's s a m at example.com", "sam@example.com"),
        ("info dash desk at example dot co dot uk", "info-desk@example.co.uk"),
        ("meet at example dot com", None),
        ("meet me at ten", None),
    ],
)
def test_email(text: str, email: str | None):
    assert find_slots(text, NOW).email == email


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("call 312-555-0123 please", "+13125550123"),
        ("(312) 555 0199", "+13125550199"),
        ("1 312 555 0199", "+13125550199"),
        ("+44 20 7946 0958", "+442079460958"),
        ("three one two, five five five, oh one two three", "+13125550123"),
        ("three one two triple five oh one double nine", "+13125550199"),
        ("555 0123", None),
        ("we have 12 trucks and 300 jobs", None),
    ],
)
def test_phone(text: str, phone: str | None):
    assert find_slots(text, NOW).phone == phone


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("this is Sam", "Sam"),
        ("Hi, this is Sam Lee from Acme.", "Sam Lee"),
        ("my name is maria", "Maria"),
        ("I'm Maria", "Maria"),
        ("Sam Lee speaking", "Sam Lee"),
        ("I'm driving", None),
        ("i'm maria", None),
        ("I'm not interested", None),
        ("this is great", None),
        ("It's Tuesday", None),
        ("this is not a good time", None),
    ],
)
def test_name(text: str, name: str | None):
    assert find_slots(text, NOW).name == name


@given(st.text(max_size=80))
def test_any_text_is_fine(text: str):
    found = find_slots(text, datetime(2026, 11, 24, tzinfo=UTC))

    assert found.when is None or found.when.tzinfo is UTC


@pytest.mark.parametrize("piece", ["x", "a-", "a.", "one."])
def test_text_without_a_blank_takes_no_time(piece: str):
    assert find_slots(piece * 20_000, NOW).email is None  # it took minutes
