"""Number words as digits, as far as dates, times, phone numbers and team sizes need it."""

from __future__ import annotations

import re

from sdr_lab.agents.spoken import ORDINALS

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
UNITS = {word: value for value, word in enumerate(_UNITS.split())}
TENS = {word: value for value, word in zip(range(20, 100, 10), _TENS.split(), strict=True)}
_ORDINALS = {word.replace("-", " "): day for day, word in enumerate(ORDINALS, 1)}
_ORDINAL = re.compile(
    r"\b(" + "|".join(sorted(_ORDINALS, key=len, reverse=True)) + r")\b", re.IGNORECASE
)


def with_digits(text: str) -> str:
    """Return lower-case text with number words as digits.

    "ten thirty" stays two numbers (a time), "thirty five" is one; ordinals up to 31 become
    `1st`, `22nd`; "nine oh five" becomes `9 05`.

    >>> with_digits("the twenty-first at ten thirty")
    'the 21st at 10 30'
    """
    text = _spaced(text.lower())
    text = _ORDINAL.sub(lambda m: f"{_ORDINALS[m[1]]}{_suffix(_ORDINALS[m[1]])}", text)
    words = text.split(" ")
    out: list[str] = []
    index = 0
    while index < len(words):
        value, used = _number_at(words, index)
        out.append(value)
        index += used
    return " ".join(out)


def _spaced(text: str) -> str:
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)
    return re.sub(r"\s+", " ", text).strip()


def _suffix(day: int) -> str:
    if day in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _number_at(words: list[str], index: int) -> tuple[str, int]:
    """Return the token at `index` with digits, and how many words it took."""
    core = words[index].rstrip(",.?!;:")
    tail = words[index][len(core) :]
    following = words[index + 1] if index + 1 < len(words) and not tail else ""
    after = following.rstrip(",.?!;:")
    mark = following[len(after) :]
    if core in TENS:
        if 1 <= UNITS.get(after, 0) <= 9:
            return _hundreds(words, index, TENS[core] + UNITS[after], 2, mark)
        return _hundreds(words, index, TENS[core], 1, tail)
    if core == "oh" and 1 <= UNITS.get(after, 0) <= 9 and index and words[index - 1] in UNITS:
        return f"0{UNITS[after]}{mark}", 2
    if core in UNITS:
        return _hundreds(words, index, UNITS[core], 1, tail)
    if core == "a" and after in ("hundred", "thousand", "dozen"):
        return _hundreds(words, index, 1, 1, tail)
    if core == "dozen":
        return f"12{tail}", 1
    return words[index], 1


def _hundreds(words: list[str], index: int, value: int, used: int, tail: str) -> tuple[str, int]:
    scale = {"hundred": 100, "thousand": 1000, "dozen": 12}
    nearby = words[index + used] if index + used < len(words) and not tail else ""
    core = nearby.rstrip(",.?!;:")
    if core not in scale:
        return f"{value}{tail}", used
    value, used, tail = value * scale[core], used + 1, nearby[len(core) :]
    rest = index + used + (words[index + used : index + used + 1] == ["and"])
    if not tail and rest < len(words) and words[rest].rstrip(",.?!") in {**UNITS, **TENS}:
        more, took = _number_at(words, rest)
        digits = re.match(r"\d+", more)
        if digits and int(digits[0]) < 100:
            return f"{value + int(digits[0])}{more[digits.end() :]}", rest + took - index
    return f"{value}{tail}", used
