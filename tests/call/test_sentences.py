from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.call.sentences import MAX_CHARS, SentenceSplitter


def split(text: str, early: bool = True, size: int = 5) -> list[str]:
    splitter = SentenceSplitter(early)
    out = []
    for i in range(0, len(text), size):
        out += splitter.push(text[i : i + size])
    return out + splitter.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is $49.99 a month. Good.", ["It is $49.99 a month.", "Good."]),
        ("Meet Dr. Smith at 10 a.m. on Tuesday. Fine?",
         ["Meet Dr. Smith at 10 a.m. on Tuesday.", "Fine?"]),
        ("Yes! Really?! Sure...", ["Yes!", "Really?!", "Sure..."]),
        ("One\nTwo\n\nThree", ["One", "Two", "Three"]),
        ("no end", ["no end"]),
        ("", []),
        ("e.g. this one works. Next.", ["e.g. this one works.", "Next."]),
        ('He said "stop." Then he left.', ['He said "stop."', "Then he left."]),
    ],
)  # fmt: skip
def test_sentences(text: str, expected: list[str]):
    assert split(text, early=False) == expected


def test_the_first_clause_comes_early():
    assert split("Growth is $129 a month, for up to 15 people, in all, really. Yes, too.") == [
        "Growth is $129 a month,",
        "for up to 15 people,",
        "in all, really.",
        "Yes, too.",
    ]


def test_a_long_first_sentence_without_a_clause_is_cut_where_one_could_breathe():
    text = "The Growth plan costs $129 per month for up to 15 technicians in one office. Good."
    assert split(text) == [
        "The Growth plan costs $129 per month",
        "for up to 15 technicians in one office.",
        "Good.",
    ]


def test_later_sentences_are_whole():
    text = "One. Two. And this is a long sentence, with a clause, but it is spoken in one breath."
    assert split(text)[2:] == [text[10:]]


def test_a_short_opening_is_not_chopped_off():
    assert split("Yes, it does. Fine.") == ["Yes, it does.", "Fine."]


def test_an_endless_sentence_is_cut():
    parts = split("word " * 200)
    assert len(parts) > 3
    assert all(len(part) <= MAX_CHARS for part in parts)


@given(st.text(max_size=400), st.integers(1, 30))
def test_nothing_is_lost_or_added(text: str, size: int):
    assert "".join("".join(split(text, True, size)).split()) == "".join(text.split())


@given(st.lists(st.sampled_from(["Yes. ", "It is, well, $4.50. ", "Why? ", "a.m. "]), max_size=20))
def test_the_pieces_do_not_matter(parts: list[str]):
    text = "".join(parts)
    assert split(text, True, 1) == split(text, True, 7)
