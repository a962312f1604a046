"""Text to speech: the protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from sdr_lab.records import Sound


class Voice(Protocol):
    """Speaks sentences. One object may serve many calls at once."""

    name: str

    def speak(self, sentence: str, voice: str = "") -> AsyncIterator[Sound]:
        """Yield the sound of one sentence, in order, in pieces of any length and any rate.

        Args:
            sentence: Speakable text (no markdown, symbols already spelled out).
            voice: A voice of this provider; empty: its default.

        Raises:
            ProviderError: the service failed. Nothing is yielded for text without words.
        """
        ...
