from __future__ import annotations

import pytest

from sdr_lab.agents.numbers import with_digits


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("ten", "10"),
        ("ten thirty", "10 30"),
        ("Thirty-five people", "35 people"),
        ("twenty one", "21"),
        ("nine oh five", "9 05"),
        ("one hundred twenty nine", "129"),
        ("a hundred and five", "105"),
        ("two thousand", "2000"),
        ("two dozen", "24"),
        ("a dozen", "12"),
        ("the twenty-first of May", "the 21st of may"),
        ("the twelfth, please", "the 12th, please"),
        ("second and third", "2nd and 3rd"),
        ("seven, eight", "7, 8"),
        ("someone phoned", "someone phoned"),
        ("", ""),
    ],
)
def test_with_digits(said: str, digits: str):
    assert with_digits(said) == digits
