import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.tts.numerals import LARGEST, cardinal, digits, number, ordinal, year


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (20, "twenty"),
        (42, "forty-two"),
        (100, "one hundred"),
        (105, "one hundred five"),
        (999, "nine hundred ninety-nine"),
        (1000, "one thousand"),
        (1016, "one thousand sixteen"),
        (1_000_001, "one million one"),
        (
            1_234_567,
            "one million two hundred thirty-four thousand five hundred sixty-seven",
        ),
        (10**12, "one trillion"),
    ],
)
def test_cardinal(value: int, words: str):
    assert cardinal(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1, "first"),
        (2, "second"),
        (3, "third"),
        (4, "fourth"),
        (5, "fifth"),
        (8, "eighth"),
        (9, "ninth"),
        (12, "twelfth"),
        (20, "twentieth"),
        (21, "twenty-first"),
        (100, "one hundredth"),
        (112, "one hundred twelfth"),
    ],
)
def test_ordinal(value: int, words: str):
    assert ordinal(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1900, "nineteen hundred"),
        (1905, "nineteen oh five"),
        (1999, "nineteen ninety-nine"),
        (2000, "two thousand"),
        (2005, "two thousand five"),
        (2010, "twenty ten"),
        (2026, "twenty twenty-six"),
        (476, "four hundred seventy-six"),
    ],
)
def test_year(value: int, words: str):
    assert year(value) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,250", "one thousand two hundred fifty"),
        ("3.5", "three point five"),
        ("0.05", "zero point zero five"),
        (".5", "zero point five"),
        ("007", "zero zero seven"),
        ("2.1.3", "two point one point three"),
        ("1234567", "one two three four five six seven"),
        ("1,234,567", "one million two hundred thirty-four thousand five hundred sixty-seven"),
        ("1" * 16, " ".join(["one"] * 16)),
    ],
)
def test_number(text: str, words: str):
    assert number(text) == words


def test_digits_skip_everything_else():
    assert digits("40-8x²") == "four zero eight"


@given(st.integers(0, LARGEST - 1))
def test_every_number_has_words_of_its_own(value: int):
    words = cardinal(value)

    assert words.replace(" ", "").replace("-", "").isalpha()
    assert cardinal(value) != cardinal((value + 1) % LARGEST)
