"""Numbers as an American says them."""

from __future__ import annotations

_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
]  # fmt: skip
_TENS = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
]  # fmt: skip
_GROUPS = ["", " thousand", " million", " billion", " trillion"]
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}

LARGEST = 10**15
"""Longer numbers are read digit by digit: nobody follows them otherwise."""


def cardinal(number: int) -> str:
    """0 → "zero", 1234 → "one thousand two hundred thirty-four". Needs 0 <= number < LARGEST."""
    if number == 0:
        return "zero"
    groups: list[str] = []
    for name in _GROUPS:
        number, low = divmod(number, 1000)
        if low:
            groups.append(_below_thousand(low) + name)
    return " ".join(reversed(groups))


def ordinal(number: int) -> str:
    """1 → "first", 21 → "twenty-first", 100 → "one hundredth"."""
    words = cardinal(number)
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[cut:]
    if last in _ORDINALS:
        return words[:cut] + _ORDINALS[last]
    return words[:cut] + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def year(number: int) -> str:
    """1999 → "nineteen ninety-nine", 2005 → "two thousand five", 2026 → "twenty twenty-six"."""
    century, rest = divmod(number, 100)
    if not 10 <= century < 100 or 2000 <= number < 2010 or number % 1000 == 0:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def digits(text: str) -> str:
    """Read one by one: "408" → "four zero eight". Everything but 0-9 is skipped."""
    return " ".join(_ONES[ord(char) - 48] for char in text if "0" <= char <= "9")


def number(text: str) -> str:
    """Read a number as it is written: "1,250", "3.5", "007", "2.1.3".

    Numbers with a leading zero and those longer than anyone says are read digit by digit.
    """
    whole, *parts = text.replace(",", "").split(".")
    is_code = len(whole) > 1 and whole[0] == "0"
    if is_code or len(whole) > 15 or (len(whole) > 6 and "," not in text and not parts):
        words = digits(whole)
    else:
        words = cardinal(int(whole or "0"))
    if len(parts) == 1:
        return f"{words} point {digits(parts[0])}"
    return " point ".join([words, *(number(part) for part in parts if part)])


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    words = [f"{_ONES[hundreds]} hundred"] if hundreds else []
    if rest >= 20:
        tens, ones = divmod(rest, 10)
        words.append(_TENS[tens] + (f"-{_ONES[ones]}" if ones else ""))
    elif rest:
        words.append(_ONES[rest])
    return " ".join(words)
