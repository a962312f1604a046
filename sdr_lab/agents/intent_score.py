"""A weighted score of words, for turns that no wording knows.

The weights in `intent_weights.json` are those of a softmax regression on words, pairs and
triples of words, fitted to datasets/intents/tuned.yaml by eval/fit_intents.py. The rules come
first: the score is asked only where they find nothing but a yes or a no before other words.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence, Set
from functools import cache
from importlib.resources import files
from itertools import pairwise

_DAY = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\btomorrow\b|\btoday\b")
_NUMBER = re.compile(
    r"\b(?:\d[\d:.]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|"
    r"fifteen|twenty|thirty|forty|fifty|hundred|dozen)\b"
)

LONG_WORDS = 12
"""Turns of more words all count as long."""


def features(clauses: Sequence[str], is_marked: bool) -> set[str]:
    """Return what the score looks at: n-grams, the length, the question mark.

    Args:
        clauses: From `intent_text.normalise`.
        is_marked: The turn ends with a question mark.
    """
    text = _NUMBER.sub("<number>", _DAY.sub("<day>", " ".join(clauses)))
    words = ["<", *text.split(), ">"]
    found = set(words[1:-1])
    found.update(" ".join(pair) for pair in pairwise(words))
    found.update(" ".join(three) for three in zip(words, words[1:], words[2:], strict=False))
    found.add(f"length {min(LONG_WORDS, len(words) - 2) // 2}")
    if is_marked:
        found.add("?")
    return found


def best_intent(
    clauses: Sequence[str], is_marked: bool, barred: Set[str] = frozenset()
) -> tuple[str, float]:
    """Return the intent with the highest score, and its share of all, 0..1.

    Args:
        clauses: From `intent_text.normalise`.
        is_marked: The turn ends with a question mark.
        barred: Intents that are out of the question.
    """
    weights = _weights()
    known = [weights[feature] for feature in features(clauses, is_marked) if feature in weights]
    scale = max(1, len(known)) ** -0.5
    totals = dict(weights["<bias>"])
    for row in known:
        for name, weight in row.items():
            totals[name] = totals.get(name, 0.0) + weight * scale
    best = max(totals.keys() - barred, key=lambda name: (totals[name], name))
    share = 1 / sum(math.exp(total - totals[best]) for total in totals.values())
    return best, share


@cache
def _weights() -> Mapping[str, Mapping[str, float]]:
    text = files("sdr_lab.agents").joinpath("intent_weights.json").read_text(encoding="utf-8")
    return json.loads(text)
