"""Text as it is spoken.

A language model writes for readers: "Plans start at **$49.99/mo** (see acme.io)". A voice needs
"Plans start at forty-nine dollars and ninety-nine cents per month, see acme dot I O."
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from sdr_lab.tts.acronyms import spell_acronyms
from sdr_lab.tts.markdown import clean_markdown_for_tts, tidy
from sdr_lab.tts.numerals import number
from sdr_lab.tts.written import spell_out

__all__ = ["clean_markdown_for_tts", "speakable", "spoken_weight"]

_ABBREVIATIONS = (
    (r"\be\.\s?g\.,?", "for example,"),
    (r"\bi\.\s?e\.,?", "that is,"),
    (r"\betc\.(?=\s+[A-Z]|\s*$)", "et cetera."),
    (r"\betc\b\.?", "et cetera"),
    (r"\bvs\b\.?", "versus"),
    (r"\bapprox\.", "approximately"),
    (r"\bdept\.", "department"),
    (r"\best\.(?=\s\w)", "established"),
    (r"\bMr\.", "Mister"),
    (r"\bMrs\.", "Missus"),
    (r"\bMs\.", "Miss"),
    (r"\bDr\.", "Doctor"),
    (r"\bProf\.", "Professor"),
    (r"\bJr\.", "Junior"),
    (r"\bSt\.(?=\s[A-Z])", "Saint"),
    (r"\bInc\.", "Incorporated"),
    (r"\bCorp\.", "Corporation"),
    (r"\bLtd\.", "Limited"),
    (r"\bAve\.", "Avenue"),
    (r"\bBlvd\.", "Boulevard"),
    (r"\bw/o\b", "without"),
    (r"\bw/(?=\s|\w)", "with "),
    (r"\bn/a\b", "not applicable"),
    (r"\bN/A\b", "not applicable"),
    (r"\band/or\b", "and or"),
    (r"\b([A-Z])/(?=[A-Z]\b)", r"\1 "),
    (r"(?<=\d)\s?x\s?(?=\d)", " times "),
    (r"\bPh\.?D\.?(?=\W|$)", "P H D"),
    (r"\ba\.m\.", "A M"),
    (r"\bp\.m\.", "P M"),
)

_SIGNS = (
    (r"(?<=\w)\s?&\s?(?=\w)", " and "),
    (r"(?<=\w)\s?\+\s?(?=\w)", " plus "),
    (r"(?<=\w)\s?=\s?(?=\w)", " equals "),
    (r"(?<=\w)\s?[×]\s?(?=\w)", " times "),
    (r"(?<=\w)\s?÷\s?(?=\w)", " divided by "),
    (r"±\s?", " plus or minus "),
    (r"≥\s?", " at least "),
    (r"≤\s?", " at most "),
    (r"≈\s?", " about "),
    (r"(?<=\w)\s?→\s?(?=\w)", " to "),
    (r"(?<=\w)\s?%", " percent"),
    (r"(?<![\w@])@\s?(?=\w)", "at "),
    (r"(?<=[A-Za-z])\s?/\s?(?=[A-Za-z])", " or "),
    (r"§\s?", " section "),
    (r"°", " degrees "),
    (r"(?<=\w)(?:\s[-–]\s|\s?—\s?|\s?--+\s?)(?=\w)", ", "),
    (r"(?<=[A-Za-z])–(?=[A-Za-z])", " to "),
    (r"\s?\(\s*", ", "),
    (r"\s*\)(?=[.,;:!?])", ""),
    (r"\s*\)\s?(?=\w)", ", "),
    (r"\)", ""),
    (r"([!?])[!?]+", r"\1"),
    (r"\.{4,}", "..."),
)

_ABBREVIATION_RULES = [(re.compile(pattern), words) for pattern, words in _ABBREVIATIONS]
_SIGN_RULES = [(re.compile(pattern), words) for pattern, words in _SIGNS]
_LETTERS_AND_LETTERS = re.compile(r"\b([A-Z]{1,3})&([A-Z]{1,3})\b")
_REST_OF_NUMBERS = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)*")
_NOT_SPOKEN = re.compile(r"[^\w\s.,;:!?'’%-]|_")


def speakable(text: str) -> str:
    """Write out what a voice would stumble over; see the table in tests/tts for what and how.

    Text that is plain already comes back unchanged, so that calling it twice does no harm.
    Never raises; the result may be empty.
    """
    text = clean_markdown_for_tts(text)
    if not text:
        return ""
    for pattern, words in _ABBREVIATION_RULES:
        text = pattern.sub(words, text)
    text = _LETTERS_AND_LETTERS.sub(lambda m: f"{' '.join(m[1])} and {' '.join(m[2])}", text)
    text = spell_acronyms(spell_out(_fold_digits(text)))
    for pattern, words in _SIGN_RULES:
        text = pattern.sub(words, text)
    text = _REST_OF_NUMBERS.sub(_say_number, text)
    text = _NOT_SPOKEN.sub(" ", text)
    text = re.sub(r"(?<![\w])-+|-+(?![\w])", " ", text)
    return tidy(text)


_FRACTIONS = {"½": " one half", "¼": " one quarter", "¾": " three quarters", "⅓": " one third",
              "⅔": " two thirds", "²": " squared", "³": " cubed"}  # fmt: skip


def _fold_digits(text: str) -> str:
    """Write ½, ², １ and other digits as plain 0-9, the fractions as words."""
    if text.isascii():
        return text
    return "".join(_FRACTIONS.get(char) or _digit(char) for char in text)


def _digit(char: str) -> str:
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)


def _say_number(match: re.Match[str]) -> str:
    """A number that no rule has claimed; beside letters ("B2B", "5G") it gets room."""
    text, start, end = match.string, match.start(), match.end()
    before = " " if start and text[start - 1].isalnum() else ""
    # "MP3s" has a plural, "5G" a name
    after = " " if re.match(r"(?!s\b)\w", text[end : end + 2]) else ""
    return f"{before}{number(match[0])}{after}"


# ---- how long words take to say


_VOWELS = re.compile(r"[aeiouyàâäáãèéêëìíîïòóôöõùúûü]+", re.IGNORECASE)
_SILENT_ENDING = re.compile(r"(?:[^aeiouyl]e|[^aeiouytd]ed|[^aeiouysxzgc]es)$", re.IGNORECASE)
_PAUSES = {",": 1.2, ";": 1.2, ":": 1.2, ".": 1.5, "!": 1.5, "?": 1.5}
"""In syllables, behind the word."""


@lru_cache(maxsize=20_000)
def spoken_weight(word: str) -> float:
    """Estimate how long a word of displayed text takes to say, pauses behind it included.

    The unit is about one syllable; only ratios within a sentence mean something. "CRM" weighs
    three, "$49.99" twelve, an emoji nothing.
    """
    said = speakable(word)
    weight = sum(_syllables(part) for part in re.findall(r"[^\W\d_]+", said.replace("'", "")))
    return weight + (_PAUSES.get(said[-1], 0.0) if weight else 0.0)


def _syllables(word: str) -> float:
    if len(word) == 1:
        return 3.0 if word in "Ww" else 1.0
    count = len(_VOWELS.findall(word)) or 1
    if count > 1 and _SILENT_ENDING.search(word):
        count -= 1
    # long syllables take longer: "strengths" has one, and so has "a"
    return count + 0.1 * max(0, len(word) - 2 * count)
