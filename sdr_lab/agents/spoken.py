"""Dates and times in the words in which one says them on the phone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

_ORDINALS_TEXT = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first "
    "twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth twenty-seventh "
    "twenty-eighth twenty-ninth thirtieth thirty-first"
)
ORDINALS = tuple(_ORDINALS_TEXT.split())
"""`ORDINALS[day - 1]`, 1..31."""


def spoken_day(day: date) -> str:
    """Return a date as one says it.

    >>> spoken_day(date(2026, 12, 1))
    'Tuesday, December first'
    """
    return f"{day:%A}, {day:%B} {ORDINALS[day.day - 1]}"


def spoken_time(when: datetime) -> str:
    """Return a time of day: `10 AM`, `2:30 PM`, `noon`."""
    if (when.hour, when.minute) == (12, 0):
        return "noon"
    hour = when.hour % 12 or 12
    minutes = f":{when.minute:02d}" if when.minute else ""
    return f"{hour}{minutes} {'AM' if when.hour < 12 else 'PM'}"


def spoken_moment(when: datetime) -> str:
    """Return a date with its time: `Tuesday, December first at 10 AM`."""
    return f"{spoken_day(when)} at {spoken_time(when)}"


def spoken_list(items: Sequence[str], word: str = "and") -> str:
    """Join items: `a`, `a and b`, `a, b, and c`."""
    if len(items) <= 2:
        return f" {word} ".join(items)
    return f"{', '.join(items[:-1])}, {word} {items[-1]}"


def spoken_moments(moments: Sequence[datetime], word: str = "and") -> str:
    """Return several times, naming each day once.

    Times of one day: `Tuesday, December first at 9 AM, 10 AM, and noon`.
    """
    groups: dict[date, list[str]] = {}
    for moment in moments:
        groups.setdefault(moment.date(), []).append(spoken_time(moment))
    days = [f"{spoken_day(day)} at {spoken_list(times, word)}" for day, times in groups.items()]
    return f", {word} ".join(days) if len(days) > 1 else "".join(days)
