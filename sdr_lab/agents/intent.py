"""What the caller wants, found by rules in well under a millisecond.

A turn is normalised, every rule that matches votes with its weight, negations withdraw votes,
and a question that ends the turn outweighs the attitude before it. What remains without a vote
is judged word by word: a turn made only of yes-words is CONFIRM, and so on. What is still
unknown goes to a weighted score of its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from sdr_lab.agents import intent_forms as forms
from sdr_lab.agents.intent_attitudes import ATTITUDES
from sdr_lab.agents.intent_denied import DENIED
from sdr_lab.agents.intent_made_of import MadeOf
from sdr_lab.agents.intent_names import DEFINITIONS, INTENTS
from sdr_lab.agents.intent_plans import PLANS
from sdr_lab.agents.intent_rules import compiled
from sdr_lab.agents.intent_score import best_intent
from sdr_lab.agents.intent_text import normalise
from sdr_lab.agents.intent_wishes import WISHES
from sdr_lab.records import MOST_CHARS, Intent

__all__ = ["DEFINITIONS", "INTENTS", "detect_intent"]

QUESTION_LAST = 67
"""A question at the end of a turn: above every attitude, below every wish."""
QUESTION_EARLIER = 60
QUESTION_MARK = 54
"""Only the transcriber's mark shows the question."""
ONLY = {"DENY": 72, "CONFIRM": 40, "ACKNOWLEDGE": 38}
"""A turn that consists of such wordings."""
YES_FIRST = 71
"""Such a turn that begins with a yes: "yes, that would be great" is an answer, not interest."""
WORDS = {"HELLO": 30, "THANKS": 29, "DENY": 28, "CONFIRM": 27, "ACKNOWLEDGE": 25}
"""A turn without other words than those of a courtesy, and neutral ones."""
LEAST_SHARE = 0.2
"""A score below says nothing (the intents are 19: by chance each has 0.05)."""
ENDING = frozenset({"DO_NOT_CALL", "NOT_INTERESTED", "GOODBYE", "VOICEMAIL", "WRONG_PERSON"})
ENDING_SHARE = 0.3
"""Intents that end a call need a clearer score."""
_REFUSAL = re.compile(
    r"\b(?:not|no|never|nothing|none|stop|quit|off|remove\w*|delete\w*|out|list|leave|enough|alone|"
    r"sick|lose|pass|decline|against|without|nah|nope|cease|removed|block)\b"
)
"""Words of which a refusal holds at least one."""
LAST_CLAUSE = 18
"""A yes or no behind a statement that no rule knows."""
STARTS = 15
"""A yes or no before a statement that no rule knows."""

_AS_YES = "ok okay mhm uhuh alright right cool great fine good k awesome"
AS_YES = frozenset(_AS_YES.split())
"""Acknowledgements that answer a question with yes."""


@lru_cache(maxsize=4096)  # every prompt looks at the whole history again
def detect_intent(text: str, asked: bool = False) -> Intent:
    """Return what the caller wants.

    Args:
        text: One turn of the caller, as a transcriber writes it; case and marks may be missing.
        asked: The agent's last sentence was a question; then "okay" and "sounds good" are a yes.

    Returns:
        One of `INTENTS`, with the confidence 0..1 that the rule, or the score of the words,
        deserves; 0 (and `OTHER`) for an empty text.

    >>> detect_intent("yeah but how much is it").name
    'QUESTION'
    """
    clauses = normalise(text[:MOST_CHARS])
    if not clauses:
        return Intent("OTHER", 0.0)
    votes, denied = _votes_of_rules(clauses)
    if (weight := _question_weight(text, clauses)) > 0:
        votes["QUESTION"] = weight
    for name, weight in _votes_of_courtesies(clauses):
        votes[name] = max(weight, votes.get(name, 0))
    best = max(votes, key=lambda name: votes[name], default="OTHER")
    weight = votes.get(best, 0)
    confidence = min(0.99, 0.5 + weight / 200)
    if weight <= STARTS:
        if not _REFUSAL.search(" ".join(clauses)):
            denied = denied | {"DO_NOT_CALL", "NOT_INTERESTED"}
        scored, share = best_intent(clauses, text.rstrip().endswith("?"), denied)
        best = scored if share >= (ENDING_SHARE if scored in ENDING else LEAST_SHARE) else best
        confidence = max(0.3, round(share, 2))
    return Intent(_as_answer(best, " ".join(clauses)) if asked else best, confidence)


@dataclass(frozen=True, slots=True)
class _Patterns:
    rules: tuple[tuple[str, int, re.Pattern[str]], ...]
    denied: dict[str, re.Pattern[str]]
    opener: re.Pattern[str]
    question_starts: re.Pattern[str]
    question_wordings: re.Pattern[str]
    rhetorical: re.Pattern[str]
    only: dict[str, MadeOf]
    vocabulary: dict[str, frozenset[str]]
    neutral: frozenset[str]


@cache
def _patterns() -> _Patterns:
    """Compile the wordings at first use: importing this module costs nothing."""
    starts = "|".join(f"(?:{wording})" for wording in forms.QUESTION_STARTS)
    return _Patterns(
        rules=tuple(
            (rule.intent, rule.weight, compiled(rule.wordings))
            for rule in (*WISHES, *PLANS, *ATTITUDES)
        ),
        denied={name: re.compile("|".join(wordings)) for name, wordings in DENIED.items()},
        opener=re.compile(
            rf"(?:(?:{'|'.join(forms.OPENERS.split())}|excuse me|hold on|hang on|all right|i see|"
            r"thank you|got it|before that) )*"
        ),
        question_starts=re.compile(rf"(?:{starts})(?!\w)"),
        question_wordings=compiled(forms.QUESTION_WORDINGS),
        rhetorical=compiled(forms.RHETORICAL),
        only={
            "DENY": MadeOf(forms.DENY_ONLY, forms.DENY_TAILS),
            "CONFIRM": MadeOf(forms.CONFIRM_ONLY, forms.CONFIRM_TAILS),
            "ACKNOWLEDGE": MadeOf(forms.ACKNOWLEDGE_ONLY, forms.ACKNOWLEDGE_TAILS),
        },
        vocabulary={name: frozenset(words.split()) for name, words in forms.VOCABULARY.items()},
        neutral=frozenset(forms.NEUTRAL.split()),
    )


def _votes_of_rules(clauses: list[str]) -> tuple[dict[str, float], set[str]]:
    """Return the weights of the intents whose wordings are found, and the intents denied."""
    patterns = _patterns()
    whole = " ".join(clauses)
    votes: dict[str, float] = {}
    barred: set[str] = set()
    for name, weight, pattern in patterns.rules:
        if weight <= votes.get(name, 0) or not pattern.search(whole):
            continue
        denied = patterns.denied.get(name)
        if denied is not None and denied.search(whole):
            meant = (c for c in clauses if pattern.search(c) and not denied.search(c))
            if next(meant, None) is None:
                barred.add(name)
                continue
        votes[name] = weight
    if "NOT_INTERESTED" not in votes and _refuses_to_refuse(whole):
        votes["INTERESTED"] = QUESTION_EARLIER
    return votes, barred - set(votes)


def _refuses_to_refuse(whole: str) -> bool:
    """ "I'm not saying no", "it's not that I'm not interested"."""
    return bool(re.search(r"\bnot (?:saying|said|that|say)\b.*\b(?:no|not interested)\b", whole))


def _question_weight(text: str, clauses: list[str]) -> float:
    """Return how much the turn is a question: by form, by wording, by its mark."""
    patterns = _patterns()
    asking = -1
    for index, clause in enumerate(clauses):
        opener = patterns.opener.match(clause)
        start = opener.end() if opener else 0
        if patterns.question_starts.match(clause, start) or patterns.question_wordings.search(
            clause
        ):
            asking = index
    if asking < 0:
        marked = text.rstrip().endswith("?") and sum(len(c.split()) for c in clauses) > 2
        return QUESTION_MARK if marked else 0
    if patterns.rhetorical.search(clauses[asking]):
        return QUESTION_EARLIER
    is_answered_below = any(_votes_of_rules([clause])[0] for clause in clauses[asking + 1 :])
    return QUESTION_EARLIER if is_answered_below else QUESTION_LAST


def _votes_of_courtesies(clauses: list[str]) -> Iterable[tuple[str, float]]:
    patterns = _patterns()
    whole = " ".join(clauses)
    for name, pattern in patterns.only.items():
        if pattern.fullmatch(whole):
            begins = name == "CONFIRM" and re.match(r"(?:yes|yeah|yep|sure|absolutely)\b .", whole)
            yield name, YES_FIRST if begins else ONLY[name]
        elif name != "ACKNOWLEDGE" and pattern.fullmatch(clauses[-1]):
            yield name, LAST_CLAUSE
    words = whole.split()
    known = frozenset[str]().union(*patterns.vocabulary.values()) | patterns.neutral
    if all(word in known for word in words):
        for name, vocabulary in patterns.vocabulary.items():
            if not vocabulary.isdisjoint(words):
                yield name, WORDS[name]
    if match := re.match(r"(?:oh |well )?(yes|yeah|yep|yup|sure|absolutely|no|nope|nah)\b", whole):
        yield "DENY" if match[1].startswith("n") else "CONFIRM", STARTS
    if re.search(r"\b(?:thanks|thank you|appreciate)\b", whole):
        yield "THANKS", STARTS - 3


def _as_answer(best: str, whole: str) -> str:
    """Return what an intent means right after a question of the agent."""
    if best == "ACKNOWLEDGE" and not AS_YES.isdisjoint(whole.split()):
        return "CONFIRM"
    agrees = re.search(
        r"\b(?:sounds (?:good|great|fine|perfect|right)|works|that would be|let us do)\b", whole
    )
    return "CONFIRM" if best == "INTERESTED" and agrees else best
