"""How a wording is written down: a regular expression with `<names>` for groups that recur.

Wordings are matched against normalised text (`intent.normalise`): lower case, contractions
written out ("don't" is "do not"), no apostrophes. The heaviest matching rule wins. Weights
order the intents: never to be called 100, a machine 95, … a courtesy 25.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NAMES: dict[str, str] = {
    "me": r"(?:me|us|my|our|this|the|that|him|her|them)",
    "day": (
        r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|tomorrow|today|tonight|next week|"
        r"this week|(?:january|february|march|april|june|july|august|september|october|"
        r"november|december)"
    ),
    "nth": (
        r"first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|"
        r"thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|"
        r"twenty \w+|thirtieth|\d+(?:st|nd|rd|th)"
    ),
    "month": (
        r"january|february|march|april|may|june|july|august|september|october|november|december"
    ),
    "clock": (
        r"(?:\d{1,2}(?::\d\d)?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|"
        r"twelve)"
    ),
    "person": (
        r"(?:person|human|human being|someone|somebody|anyone|representative|rep|agent|"
        r"operator|manager|supervisor|sales\w*|support|billing|accounting|accounts|"
        r"specialist|engineer|technician|department|people|team|else|customer service|"
        r"tech support|boss|owner|colleague|guy|advisor|consultant|assistant|service|expert|"
        r"management|in charge)"
    ),
    "relative": (
        r"(?:boss|partners?|wife|husband|spouse|manager|team|owner|accountant|"
        r"business partner|office|brother|father|dad|crew|guys|co owner|colleagues?|lawyer|"
        r"bookkeeper|people|board|supervisor|staff)"
    ),
    "so": (
        r"(?:a |an |the |so |very |really |pretty |quite |just |kind of |kinda |a bit |"
        r"a little |super |too |rather |awfully |way |extremely |right now |currently |"
        r"actually |all |still )*"
    ),
    "busy": (
        r"(?:busy|driving|swamped|tied up|slammed|occupied|in (?:a|another) (?:meeting|call)|"
        r"in the middle of|on the road|on (?:a|the|another) (?:job|roof|site|call|line|"
        r"ladder)|on (?:the|my) (?:other line|way|lunch)|about to (?:go|leave|walk|start|"
        r"head|get)|at (?:work|lunch|dinner|a job|the doctor)|with a (?:customer|client)|"
        r"underwater|heading (?:out|into)|having (?:lunch|dinner)|eating|stepping into)"
    ),
}
"""What `<me>`, `<day>`, … in a wording stand for."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Wordings of one intent that weigh the same."""

    intent: str
    weight: int
    wordings: tuple[str, ...]
    """Searched anywhere in the text, at word boundaries."""


def expand(wording: str) -> str:
    """Return the regular expression of a wording."""
    for _ in range(2):  # a group may name another one
        wording = re.sub(
            r"<(\w+)>", lambda m: f"(?:{NAMES[m[1]]})" if m[1] in NAMES else m[0], wording
        )
    return wording


def compiled(wordings: tuple[str, ...]) -> re.Pattern[str]:
    """Return one pattern that finds any of the wordings as whole words."""
    return re.compile("|".join(rf"(?<!\w)(?:{expand(wording)})(?!\w)" for wording in wordings))
