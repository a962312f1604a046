from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.agents import intent_forms as forms
from sdr_lab.agents.intent import INTENTS, detect_intent
from sdr_lab.agents.intent_made_of import MadeOf

DENY = MadeOf(forms.DENY_ONLY, forms.DENY_TAILS)
HEAD, TAIL = "|".join(forms.DENY_ONLY), "|".join(forms.DENY_TAILS)
AT_ONCE = re.compile(rf"(?:(?:{TAIL}) )*(?:{HEAD})(?: (?:{HEAD}|{TAIL}))*")
"""The same as one expression: right, but too slow for long turns."""

PIECES = "no", "nope", "not really", "thanks", "sorry", "i do not think so", "sir", "zebra", "never"


@pytest.mark.parametrize(
    "text", ["no", "no thank you", "sorry no", "oh no not really thanks", "i said no", "never mind"]
)
def test_turns_of_nothing_else(text: str):
    assert DENY.fullmatch(text)


@pytest.mark.parametrize("text", ["", "thanks", "sorry sir", "no zebra", "yes", "no " * 50 + "no"])
def test_turns_of_something_else(text: str):
    assert not DENY.fullmatch(text)


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5))
def test_it_agrees_with_the_single_expression(pieces: list[str]):
    text = " ".join(pieces)
    assert DENY.fullmatch(text) == bool(AT_ONCE.fullmatch(text))


def test_somebody_who_goes_on_and_on_stops_nobody():
    turns = ["no " * 300 + "zebra", "x" * 500_000]  # 2^300 ways to read the first as one expression
    assert {detect_intent(turn).name for turn in turns} <= set(INTENTS)
