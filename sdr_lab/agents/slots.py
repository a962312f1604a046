"""Values in the caller's words: a day and time, an e-mail address, a phone number, a name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time

from sdr_lab.agents.numbers import with_digits
from sdr_lab.agents.when import (
    Clock,
    PartOfDay,
    clocks_in,
    days_in,
    normalise,
    part_of_day,
    span_from_now,
)
from sdr_lab.records import MOST_CHARS, Slots


@dataclass(frozen=True, slots=True)
class Offer:
    """What the talk has fixed before the words to be understood."""

    day: str | None = None
    """ISO date named lately; a bare "at ten" belongs to it."""
    times: tuple[datetime, ...] = ()
    """Times the agent has just offered, in the order spoken."""
    clock: time | None = None
    """A time said just before without its day; a bare "Tuesday" completes it."""


_NO_NAMES_TEXT = (
    "a an the not now no so just very really still also here there fine good great okay ok sure "
    "right wrong interested busy driving calling looking done sorry afraid happy glad ready back "
    "sick tired out in on at with from about trying going getting working thinking wondering "
    "about that this what who why how it my your our his her their me you him she he they we i "
    "perfect awesome terrible ridiculous important urgent new old bad all only too about yes "
    "monday tuesday wednesday thursday friday saturday sunday today tomorrow speaking"
)
NO_NAMES = frozenset(_NO_NAMES_TEXT.split())
"""Words after "I'm" or "this is" that are no names."""

_SAYS_NAME = re.compile(
    r"\b(?i:my name is|my name's|name is|the name's|this is|call me|you're speaking with|"
    r"you're talking to|it's|i'm|i am)\s+([A-Za-z][\w'-]*(?:\s+[A-Z][\w'-]*)?)"
)
_NAME_SPEAKS = re.compile(r"\b([A-Z][a-z]+(?: [A-Z][a-z]+)?) (?:speaking|here)\b")
_NAMED_IN_FULL = re.compile(r"(?i)name|this is|call me|speaking|talking")

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SPELLED = re.compile(
    r"((?:[\w+-]+(?:\s*(?:\.|\bdot\b|\bunderscore\b|\bdash\b|\bhyphen\b|\bplus\b)\s*))*[\w+-]+)"
    r"\s+at\s+((?:[\w-]+\s*(?:\.|\bdot\b)\s*)+(?:com|org|net|io|co|us|edu|gov|biz|info|dev|ai|uk|ca))\b",
    re.IGNORECASE,
)
_AT = re.compile(r"\sat\s", re.IGNORECASE)
_LETTERS = re.compile(r"(?<!['\w])(?:[a-z0-9] ){2,}[a-z0-9]\b", re.IGNORECASE)
_NO_LOCAL_PART = {"me", "us", "meet", "look", "is", "be", "am", "are", "site", "page", "them"}

_DIGIT_RUN = re.compile(r"\+?\d(?:[\s().-]*\d){6,14}")
_SINGLE = {"oh": "0", "o": "0", "zero": "0"}


def find_slots(text: str, now: datetime, offer: Offer | None = None) -> Slots:
    """Find values in one turn of the caller.

    Args:
        text: The caller's words, as a transcriber writes them.
        now: The present time in the agent's time zone; found times carry the same zone.
        offer: What was fixed before; without it only a day said here makes a full time.

    Returns:
        What was found. `when` needs a day and a time. An hour without AM or PM is taken within
        the business day (ten: 10:00, two: 14:00). Times in the past are returned as said.

    >>> find_slots("Tuesday at ten", datetime(2026, 11, 24, 9, tzinfo=UTC)).when
    datetime.datetime(2026, 12, 1, 10, 0, tzinfo=datetime.timezone.utc)
    """
    email, rest = _email(text[:MOST_CHARS])
    phone, rest = _phone(rest)
    when, day, part = _moment(normalise(rest), now, offer or Offer())
    return Slots(
        when=when,
        day=day.isoformat() if day else None,
        part_of_day=part,
        email=email,
        phone=phone,
        name=_name(rest),
    )


def clock_in(text: str) -> time | None:
    """Return the first time of day in a text, whatever the day."""
    normal = normalise(text)
    clocks = clocks_in(normal, part_of_day(normal))
    return clocks[0].at if clocks else None


def times_in(text: str, now: datetime) -> tuple[datetime, ...]:
    """Return the full times in a sentence of the agent, in order: each time of day belongs to
    the day named last before it. Times before any day are left out."""
    normal = normalise(text)
    days = days_in(normal, now.date())
    found: list[datetime] = []
    for clock in clocks_in(normal):
        before = [day for start, day in days if start < clock.start]
        if before and clock.sure:
            found.append(datetime.combine(before[-1], clock.at, now.tzinfo))
    return tuple(dict.fromkeys(found))


def _moment(
    text: str, now: datetime, offer: Offer
) -> tuple[datetime | None, date | None, PartOfDay | None]:
    part = part_of_day(text)
    if (soon := span_from_now(text, now)) is not None:
        return soon, soon.date(), part
    days = [day for _, day in days_in(text, now.date())]
    clocks = clocks_in(text, part)
    day = days[0] if days else None
    clock = clocks[0] if clocks else None
    if clock is None and (offer.times or offer.day):
        clock = _bare_hour(text, part)
    if day is not None and clock is not None:
        return datetime.combine(day, clock.at, now.tzinfo), day, part
    chosen = _chosen(text, day, clock, part, offer)
    if chosen is not None:
        return chosen.astimezone(now.tzinfo), chosen.date(), part
    if day is not None and offer.clock is not None:
        return datetime.combine(day, offer.clock, now.tzinfo), day, part
    if clock is not None and offer.day is not None:
        known = date.fromisoformat(offer.day)
        return datetime.combine(known, clock.at, now.tzinfo), known, part
    return None, day, part


def _chosen(
    text: str, day: date | None, clock: Clock | None, part: PartOfDay | None, offer: Offer
) -> datetime | None:
    """Return the offered time that the words pick, if they pick exactly one."""
    times = offer.times
    if not times:
        return None
    if clock is not None:
        same = [t for t in times if (t.hour, t.minute) == (clock.at.hour, clock.at.minute)]
        if not same and not clock.sure:
            same = [t for t in times if t.hour % 12 == clock.at.hour % 12]
            same = [t for t in same if t.minute == clock.at.minute]
        return same[0] if same else None
    fitting = [t for t in times if day is None or t.date() == day]
    if part is not None:
        fitting = [t for t in fitting if _part_of(t) == part]
    if (day is not None or part is not None) and len(fitting) == 1:
        return fitting[0]
    match = re.search(
        r"\b(1st|earliest|earlier|2nd|3rd|last|latest|later|either|whichever|any of)\b", text
    )
    if match is None or day is not None or part is not None:
        return None
    index = {"2nd": 1, "3rd": 2, "last": -1, "latest": -1, "later": -1}.get(match[1], 0)
    return times[index] if index < len(times) else None


def _part_of(when: datetime) -> PartOfDay:
    return "morning" if when.hour < 12 else "afternoon" if when.hour < 17 else "evening"


def _bare_hour(text: str, part: PartOfDay | None) -> Clock | None:
    """Read "ten", "ten thirty works", "let's do two" as a time, where one is expected."""
    match = re.fullmatch(
        r"(?:(?:yes|yeah|yep|okay|ok|sure|um|uh|well|hello|no|let's|lets|let us|do|try|go|with|"
        r"how|about|what|i|i'd|i'll|we|can|could|take|prefer|like|the|maybe|then|is|that)[, ]+)*"
        r"(?P<hour>\d{1,2})(?:[ :](?P<minute>[0-5]\d))?"
        r"(?:[ ,]+(?:works?|would|be|is|good|great|fine|perfect|please|then|it|sounds|for|me|one|"
        r"slot|that|thanks|thank|you|then|best|better|and|i))*[.?! ]*",
        text,
    )
    if match is None or not 1 <= int(match["hour"]) <= 12:
        return None
    return (clocks_in(f"at {match['hour']}:{match['minute'] or '00'}", part) or [None])[0]


def _email(text: str) -> tuple[str | None, str]:
    """Return the address, and the text without it."""
    joined = _LETTERS.sub(lambda m: m[0].replace(" ", ""), text)
    if "@" in joined and (match := _EMAIL.search(joined)) is not None:
        return match[0].rstrip(".").lower(), joined.replace(match[0], " ")
    match = _SPELLED.search(joined) if _AT.search(joined) else None  # it is slow to find nothing
    if match is None:
        return None, text
    local = _signs(match[1])
    if local in _NO_LOCAL_PART:
        return None, text
    return f"{local}@{_signs(match[2])}", joined.replace(match[0], " ")


def _signs(spoken: str) -> str:
    for word, sign in (("underscore", "_"), ("dash|hyphen", "-"), ("plus", "+"), ("dot", ".")):
        spoken = re.sub(rf"\s*\b(?:{word})\b\s*", sign, spoken, flags=re.IGNORECASE)
    return re.sub(r"\s*\.\s*", ".", spoken).replace(" ", "").lower()


def _phone(text: str) -> tuple[str | None, str]:
    """Return a number in E.164 (North America without a country code), and the text without it.

    Seven to nine digits without a country code are no complete number and are left alone.
    """
    spoken = _spoken_digits(text)
    for candidate in (text, spoken):
        for match in _DIGIT_RUN.finditer(candidate):
            digits = re.sub(r"\D", "", match[0])
            rest = candidate.replace(match[0], " ")
            if match[0].startswith("+") and len(digits) >= 8:
                return f"+{digits}", rest
            if len(digits) == 10 and digits[0] in "23456789":
                return f"+1{digits}", rest
            if len(digits) == 11 and digits[0] == "1":
                return f"+{digits}", rest
    return None, text


def _spoken_digits(text: str) -> str:
    """Write runs of spoken digits ("five five five, oh one double two") as digits."""
    text = re.sub(
        r"\b(double|triple) (\w+)",
        lambda m: " ".join([m[2]] * (2 if m[1].lower() == "double" else 3)),
        text,
        flags=re.IGNORECASE,
    )
    words = [word.strip(",.") for word in text.split()]
    words = [_SINGLE.get(word.lower(), word) for word in words]
    return " ".join(with_digits(word) if word.isalpha() else word for word in words)


def _name(text: str) -> str | None:
    for match in _SAYS_NAME.finditer(text):
        words = match[1].split()
        in_full = bool(_NAMED_IN_FULL.search(match[0]))
        first = words[0]
        if first.lower() in NO_NAMES or first.lower().endswith("ing"):
            continue
        if not in_full and not first[0].isupper():
            continue
        kept = [w for w in words if w.lower() not in NO_NAMES]
        return " ".join(w[0].upper() + w[1:] for w in kept)
    match = _NAME_SPEAKS.search(text)
    if match and match[1].split()[0].lower() not in NO_NAMES:
        return match[1]
    return None
