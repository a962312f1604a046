from __future__ import annotations

import pytest

from sdr_lab.records import InterruptSettings
from sdr_lab.turns.wordings import Wordings, is_own, words_of

DEFAULT = Wordings.of(InterruptSettings())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mm-hmm.", True),
        ("Mmmm hmmm", True),
        ("Uh-huh, uh-huh.", True),
        ("Yeah, okay.", True),
        ("I see.", True),
        ("Oh okay, that makes sense.", True),
        ("Um, right, got it", True),
        ("That’s right", True),
        ("I", False),
        ("it", False),
        ("Okay, stop.", False),
        ("Yeah but how much is it?", False),
        ("yes yes yes yes yes yes yes", False),
        ("um", False),
        ("", False),
        ("no", False),
    ],
)
def test_acknowledgement(text: str, expected: bool):
    assert DEFAULT.is_acknowledgement(text) is expected


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        ("Wait!", "", "wait"),
        ("No, thank you.", "", "no thank you"),
        ("Well hold on a second", "", "hold on"),
        ("We waited on hold", "", ""),
        ("the bus-stop", "", "stop"),
        ("nonstop", "", ""),
        ("say stop", "You can say stop at any time.", ""),
        ("say stop, wait", "You can say stop at any time.", "wait"),
        ("I'm not interested", "", "not interested"),
    ],
)
def test_stop_words(text: str, said: str, expected: str):
    assert DEFAULT.stop_word(text, said) == expected


def test_lists_of_ones_own_replace_those_of_the_language():
    own = Wordings.of(InterruptSettings(stop_words=(), acknowledgements=("Jawohl, ja",)))
    assert own.stop_word("stop") == ""
    assert own.is_acknowledgement("jawohl ja")
    assert not own.is_acknowledgement("okay")


def test_our_own_words():
    said = "We have three plans. Growth is $129 a month."
    assert is_own("three plans growth", said)
    assert not is_own("three plans please", said)
    assert not is_own("", said)


def test_words_are_compared_bare_and_not_without_end():
    assert words_of("Mmmm-hmm, THAT'S it!") == ["mm", "hmm", "that's", "it"]
    assert len(words_of("a b " * 100_000)) <= 1000
