from __future__ import annotations

import pytest

from sdr_lab.records import EndpointSettings
from sdr_lab.turns.endpoint import pause_needed

SMART = EndpointSettings()  # 800 ms; complete × 0.6 = 480, trailing × 1.6 = 1280


@pytest.mark.parametrize(
    ("text", "asked", "expected"),
    [
        ("", False, (800, "plain")),
        ("How much does it cost?", False, (480, "complete")),
        ("We already use spreadsheets.", False, (480, "complete")),
        ("Yes.", True, (480, "short_answer")),
        ("no thanks", True, (480, "short_answer")),
        ("Yes.", False, (800, "plain")),
        ("Okay", False, (800, "plain")),
        ("we are a team of ten", False, (800, "plain")),
        ("We have ten technicians and", False, (1280, "trailing")),
        ("We have ten technicians and.", False, (1280, "trailing")),
        ("So I was thinking, um", False, (1280, "trailing")),
        ("Well, the thing is,", False, (1280, "trailing")),
        ("I wanted to ask about the...", False, (1280, "trailing")),
        ("My number is 415 555", False, (1280, "trailing")),
        ("It's four one five five", False, (1280, "trailing")),
        ("My number is 415 555 0137.", False, (480, "complete")),
        ("We have 12.", False, (480, "complete")),
        ("What is that about?", False, (480, "complete")),
    ],
)
def test_pause(text: str, asked: bool, expected: tuple[int, str]):
    assert tuple(pause_needed(text, asked, SMART)) == expected


def test_fixed_mode_never_looks_at_the_words():
    fixed = EndpointSettings(mode="fixed", silence_ms=700)
    for text in ("", "How much is it?", "and", "yes"):
        assert tuple(pause_needed(text, True, fixed)) == (700, "fixed")


def test_never_below_the_least():
    quick = EndpointSettings(silence_ms=400, complete_factor=0.1)
    assert pause_needed("How much is it?", False, quick).ms == quick.min_ms
