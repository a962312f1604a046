"""What was heard, measured against words synthesised one by one at known offsets.

A word counts as heard when more than half of it was played. The bar: at most one word of error
in nine cuts out of ten.
"""

from __future__ import annotations

import asyncio
import random

import numpy as np
import pytest

from sdr_lab.audio.resample import to_mulaw
from sdr_lab.call.heard import words_heard
from sdr_lab.tts.base import Voice
from sdr_lab.tts.speakable import speakable
from sdr_lab.tts.tone import Tone

SENTENCES = [
    "Growth is $129 a month for up to 15 technicians, and you can cancel any time.",
    "Yes, Maplewood Dispatch works with QuickBooks Online, Google Calendar and Zapier.",
    "Setup takes about two days, and importing your customers from spreadsheets is free.",
    "I do not have that in front of me, but a colleague can call you back tomorrow.",
    "You are booked for Tuesday, December 1st at 10:30 AM.",
    "Phone and chat support is there from 7 AM to 7 PM Central on weekdays.",
    "No, a credit card is not needed for the fourteen day trial.",
    "Customers report twenty five percent fewer missed appointments in the first year.",
]
CUTS = 12


def spoken_words(voice: Voice, sentence: str, gap_ms: int) -> tuple[bytes, list[tuple[int, int]]]:
    """Return a sentence as µ-law, word by word, and where each word lies (ms)."""

    async def say(word: str) -> bytes:
        return b"".join([to_mulaw(sound) async for sound in voice.speak(speakable(word))])

    async def say_all() -> list[bytes]:
        return [await say(word) for word in sentence.split()]

    sound, places = bytearray(), []
    for word, mulaw in zip(sentence.split(), asyncio.run(say_all()), strict=True):
        places.append((len(sound) // 8, (len(sound) + len(mulaw)) // 8))
        sound += mulaw + b"\xff" * (8 * (gap_ms * 4 if word[-1] in ",;" else gap_ms))
    return bytes(sound), places


def errors(voice: Voice, gap_ms: int) -> list[int]:
    """Return the error in words of cuts at random moments."""
    random_ = random.Random(7)
    found = []
    for sentence in SENTENCES:
        mulaw, places = spoken_words(voice, sentence, gap_ms)
        for _ in range(CUTS):
            cut_ms = random_.uniform(0, len(mulaw) / 8)
            truth = sum(cut_ms > (start + end) / 2 for start, end in places)
            found.append(abs(len(words_heard(sentence, mulaw, cut_ms).split()) - truth))
    return found


def test_within_one_word_with_tones():
    assert np.percentile(errors(Tone(), 20), 90) <= 1


@pytest.mark.models
@pytest.mark.parametrize("gap_ms", [0, 40])
def test_within_one_word_with_a_real_voice(gap_ms: int):
    from sdr_lab.tts.piper import Piper

    assert np.percentile(errors(Piper(deterministic=True), gap_ms), 90) <= 1


def test_the_ends_are_exact():
    sentence = SENTENCES[0]
    mulaw, _ = spoken_words(Tone(), sentence, 20)
    assert words_heard(sentence, mulaw, 0) == ""
    assert words_heard(sentence, mulaw, len(mulaw) / 8) == sentence
    assert words_heard("", mulaw, 500) == ""
    assert words_heard(sentence, b"", 500) == ""


def test_silence_before_the_first_word_is_not_a_word():
    mulaw, _ = spoken_words(Tone(), "Hello there my friend", 20)
    assert words_heard("Hello there my friend", b"\xff" * 8000 + mulaw, 900) == ""
