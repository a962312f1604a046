"""A sentence becomes µ-law: speakable text → voice → 8 kHz, with a second voice in reserve."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sdr_lab.audio.codec import pcm_to_mulaw
from sdr_lab.audio.resample import StreamResampler
from sdr_lab.call.log import HeldLog
from sdr_lab.call.playout import Speech
from sdr_lab.call.streams import closing
from sdr_lab.errors import ProviderError
from sdr_lab.events import ProviderFailed, SpeechReady
from sdr_lab.tts.base import Voice
from sdr_lab.tts.cache import CachedVoice
from sdr_lab.tts.speakable import speakable

LINE_HZ = 8000


class Unspeakable(Exception):
    """Neither the voice nor its reserve could speak."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """The voice of a call."""

    voice: Voice
    voice_name: str = ""
    """A voice of the provider; empty: its default."""
    reserve: Voice | None = None
    """Speaks when `voice` fails."""

    async def speak(self, turn: int, index: int, text: str, log: HeldLog) -> AsyncIterator[Speech]:
        """Yield the sound of a sentence; its last piece may be empty.

        Raises:
            Unspeakable: no voice could speak it.
        """
        spoken = speakable(text)
        voices = [(self.voice, self.voice_name), *([(self.reserve, "")] if self.reserve else [])]
        for voice, name in voices:
            got_any = False
            try:
                async with closing(_sound(voice, spoken, name)) as pieces:
                    async for mulaw, cached in pieces:
                        if not got_any:
                            log.add(SpeechReady, turn=turn, index=index, cached=cached)
                            got_any = True
                        yield Speech(turn, index, text, mulaw, False, cached)
                yield Speech(turn, index, text, b"", True)
                return
            except ProviderError as error:
                log.add(ProviderFailed, stage="tts", provider=error.provider, error=error.reason)
                if got_any:  # a torn sentence is not begun again
                    yield Speech(turn, index, text, b"", True)
                    return
        raise Unspeakable(f"no voice could say {text!r}")


async def _sound(voice: Voice, spoken: str, name: str) -> AsyncIterator[tuple[bytes, bool]]:
    cached = isinstance(voice, CachedVoice) and voice.is_cached(spoken, name)
    resampler: StreamResampler | None = None
    async with closing(voice.speak(spoken, name)) as sounds:
        async for sound in sounds:
            if sound.rate_hz == LINE_HZ:
                yield pcm_to_mulaw(sound.pcm), cached
                continue
            resampler = resampler or StreamResampler(sound.rate_hz, LINE_HZ)
            yield pcm_to_mulaw(resampler.push(sound.pcm)), cached
    if resampler is not None:
        import numpy as np

        yield pcm_to_mulaw(resampler.push(np.zeros(0, np.int16), last=True)), cached
