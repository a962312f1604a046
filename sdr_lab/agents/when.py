"""Days and times in what people say: "next Wednesday at half past two"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from sdr_lab.agents.numbers import with_digits

PartOfDay = Literal["morning", "afternoon", "evening"]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS_TEXT = (
    "january february march april may june july august september october november december"
)
MONTHS = tuple(_MONTHS_TEXT.split())

FIRST_MORNING_HOUR = 7
"""An hour without AM or PM is within the business day: 7..11 is morning, 12..6 afternoon."""

_DAY = "|".join([*WEEKDAYS, "mon", "tues?", "wed", "thurs?", "fri"])
_MONTH = "|".join([*MONTHS, "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sept?", "oct", "nov"])
_NTH = r"(\d{1,2})(?:st|nd|rd|th)"
_HALF = r"(am|pm)"
_AFTER_HOUR = (
    r"(?=\s*(?:$|[,.;?!]|(?:am|pm|on|in|works?|would|will|is|was|please|if|and|or|tomorrow|today|"
    r"next|this|sharp|ish|central|eastern|pacific|mountain|then|that|the|my|good|fine|for|it|"
    rf"{_DAY})\b))"
)


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day."""

    at: time
    sure: bool
    """AM or PM was said, or follows from a part of the day."""
    start: int
    """Where it stands in the normalised text."""


def normalise(text: str) -> str:
    """Return the text as the patterns here want it: lower case, digits, `am`, `oclock`."""
    text = with_digits(text.replace("’", "'"))
    text = re.sub(r"\b([ap])\.?\s?m\b\.?", r"\1m", text)
    text = re.sub(r"(\d)\s*(am|pm)\b", r"\1 \2", text)
    text = re.sub(r"\bo\W?\s?clock\b", "oclock", text)
    text = re.sub(r"(\d)\.(\d\d)(?= (?:am|pm)\b)", r"\1:\2", text)
    text = re.sub(r"\bgood (morning|afternoon|evening)\b", "hello", text)
    return re.sub(r",(?=\s)", " ", text).replace("  ", " ")


def part_of_day(text: str) -> PartOfDay | None:
    """Return the part of the day named in a normalised text."""
    if re.search(r"\bmornings?\b|\bfirst thing\b|\b1st thing\b|\bbefore (lunch|noon)\b", text):
        return "morning"
    if re.search(r"\bafternoons?\b|\bafter lunch\b|\bend of (the )?day\b", text):
        return "afternoon"
    return "evening" if re.search(r"\bevenings?\b|\btonight\b|\bat night\b", text) else None


def days_in(text: str, today: date) -> list[tuple[int, date]]:
    """Return the days named in a normalised text as (position, day), in order of position.

    A weekday is the next one after today, "next" moves it to the following calendar week. A
    day without a year is the next such day. Impossible dates and days behind a "not" are left
    out. A weekday beside a full date ("Tuesday, December 1st") is part of that date.
    """
    found: list[tuple[int, date]] = []
    taken: list[tuple[int, int]] = []
    for pattern, read in _READERS:
        for match in pattern.finditer(text):
            if any(start <= match.start() < end for start, end in taken):
                continue
            day = read(match, today)
            taken.append(match.span())
            if day is not None and not _negated(text[: match.start()]):
                found.append((match.start(), day))
    return sorted(found)


def clocks_in(text: str, part: PartOfDay | None = None) -> list[Clock]:
    """Return the times of day in a normalised text, in order of position."""
    found: list[Clock] = []
    taken: list[tuple[int, int]] = []
    for pattern, read in _CLOCKS:
        for match in pattern.finditer(text):
            if any(start < match.end() and match.start() < end for start, end in taken):
                continue
            parts = read(match)
            if parts is None:
                continue
            hour, minute, half = parts
            if (clock := _clock(hour, minute, half or _half(part), match.start())) is not None:
                taken.append(match.span())
                found.append(clock)
    return sorted(found, key=lambda clock: clock.start)


def span_from_now(text: str, now: datetime) -> datetime | None:
    """Return the moment of "in 20 minutes", "in half an hour", "in two hours"."""
    match = re.search(r"\bin (?:about )?(half an|an?|\d{1,3}) (hour|minute)s?\b", text)
    if match is None:
        return None
    amount = {"half an": 0.5, "an": 1.0, "a": 1.0}.get(match[1]) or float(match[1])
    step = timedelta(hours=amount) if match[2] == "hour" else timedelta(minutes=amount)
    return (now + step).replace(second=0, microsecond=0)


def _half(part: PartOfDay | None) -> str | None:
    return None if part is None else "am" if part == "morning" else "pm"


def _clock(hour: int, minute: int, half: str | None, start: int) -> Clock | None:
    if hour > 23 or minute > 59 or (hour > 12 and half == "am"):
        return None
    if hour > 12 or hour == 0:
        return Clock(time(hour, minute), True, start)
    if half is None:
        half = "am" if FIRST_MORNING_HOUR <= hour <= 11 else "pm"
        return Clock(time(hour % 12 + (12 if half == "pm" else 0), minute), False, start)
    return Clock(time(hour % 12 + (12 if half == "pm" else 0), minute), True, start)


def _negated(before: str) -> bool:
    return bool(re.search(r"\b(not|except|but not|from|instead of|busy(?: on)?)( on)? $", before))


def _month(name: str) -> int:
    return next(n for n, month in enumerate(MONTHS, 1) if month.startswith(name[:3]))


def _weekday(name: str) -> int:
    return next(n for n, day in enumerate(WEEKDAYS) if day.startswith(name[:3]))


def _date(year: int | None, month: int, day: int, today: date) -> date | None:
    for candidate in (year,) if year else range(today.year, today.year + 5):
        try:
            found = date(candidate, month, day)
        except ValueError:
            continue
        if year or found >= today:
            return found
    return None


def _next_nth(day: int, today: date) -> date | None:
    for ahead in range(13):
        month = (today.month - 1 + ahead) % 12 + 1
        year = today.year + (today.month - 1 + ahead) // 12
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if found >= today:
            return found
    return None


def _next_weekday(match: re.Match[str], today: date) -> date:
    weekday = _weekday(match["day"])
    if (match["which"] or "") == "next":
        monday = today - timedelta(days=today.weekday()) + timedelta(days=7)
        return monday + timedelta(days=weekday)
    ahead = (weekday - today.weekday()) % 7
    return today + timedelta(days=ahead or 7)


def _week_from(match: re.Match[str], today: date) -> date:
    weeks = 1 if match[1] in ("a", "one") else int(match[1])
    base = {"today": 0, "now": 0, "tomorrow": 1}.get(match[2])
    if base is None:
        base = (_weekday(match[2]) - today.weekday()) % 7 or 7
    return today + timedelta(days=base + 7 * weeks)


def _in_days(match: re.Match[str], today: date) -> date:
    amount = 1 if match[1] in ("a", "an") else 2 if match[1] == "a couple of" else int(match[1])
    return today + timedelta(days=amount * (7 if match[2] == "week" else 1))


def _end_of_week(match: re.Match[str], today: date) -> date:
    ahead = (4 - today.weekday()) % 7
    return today + timedelta(days=ahead + (7 if match["next"] else 0))


def _us_date(match: re.Match[str], today: date) -> date | None:
    year = int(match[3]) if match[3] else None
    return _date(year + 2000 if year and year < 100 else year, int(match[1]), int(match[2]), today)


_READERS = [
    (
        re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b"),
        lambda m, t: _date(int(m[1]), int(m[2]), int(m[3]), t),
    ),
    (
        re.compile(rf"\b(?:(?:{_DAY}) )?(?:the )?(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({_MONTH})\b"),
        lambda m, t: _date(None, _month(m[2]), int(m[1]), t),
    ),
    (
        re.compile(
            rf"\b(?:(?:{_DAY}) )?({_MONTH})\.? (?:the )?(\d{{1,2}})(?:st|nd|rd|th)?\b"
            r"(?!:)(?: (20\d\d)\b)?"
        ),
        lambda m, t: _date(int(m[3]) if m[3] else None, _month(m[1]), int(m[2]), t),
    ),
    (re.compile(r"\b(\d{1,2})/(\d{1,2})(?:/(\d{2,4}))?\b"), _us_date),
    (re.compile(rf"\b(a|one|\d) weeks? from (today|now|tomorrow|{_DAY})\b"), _week_from),
    (re.compile(r"\bin (an?|a couple of|\d{1,2}) (day|week)s?\b"), _in_days),
    (re.compile(r"\b(an?|\d{1,2}) (day|week)s? from now\b"), _in_days),
    (re.compile(r"\bday after tomorrow\b"), lambda m, t: t + timedelta(days=2)),
    (re.compile(r"\btomorrow\b"), lambda m, t: t + timedelta(days=1)),
    (re.compile(r"\b(?:today|tonight|this (?:morning|afternoon|evening))\b"), lambda m, t: t),
    (
        re.compile(rf"\b(?:{_DAY}) (?:the )?{_NTH}\b"),
        lambda m, t: _next_nth(int(m[1]), t),
    ),
    (re.compile(rf"\b(?:(?P<which>next|this|coming) )?(?P<day>{_DAY})\b"), _next_weekday),
    (re.compile(r"\bend of (?:the|this|(?P<next>next)) week\b"), _end_of_week),
    (
        re.compile(rf"\bthe {_NTH}\b(?! (?:one|1|slot|option|time|of|thing|choice))"),
        lambda m, t: _next_nth(int(m[1]), t),
    ),
]
"""Most specific first: a reader never sees words that an earlier one has taken."""


def _to(match: re.Match[str]) -> tuple[int, int, str | None]:
    before = 15 if match[1] == "quarter" else int(match[1])
    hour = int(match[2]) - 1 or 12
    return hour, 60 - before, match[3]


def _past(match: re.Match[str]) -> tuple[int, int, str | None]:
    after = {"half": 30, "quarter": 15}.get(match[1]) or int(match[1])
    return int(match[2]), after, match[3]


def _packed(match: re.Match[str]) -> tuple[int, int, str | None]:
    return int(match[1]), int(match[2]), match[3]


_LEAD = rf"\b(?:at|around|about|by|@|say|make it|make that|{_DAY}|tomorrow|today)"

_CLOCKS = [
    (re.compile(r"\b(?:12 )?(?:noon|midday)\b"), lambda m: (12, 0, "pm")),
    (re.compile(r"\bmidnight\b"), lambda m: (0, 0, None)),
    (re.compile(rf"\b(half|quarter|\d{{1,2}}) past (\d{{1,2}})\b(?: {_HALF})?"), _past),
    (re.compile(rf"\b(quarter|\d{{1,2}}) to (\d{{1,2}})\b(?: {_HALF})?"), _to),
    (re.compile(rf"\b(\d{{1,2}}):(\d\d)\b(?: {_HALF})?"), _packed),
    (re.compile(rf"\b(\d{{1,2}}) (\d\d) {_HALF}\b"), _packed),
    (re.compile(rf"\b(\d{{1,2}})(\d\d) {_HALF}\b"), _packed),
    (re.compile(rf"\b(\d{{1,2}})()? {_HALF}\b"), lambda m: (int(m[1]), 0, m[3])),
    (
        re.compile(r"\b(\d{1,2})(?: (\d\d))? (?:oclock|in the (?:morning|afternoon|evening))\b"),
        lambda m: (int(m[1]), int(m[2] or 0), None),
    ),
    (
        re.compile(rf"{_LEAD} (\d{{1,2}}) ?([0-5]\d)?{_AFTER_HOUR}"),
        lambda m: (int(m[1]), int(m[2] or 0), None) if 1 <= int(m[1]) <= 12 else None,
    ),
]
"""Most explicit first."""
