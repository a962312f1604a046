"""A voice of tones that talks three times as fast as people: tests take real time."""

from __future__ import annotations

from sdr_lab.config import Settings
from sdr_lab.records import Agent
from sdr_lab.tts.tone import Tone


class QuickTone(Tone):
    """Made as settings make a class of one's own: `tests.e2e.voice:QuickTone`."""

    def __init__(self, settings: Settings, agent: Agent) -> None:
        super().__init__(name="quick_tone", syllable_ms=60, gap_ms=20)
