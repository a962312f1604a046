"""Providers that cost nothing and answer at once: what is measured with them is the server alone.

Settings name them as classes of one's own:

    STT_PROVIDER=sdr_lab.simulate.instant:InstantTranscriber
    LLM_PROVIDER=sdr_lab.simulate.instant:InstantModel
    TTS_PROVIDER=sdr_lab.simulate.instant:InstantVoice
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import cache
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.config import Settings
from sdr_lab.llm.scripted import word_pieces
from sdr_lab.records import FRAME_MS, Agent, Prompt, Sound, Words
from sdr_lab.simulate.caller import speech_like
from sdr_lab.stt.base import Cue, Heard
from sdr_lab.tts.speakable import spoken_weight

QUESTIONS = (
    "How much does it cost for a team of ten?",
    "Which calendars does it work with?",
    "Can my technicians use it on their phones?",
    "How long does it take to set up?",
)
"""What every caller is understood to say, in turn."""

ANSWERS = (
    "That depends on the size of the crew. Most shops our size pay about fifty dollars a month, "
    "and that includes updates and help by telephone.",
    "It does, and nothing has to be moved by hand. We bring your customers over in one evening, "
    "and the next morning everybody finds his jobs in the new list.",
    "Usually within two days. A colleague sits down with you for an hour, goes through your "
    "price book, and after that the rest runs by itself.",
)
"""What the agent says to that: eight to ten seconds of speech."""

SYLLABLE_MS = 180
"""Length of a word of weight 1."""

LONGEST_S = 20
RATE_HZ = 8000


class InstantTranscriber:
    """Understands a question in whatever was voiced, as soon as it is asked for a result."""

    name = "instant"

    def __init__(self, settings: Settings, agent: Agent) -> None:
        self._questions = cycle(QUESTIONS)

    async def transcribe(self, audio: AsyncIterator[Heard | Cue]) -> AsyncIterator[Words]:
        """Yield words while audio comes in; see `Transcriber`."""
        now_ms, since_ms, text = 0, None, ""
        async for item in audio:
            if isinstance(item, Heard):
                now_ms = item.at_ms + FRAME_MS
            elif item is Cue.STARTED and since_ms is None:
                since_ms, text = now_ms, next(self._questions)
            elif item is Cue.DROP:
                since_ms, text = None, ""
            elif item in (Cue.PAUSED, Cue.FINISH):
                is_final = item is Cue.FINISH
                start_ms = now_ms if since_ms is None else since_ms
                yield Words(text, is_final, start_ms, now_ms)
                if is_final:
                    since_ms, text = None, ""


class InstantModel:
    """Answers every question, word by word, without looking at it."""

    name = "instant"

    def __init__(self, settings: Settings, agent: Agent) -> None:
        self._answers = cycle(ANSWERS)

    async def reply(self, prompt: Prompt) -> AsyncIterator[str]:
        """Yield the pieces of an answer; see `LanguageModel`."""
        for piece in word_pieces(next(self._answers)):
            await asyncio.sleep(0)  # a real model always lets the loop run before it yields
            yield piece

    async def warm_up(self, prompt: Prompt) -> None:
        """There is nothing to load."""


class InstantVoice:
    """Says a sentence in noise with the level and rhythm of speech, all of it at once."""

    name = "instant"

    def __init__(self, settings: Settings, agent: Agent) -> None:
        self._sound = _sound()

    async def speak(self, sentence: str, voice: str = "") -> AsyncIterator[Sound]:
        """Yield the sound of a sentence; see `Voice`."""
        weight = sum(spoken_weight(word) for word in sentence.split())
        samples = min(round(weight * SYLLABLE_MS), LONGEST_S * 1000) * RATE_HZ // 1000
        await asyncio.sleep(0)  # as above
        if samples:
            yield Sound(self._sound[:samples], RATE_HZ)


@cache
def _sound() -> NDArray[np.int16]:
    return mulaw_to_pcm(speech_like(LONGEST_S))
