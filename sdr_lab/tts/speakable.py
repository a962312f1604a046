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
    (r"\s?\(\s*", ", "),
    (r"\s*\)(?=[.,;:!?])", ""),
    (r"\s*\)\s?(?=\w)", ", "),
    (r"\)", ""),
    (r"(?<=\w)(?:\s[-–]\s|\s?—\s?|\s?--+\s?)(?=\w)", ", "),
    (r"(?<=[A-Za-z])–(?=[A-Za-z])", " to "),
    (r"([!?])[!?]+", r"\1"),
    (r"\.{4,}", "..."),
)

_ABBREVIATION_RULES = [(re.compile(pattern), words) for pattern, words in _ABBREVIATIONS]
_SIGN_RULES = [(re.compile(pattern), words) for pattern, words in _SIGNS]
_LETTERS_AND_LETTERS = re.compile(r"\b([A-Z]{1,3})&([A-Z]{1,3})\b")
_REST_OF_NUMBERS = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)*")
_NOT_SPOKEN = re.compile(r"[^\w\s.,;:!?'-]|_")


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


_FRACTIONS = {"½": "a half", "¼": "a quarter", "¾": "three quarters", "⅓": "a third",
              "⅔": "two thirds"}  # fmt: skip
_POWERS = {"²": " squared", "³": " cubed"}


def _fold_digits(text: str) -> str:
    """Write ½, ², １ and other digits as plain 0-9 and words."""
    if text.isascii():
        return text
    text = re.sub(r"(?<=[0-9])\s?(?=[½¼¾⅓⅔])", " and ", text)
    return "".join(_FRACTIONS.get(char) or _POWERS.get(char) or _digit(char) for char in text)


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

# Fitted to 230 words that Piper's English voice spoke in 20 sentences, by its own alignment of
# sounds and samples, and divided by 180 ms. Against it, the words said at a cut are counted right
# in three cases of four, and off by two in fewer than one of twenty.
_SYLLABLE = 0.25
_LETTER = 0.24
_LONE_LETTER = 0.8
_UNSTRESSED = -0.3
_LENGTHENED = 0.45
"""The last word before a comma or a full stop is drawn out. The pause itself is not counted."""

_LITTLE_WORDS = """
a an the is are was to of in on at for and or do you your our us we i it its that this with as be
by if can
"""
_IS_LITTLE = frozenset(_LITTLE_WORDS.split())


@lru_cache(maxsize=20_000)
def spoken_weight(word: str) -> float:
    """Estimate how long a word of displayed text takes to say.

    The unit is about one syllable, 180 ms of Piper's voice; only ratios within a sentence mean
    much. "the" weighs 0.7, "CRM" 2.4, "$49.99" 11, an emoji 0.
    """
    said = speakable(word)
    parts = re.findall(r"[^\W\d_]+", said.replace("'", ""))
    if not parts:
        return 0.0
    return sum(map(_weight, parts)) + (_LENGTHENED if said[-1] in ",.;:!?" else 0.0)


def _weight(part: str) -> float:
    unstressed = _UNSTRESSED if part.lower() in _IS_LITTLE else 0.0
    if len(part) == 1:
        return _LONE_LETTER * (3 if part in "Ww" else 1) + unstressed
    syllables = len(_VOWELS.findall(part)) or 1
    if syllables > 1 and _SILENT_ENDING.search(part):
        syllables -= 1
    return _SYLLABLE * syllables + _LETTER * len(part) + unstressed
