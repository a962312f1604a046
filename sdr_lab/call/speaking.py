"""A sentence becomes µ-law: speakable text → voice → 8 kHz, with a second voice in reserve."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np

from sdr_lab.audio.codec import pcm_to_mulaw
from sdr_lab.audio.resample import StreamResampler
from sdr_lab.call.log import HeldLog
from sdr_lab.call.playout import Speech
from sdr_lab.call.streams import closing
from sdr_lab.errors import ProviderError
from sdr_lab.events import ProviderFailed, SpeechReady
from sdr_lab.records import Sound
from sdr_lab.tts.base import Voice
from sdr_lab.tts.cache import CachedVoice
from sdr_lab.tts.speakable import speakable

log = logging.getLogger(__name__)

LINE_HZ = 8000
NO_SAMPLES = np.zeros(0, np.int16)

SOUND_WAIT_S = 15
"""A voice from which nothing has come for so long has hung. The first sentence may load a model."""

REST_S = 30.0
"""A voice that has failed is left alone for so long, if there is a reserve: every sentence would
wait for it again, and two voices that take turns are worse than one."""


class Unspeakable(Exception):
    """Neither the voice nor its reserve could speak."""


@dataclass(slots=True)
class Speaking:
    """The voice of a call."""

    voice: Voice
    voice_name: str = ""
    """A voice of the provider; empty: its default."""
    reserve: Voice | None = None
    """Speaks when `voice` fails."""
    _rests_until_s: float = 0.0
    """Until when the reserve is asked first, loop time."""

    async def speak(
        self, turn: int, index: int, text: str, events: HeldLog
    ) -> AsyncIterator[Speech]:
        """Yield the sound of a sentence; its last piece may be empty.

        Raises:
            Unspeakable: no voice could speak it.
        """
        spoken = speakable(text)
        for voice, name in self._voices():
            got_any = is_torn = False
            try:
                async with closing(_sound(voice, spoken, name)) as pieces:
                    async for mulaw, cached in pieces:
                        if not got_any:
                            events.add(SpeechReady, turn=turn, index=index, cached=cached)
                            got_any = True
                        yield Speech(turn, index, text, mulaw, False, cached)
                if not got_any:
                    raise ProviderError(voice.name, f"no sound came for {spoken!r}")
            except Exception as error:  # a fault in a voice must not end the call
                provider, reason = _fault(voice, error)
                events.add(ProviderFailed, stage="tts", provider=provider, error=reason)
                is_torn = True
                if voice is self.voice:
                    self._rests_until_s = asyncio.get_running_loop().time() + REST_S
            if got_any:  # a torn sentence is not begun again
                yield Speech(turn, index, text, b"", True, is_torn=is_torn)
                return
        raise Unspeakable(f"no voice could say {text!r}")

    def _voices(self) -> list[tuple[Voice, str]]:
        """Return who may speak, in the order in which they are asked."""
        first = (self.voice, self.voice_name)
        if self.reserve is None:
            return [first]
        is_resting = asyncio.get_running_loop().time() < self._rests_until_s
        return [(self.reserve, ""), first] if is_resting else [first, (self.reserve, "")]


def _fault(voice: Voice, error: Exception) -> tuple[str, str]:
    if isinstance(error, ProviderError):
        return error.provider, error.reason
    if isinstance(error, TimeoutError):
        return voice.name, f"nothing came for {SOUND_WAIT_S} s"
    log.error("voice %s", voice.name, exc_info=error)
    return voice.name, repr(error)


async def _sound(voice: Voice, spoken: str, name: str) -> AsyncIterator[tuple[bytes, bool]]:
    """Yield 8 kHz µ-law, no piece empty, and whether it comes from the cache."""
    cached = isinstance(voice, CachedVoice) and voice.is_cached(spoken, name)
    resampler: StreamResampler | None = None
    async with closing(voice.speak(spoken, name)) as sounds:
        while (sound := await _next(sounds)) is not None:
            pcm = sound.pcm
            if sound.rate_hz != LINE_HZ:
                resampler = resampler or StreamResampler(sound.rate_hz, LINE_HZ)
                pcm = resampler.push(pcm)
            if len(pcm):
                yield pcm_to_mulaw(pcm), cached
    if resampler is not None and len(pcm := resampler.push(NO_SAMPLES, last=True)):
        yield pcm_to_mulaw(pcm), cached


async def _next(sounds: AsyncIterator[Sound]) -> Sound | None:
    """Return the next piece, None at the end.

    Raises:
        TimeoutError: it did not come.
    """
    async with asyncio.timeout(SOUND_WAIT_S):
        return await anext(sounds, None)
