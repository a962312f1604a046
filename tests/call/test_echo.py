"""Our own words coming back, and callers who only use some of them."""

from __future__ import annotations

import pytest

from sdr_lab.call.echo import MIN_WORDS, SHARE, is_echo

SAID = (
    "The Growth plan is $129 per month for up to 15 technicians. "
    "Would you like to see it in a short demo?"
)


@pytest.mark.parametrize(
    "heard",
    [
        "The Growth plan is $129 per month",
        "the growth plan is 129 per month for up to fifteen technicians",
        "growth plan is per month for up to 15 technicians",
        "Would you like to see it in a short demo?",
        "would you like to see it in a sort demo",
        "technicians would you like to see",
        SAID,
    ],
)
def test_our_own_words_are_an_echo(heard: str):
    assert is_echo(heard, SAID)


@pytest.mark.parametrize(
    "heard",
    [
        "",
        "Yes.",
        "Growth plan",
        "The Growth plan is fine",
        "a short demo",
        "Yes, I would like to see it on Tuesday at ten please",
        "How much is the Starter plan for three people?",
        "Wait, what is included in that?",
        "demo short a in it see to like you would",
    ],
)
def test_a_caller_is_not(heard: str):
    assert not is_echo(heard, SAID)


def test_nothing_is_an_echo_of_silence():
    assert not is_echo("would you like to see it", "")


@pytest.mark.parametrize("foreign", range(5))
def test_most_of_the_words_must_be_ours(foreign: int):
    ours = ["one", "two", "three", "four", "five", "six"]
    heard = [*ours, *(f"x{n}" for n in range(foreign))]
    assert is_echo(" ".join(heard), " ".join(ours)) is (SHARE * (6 + foreign) <= 6)


def test_words_must_come_in_our_order():
    assert is_echo("one two three four five", "one two three four five")
    assert not is_echo("five four three two one", "one two three four five")


def test_case_and_punctuation_do_not_matter():
    assert is_echo("WOULD you, like: to see", "would you like to see")


def test_fewer_words_than_the_least_are_the_callers():
    words = ["see", "it", "in", "a", "short", "demo"]
    assert not is_echo(" ".join(words[: MIN_WORDS - 1]), SAID)
    assert is_echo(" ".join(words[:MIN_WORDS]), SAID)
