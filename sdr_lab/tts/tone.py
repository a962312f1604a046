"""A voice of tones: no weights, no randomness, and one knows when each word sounds."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdr_lab.records import Sound
from sdr_lab.tts.speakable import spoken_weight

_HAS_WORDS = re.compile(r"\w")
_LOWEST_HZ = 300
_PITCHES = 12
_PEAK = 4634
"""RMS 3277: -20 dBFS, the level of the other voices."""
_FADE_MS = 4


@dataclass
class Tone:
    """Plays one tone a word, as long as the word would take to say.

    Each word is one piece of sound, so that one can stop after any of them.
    """

    name: str = "tone"
    syllable_ms: int = 180
    """Length of a word of weight 1."""
    gap_ms: int = 40
    """Silence behind every word; it belongs to the word."""
    delay_ms: int = 0
    """Wait before the first sound of a sentence, as a real voice makes one wait."""
    rate_hz: int = 8000

    @property
    def fingerprint(self) -> str:
        """What the sound of a sentence depends on, for the cache."""
        return f"{self.syllable_ms} {self.gap_ms} {self.rate_hz}"

    def word_times(self, sentence: str) -> list[tuple[str, int, int]]:
        """Return each word with its start and end in ms from the start of the sentence.

        The words are those that spaces separate; together they fill the whole sound.
        """
        times: list[tuple[str, int, int]] = []
        start = 0
        for word in sentence.split():
            end = start + round(spoken_weight(word) * self.syllable_ms)
            end += self.gap_ms if end > start else 0
            times.append((word, start, end))
            start = end
        return times

    async def speak(self, sentence: str, voice: str = "") -> AsyncIterator[Sound]:
        """Yield one tone after the other. `voice` is a number that shifts the pitch."""
        if not _HAS_WORDS.search(sentence):
            return
        if self.delay_ms:
            await asyncio.sleep(self.delay_ms / 1000)
        shift = int(voice) if voice.isdecimal() else 0
        for index, (_, start, end) in enumerate(self.word_times(sentence)):
            if end > start:
                yield Sound(self._burst(end - start, index + shift), self.rate_hz)

    def _burst(self, length_ms: int, pitch: int) -> NDArray[np.int16]:
        per_ms = self.rate_hz / 1000
        length, sounding = round(length_ms * per_ms), round((length_ms - self.gap_ms) * per_ms)
        hz = _LOWEST_HZ * 2 ** (pitch % _PITCHES / _PITCHES)
        tone = np.sin(2 * np.pi * hz * np.arange(sounding) / self.rate_hz) * _PEAK
        fade = np.linspace(0, 1, min(round(_FADE_MS * per_ms), sounding // 2), endpoint=False)
        tone[: len(fade)] *= fade
        tone[sounding - len(fade) :] *= fade[::-1]
        return np.pad(tone, (0, length - sounding)).astype(np.int16)
