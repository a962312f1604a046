"""How long a pause ends the caller's turn, judged by what was said."""

from __future__ import annotations

import re
from typing import NamedTuple

from sdr_lab.records import EndpointSettings


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TRAILING = _words(
    """and or but so because if that which with for to the a an of my our your is are was um uh er
    like about at in on than then when where while as we i you it's its i'm it he she they from by
    not also plus maybe well"""
)
"""Nobody ends a turn on these words: he is looking for the next one."""

SHORT_ANSWERS = _words(
    """yes yeah yep yup sure ok okay right correct absolutely definitely no nope nah never none
    please thanks bye goodbye hello hi morning afternoon evening"""
)
"""One of these, and at most two words more, is a whole answer to a question."""

READING_OUT = re.compile(
    r"(?:\b(?:number|phone|call me (?:at|on)|reach me|mobile|cell|area code|zip|e-?mail|at)\b.*)"
    r"?(?:[\d][\d\s,.\-()]*|(?:\b(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)\b[\s,\-]*"
    r"){2,})[.]?$",
    re.IGNORECASE,
)
"""Ends in digits, as a telephone number does that is being read out."""

PHONE_DIGITS = 10
"""A North American number has so many digits; a shorter run may go on."""

_WORD = re.compile(r"[\w'-]+")
_DIGITS = re.compile(r"\d|\b(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)\b", re.I)


class Pause(NamedTuple):
    """The pause that ends a turn, and the rule that set it."""

    ms: int
    why: str


def pause_needed(text: str, asked: bool, settings: EndpointSettings) -> Pause:
    """Say how much silence ends the turn that so far consists of `text`.

    Args:
        text: The transcript so far, interim text included; empty while there is none.
        asked: The agent's last sentence was a question.
        settings: Mode and numbers.
    """
    whole = settings.silence_ms
    if settings.mode == "fixed":
        return Pause(whole, "fixed")
    words = _WORD.findall(text.lower())
    if not words:
        return Pause(whole, "plain")
    sooner = max(settings.min_ms, round(whole * settings.complete_factor))
    if is_trailing(text, words):
        return Pause(round(whole * settings.trailing_factor), "trailing")
    if len(words) <= 3 and words[0] in SHORT_ANSWERS:
        return Pause(sooner if asked else whole, "short_answer" if asked else "plain")
    if text.rstrip().endswith((".", "?", "!")) and len(words) >= 3:
        return Pause(sooner, "complete")
    return Pause(whole, "plain")


def is_trailing(text: str, words: list[str]) -> bool:
    """Tell whether the caller is likely to go on: a hanging word, or digits being read out."""
    stripped = text.rstrip()
    if stripped.endswith((",", "…", "...", "-")):
        return True
    if not stripped.endswith(("?", "!")) and words[-1] in TRAILING:
        return True
    tail = " ".join(stripped.split()[-8:])
    digits = len(_DIGITS.findall(tail))
    return 3 <= digits < PHONE_DIGITS and READING_OUT.search(tail) is not None
