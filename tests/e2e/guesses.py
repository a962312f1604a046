"""Ears that guess: how long somebody spoke says what he said, late and in the middle of frames.

On a line with noise, echo and loss nothing sounds as in a phrase book. What is understood is no
matter here; when it comes is. Settings name them as `tests.e2e.guesses:Guesses`.
"""

from __future__ import annotations

import asyncio
import random

from sdr_lab.audio.energy import frame_energies
from sdr_lab.config import Settings
from sdr_lab.records import FRAME_MS, Agent
from sdr_lab.stt.utterances import Recognised, Utterances

LOUD = 500
TEXTS = (
    (160, ""),
    (500, "Mm-hmm."),
    (800, "Wait, stop."),
    (1300, "What does it cost?"),
    (60_000, "And what is it that you do all day?"),
)
"""Up to so much loud sound (ms): these words."""
INTERIM_MS = 240
SLOWEST_S = 0.25


class Guesser:
    """Counts loud frames."""

    name = "guesser"

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)

    async def warm_up(self) -> None:
        """There is nothing to load."""

    async def recognise(self, mulaw: bytes) -> Recognised:
        """Turn 8 kHz µ-law into text, after a while."""
        loud_ms = int((frame_energies(mulaw) > LOUD).sum()) * FRAME_MS
        await asyncio.sleep(self._chance.uniform(0, SLOWEST_S))
        text = next((text for most_ms, text in TEXTS if loud_ms <= most_ms), TEXTS[-1][1])
        return Recognised(text, 0.5 if text else 0.0)


class Guesses(Utterances):
    """Made as settings make a class of one's own."""

    def __init__(self, settings: Settings, agent: Agent) -> None:
        super().__init__(Guesser(agent.name), interim_ms=INTERIM_MS)
