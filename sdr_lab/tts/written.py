"""From the written to the spoken form: money, dates, times, telephone numbers, addresses…

A list of rules, each a pattern and what is said for it, applied in order. What one rule writes
holds no digits and no signs, so that a later rule leaves it alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sdr_lab.tts.markdown import ADDRESS
from sdr_lab.tts.numerals import LARGEST, cardinal, digits, number, ordinal, year
from sdr_lab.tts.units import CURRENCIES, CURRENCY, PER, SCALE, SCALES, UNIT, UNITS, plural

Match = re.Match[str]

_NUMBER = r"(?<!\d)(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_DASH = r"\s?[-–—]\s?"

_MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
]  # fmt: skip
_MONTH = rf"(?P<month>{'|'.join(f'{m[:3]}(?:{m[3:]})?' for m in _MONTHS)}|Sept)\b\.?"
_DAYS = {
    "Mon": "Monday",
    "Tue": "Tuesday",
    "Tues": "Tuesday",
    "Wed": "Wednesday",
    "Thu": "Thursday",
    "Thur": "Thursday",
    "Thurs": "Thursday",
    "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday",
}
_DAY = "|".join(sorted(_DAYS, key=len, reverse=True))

_FRACTIONS = {(1, 2): "one half", (1, 4): "one quarter", (3, 4): "three quarters"}


def spell_out(text: str) -> str:
    """Apply all rules to a text without markdown."""
    for pattern, say in RULES:
        text = pattern.sub(say, text)
    return text


# ---- what is said for a match


def _address(match: Match) -> str:
    """ "https://www.acme.io/pricing?x=1." → "acme dot I O slash pricing." """
    written = match[0].rstrip(".,;:!?'")
    tail = match[0][len(written) :]
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", written)
    bare = re.split(r"[?#]", bare)[0].rstrip("/")
    return f" {_spell_address(bare)}{tail}"


def _spell_address(text: str) -> str:
    names = {".": "dot", "@": "at", "_": "underscore", "-": "dash", "+": "plus", "/": "slash",
             ":": "colon", "%": "percent", "&": "and", "=": "equals"}  # fmt: skip
    words: list[str] = []
    for part in re.findall(r"\d+|[^\W\d_]+|.", text):
        if part.isdecimal() and part.isascii():
            words.append(digits(part))
        elif part.lower() in ("io", "ai", "uk", "us", "eu", "tv"):
            words.append(" ".join(part.upper()))
        else:
            words.append(names.get(part, part if part.isalpha() else ""))
    return " ".join(filter(None, words))


def _groups(match: Match) -> str:
    """A telephone number: its groups digit by digit, a comma where one breathes."""
    plus = "plus " if match[0].startswith("+") else ""
    groups = re.findall(r"\d+", match[0])
    if len(groups) == 1 and len(groups[0]) > 7:
        groups = _american(groups[0])
    return plus + ", ".join(digits(group) for group in groups)


def _american(text: str) -> list[str]:
    head, local = text[:-10], text[-10:]
    return [group for group in (head, local[:-7], local[-7:-4], local[-4:]) if group]


def _iso_date(match: Match) -> str:
    said = _say_date(int(match["y"]), int(match["m"]), int(match["d"]))
    if said is None:
        return match[0]
    return f"{said} at {match['time']}" if match["time"] else said


def _slash_date(match: Match) -> str:
    first, second, years = int(match["m"]), int(match["d"]), int(match["y"])
    years += 2000 if years < 100 else 0
    # the American order, unless only the other one is a date
    said = _say_date(years, first, second) or _say_date(years, second, first)
    return said or match[0]


def _say_date(years: int, month: int, day: int) -> str | None:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{_MONTHS[month - 1]} {ordinal(day)}, {year(years)}"


def _month_day(match: Match) -> str:
    day = int(match["day"])
    if not 1 <= day <= 31:
        return match[0]
    said = f"{_month(match)} {ordinal(day)}"
    if match["last"] and int(match["last"]) <= 31:
        said += f" to {ordinal(int(match['last']))}"
    return f"{said}, {year(int(match['y']))}" if match["y"] else said


def _day_month(match: Match) -> str:
    day = int(match["day"])
    if not 1 <= day <= 31:
        return match[0]
    said = f"{_month(match)} {ordinal(day)}"
    return f"{said}, {year(int(match['y']))}" if match["y"] else said


def _month_year(match: Match) -> str:
    return f"{_month(match)} {year(int(match['y']))}"


def _month(match: Match) -> str:
    return next(name for name in _MONTHS if name.startswith(match["month"][:3]))


def _time(match: Match) -> str:
    hour, minute = int(match["h"]), int(match["min"] or 0)
    half = (match["half"] or "").lower().replace(".", "").replace(" ", "")
    if hour > 24 or minute > 59 or (half and not 1 <= hour <= 12):
        return match[0]
    if not half and (hour > 12 or hour == 0):
        half = "am" if hour % 24 == 0 else "pm"
        hour = hour % 12 or 12
    # the dot of "a.m." may be the full stop as well
    rest = match.string[match.end() :].lstrip()
    stop = "." if match[0].endswith(".") and (not rest or rest[0].isupper()) else ""
    said = cardinal(hour)
    if minute:
        said += f" {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    elif not half:
        return f"{said} o'clock"
    return f"{said} {' '.join(half.upper())}{stop}" if half else said


def _money(match: Match) -> str:
    main, small = CURRENCIES[match["sign"] or match["code"]]
    amount = match["amount"].replace(",", "")
    if match["scale"]:
        return f"{number(amount)} {SCALES[match['scale'].lower()]} {plural(main)}"
    whole, _, part = amount.partition(".")
    if len(whole) > len(str(LARGEST)) - 1 or len(part) > 2 or (part and not small):
        return f"{number(amount)} {plural(main)}"
    parts = [(int(whole), main), (int(part.ljust(2, "0") if part else 0), small)]
    said = [f"{cardinal(n)} {name if n == 1 else plural(name)}" for n, name in parts if n]
    return " and ".join(said) or f"zero {plural(main)}"


def _money_range(match: Match) -> str:
    scale = f" {SCALES[match['scale'].lower()]}" if match["scale"] else ""
    main, _ = CURRENCIES[match["sign"]]
    return f"{number(match['low'])} to {number(match['high'])}{scale} {plural(main)}"


def _per(match: Match) -> str:
    return f" per {PER.get(match[1].lower(), match[1])}"


def _percent(match: Match) -> str:
    return f"{number(match[1])} percent"


def _fraction(match: Match) -> str:
    top, bottom = int(match[1]), int(match[2])
    if (top, bottom) in _FRACTIONS:
        return _FRACTIONS[top, bottom]
    if 0 < top < bottom and bottom in (3, 5, 8):
        return f"{cardinal(top)} {ordinal(bottom)}{'s' if top > 1 else ''}"
    return f"{cardinal(top)} out of {cardinal(bottom)}"


def _unit(match: Match) -> str:
    name = UNITS[match[2].strip()]
    return f"{number(match[1])} {name if match[1] == '1' else plural(name)}"


def _scaled(match: Match) -> str:
    return f"{number(match[1])} {SCALES[match[2].lower()]}"


def _decade(match: Match) -> str:
    words = year(int(match[1]))
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def _rules(
    *rules: tuple[str, str | Callable[[Match], str]],
) -> list[tuple[re.Pattern[str], str | Callable[[Match], str]]]:
    return [(re.compile(pattern, re.ASCII), say) for pattern, say in rules]


_HALF = r"(?P<half>[AaPp](?:\.\s?[Mm]\.|\s?[Mm]\b))"

RULES = _rules(
    # addresses
    (ADDRESS.pattern, _address),
    (
        r"(?<![\w@.])(?:[A-Za-z0-9-]+\.)+(?:com|org|net|io|ai|co|edu|gov|dev|app|us|uk|de|eu|info)"
        r"(?:\.[a-z]{2})?\b(?!\.?\w)(?:/[\w./%-]*\w)?",
        _address,
    ),
    # telephone numbers
    (r"(?<![\w.])\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,5}(?!\w)", _groups),
    (r"(?<![\w.])(?:1[ .-])?\(\d{3}\)\s?\d{3}[ .-]\d{4}(?!\w)", _groups),
    (r"(?<![\w.-])(?:1[ .-])?\d{3}[ .-]\d{3}[ .-]\d{4}(?![\w-])", _groups),
    (r"(?<![\w.-])\d{3}-\d{4}(?![\w-])", _groups),
    (r"(?<![\w.,$€£])[2-9]\d{9}(?!\w|,\d)", _groups),
    # dates
    (
        r"\b(?P<y>[12]\d{3})-(?P<m>\d\d)-(?P<d>\d\d)"
        r"(?:[T ](?P<time>\d\d:\d\d)(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\w)",
        _iso_date,
    ),
    (r"(?<![\w/])(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4}|\d\d)(?![\w/])", _slash_date),
    (
        rf"\b{_MONTH}\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?![:.]\d)"
        rf"(?:{_DASH}(?P<last>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:))?(?:,?\s(?P<y>[12]\d{{3}})\b)?",
        _month_day,
    ),
    (
        rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?{_MONTH}(?!\s?\d{{1,2}}\b)"
        rf"(?:,?\s(?P<y>[12]\d{{3}})\b)?",
        _day_month,
    ),
    (rf"\b{_MONTH},?\s(?P<y>[12]\d{{3}})\b", _month_year),
    (rf"\b({_DAY})\.?{_DASH}({_DAY})\b\.?", lambda m: f"{_DAYS[m[1]]} to {_DAYS[m[2]]}"),
    (r"\b(Mon|Tues?|Thu|Thurs?|Fri)\b(?:\.(?=\s?[\da-z,]))?", lambda m: _DAYS[m[1]]),
    (r"\b(Wed|Sat|Sun)\b\.?(?=,|\s(?:at|\d|[A-Z][a-z]{2,8}\s\w+(?:st|nd|rd|th)\b))",
     lambda m: _DAYS[m[1]]),
    # times and ranges
    (r"\b24\s?/\s?7\b", "twenty-four seven"),
    (rf"(?<=\d){_DASH}(?=\d{{1,2}}(?::\d\d)?\s?[AaPp]\.?\s?[Mm]\b)", " to "),
    (rf"(?<=\d[ap]m){_DASH}(?=\d)|(?<=\d[AP]M){_DASH}(?=\d)|(?<=\d\s[AP]M){_DASH}(?=\d)", " to "),
    (rf"(?<=\d\d:\d\d){_DASH}(?=\d{{1,2}}:\d\d)|(?<=\b\d:\d\d){_DASH}(?=\d{{1,2}}:\d\d)", " to "),
    (rf"(?<![\w:.,])(?P<h>\d{{1,2}})(?::(?P<min>\d\d))?\s?{_HALF}", _time),
    (r"(?<![\w:.,])(?P<h>\d{1,2}):(?P<min>\d\d)(?P<half>(?!))?(?![\w:])", _time),
    (r"(?<![\w-])(\d+(?:-\d+){2,})(?![\w-])", lambda m: _groups(m)),
    (
        rf"(?<![\w-])({_NUMBER}\s?(?:%|[kKmMbB]\b)?){_DASH}(?=(?:{CURRENCY})?\d)",
        r"\1 to ",
    ),
    # money
    (
        rf"(?P<sign>{CURRENCY})(?P<low>{_NUMBER}) to (?P<high>{_NUMBER})(?i:{SCALE})",
        _money_range,
    ),
    (
        rf"(?P<sign>{CURRENCY})\s?(?P<amount>{_NUMBER})(?P<code>(?!))?(?i:{SCALE})",
        _money,
    ),
    (
        rf"(?<![\w.,])(?P<amount>{_NUMBER})(?i:{SCALE})\s?(?:(?P<sign>[$€£¥])|(?P<code>USD|EUR|GBP)\b)",
        _money,
    ),
    (r"(?<=[a-z])\s?/\s?(month|mo|year|yr|y|hour|hr|h|week|wk|day|minute|min|second|sec|s|user|"
     r"seat|agent|call|person|license|unit|each|ea|team|rep)\b", _per),
    # numbers with something
    (rf"({_NUMBER})\s?%", _percent),
    (r"\b(?:No|Nr)\.\s?(?=\d)", "number "),
    (
        r"(?i:\b(code|pin|zip|ext|extension|ending in|account|reference|ref|order|confirmation|"
        r"invoice|ticket|case)((?:\s(?:number|code|is|no\.|id))*:?)) (\d{3,})(?![\w.,:]?\d)",
        lambda m: f"{m[1]}{m[2]} {digits(m[3])}",
    ),
    (r"(?<![\w/.,])(\d{1,3})/(\d{1,3})(?![\w/])", _fraction),
    (r"\b([12]\d{2}0)s\b", _decade),
    (r"(?<![\w.,])(\d{1,15})(?:st|nd|rd|th)\b", lambda m: ordinal(int(m[1]))),
    (rf"(?<![\w.,])({_NUMBER})({UNIT})(?![\w²/])", _unit),
    (rf"(?<![\w.,])({_NUMBER})\s?°\s?([CF])\b",
     lambda m: f"{number(m[1])} degrees {'Celsius' if m[2] == 'C' else 'Fahrenheit'}"),
    (rf"(?<![\w.,])({_NUMBER})\s?°", lambda m: f"{number(m[1])} degrees"),
    (rf"(?<![\w.,])({_NUMBER})([kKMB]|bn)\b", _scaled),
    (r"(?<![\w.,])((?:19|20)\d\d)(?![\w]|[.,]\d)", lambda m: year(int(m[1]))),
    (r"\b[vV](?:er|ersion)?\.?\s?(?=\d+\.\d)", "version "),
    (rf"({_NUMBER})\s?\+(?!\w)", lambda m: f"{number(m[1])} plus"),
    (r"(?<![\w.)])\s?[-−](?=\d)", " minus "),
)  # fmt: skip
