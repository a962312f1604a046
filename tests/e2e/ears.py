"""Ears without weights: they understand the sounds of a phrase book, as they come off the wire.

Unlike a script they hear what really arrived: a frame that was lost, doubled or cut into the
wrong pieces is a word that nobody understood. Settings name them as `tests.e2e.ears:Ears`, in
this process and in others.
"""

from __future__ import annotations

import zlib
from functools import cache

from sdr_lab.audio.frame import cut_frames
from sdr_lab.config import Settings
from sdr_lab.records import Agent
from sdr_lab.simulate.caller import speech_like
from sdr_lab.stt.utterances import Recognised, Utterances

PHRASES = (
    "What does it cost?",
    "Please book me a demo for Tuesday at ten.",
    "No thanks, goodbye.",
    "Goodbye.",
    "Hello, who is this?",
    "Connect me to sales please.",
    "Please leave a message after the tone.",
    "I am just thinking about it.",
)
"""All that callers say in these tests."""

WORD_S = 0.14
"""Fast talkers: tests take real time."""

SHORTEST_S = 0.5


@cache
def sound_of(phrase: str) -> bytes:
    """Return how a phrase sounds: noise with the rhythm of speech, its own for each phrase."""
    assert phrase in PHRASES, f"not in the phrase book: {phrase!r}"
    seconds = max(SHORTEST_S, WORD_S * len(phrase.split()))
    return speech_like(seconds, zlib.crc32(phrase.encode()))


@cache
def _book() -> dict[bytes, tuple[str, int]]:
    """Return what each frame is a part of: phrase and place of the word in it."""
    found: dict[bytes, tuple[str, int]] = {}
    for phrase in PHRASES:
        frames, count = cut_frames(sound_of(phrase)), len(phrase.split())
        for place, frame in enumerate(frames):
            found[frame] = (phrase, place * count // len(frames))
    return found


class PhraseBook:
    """Recognises words of which half was heard, in the order in which they came."""

    name = "phrase_book"

    async def warm_up(self) -> None:
        """Make the sounds."""
        _book()

    async def recognise(self, mulaw: bytes) -> Recognised:
        """Turn 8 kHz µ-law, cut as it was spoken, into text."""
        heard: dict[tuple[str, int], int] = {}
        for at in range(0, len(mulaw), 160):
            part = _book().get(mulaw[at : at + 160])
            if part is not None:
                heard[part] = heard.get(part, 0) + 1
        words = [
            phrase.split()[word]
            for (phrase, word), frames in heard.items()
            if frames >= _length(phrase, word) / 2
        ]
        return Recognised(" ".join(words), 0.9 if words else 0.0)


class Ears(Utterances):
    """The phrase book as a transcriber; made as settings make a class of one's own."""

    def __init__(self, settings: Settings, agent: Agent) -> None:
        super().__init__(PhraseBook())


@cache
def _length(phrase: str, word: int) -> int:
    return sum(part == (phrase, word) for part in _book().values())
