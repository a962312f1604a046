"""Text to speech by Deepgram's Aura.

A socket speaks one sentence at a time and is kept for the next one, since each handshake would
delay a sentence. A sentence that is broken off is cleared and its socket used again. Beyond
Deepgram's limit of flushes sentences go through the REST API, which has none.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import numpy as np

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.errors import ProviderError, SettingError
from sdr_lab.records import Sound
from sdr_lab.tts.deepgram_socket import NAME, PUBLIC_URL, AuraSettings, Gone, Service, Socket

__all__ = ["AuraSettings", "DeepgramVoice", "is_deepgrams"]

log = logging.getLogger(__name__)

KEPT_SOCKETS = 20
"""Idle sockets that are kept, for all calls that share a voice."""

_HAS_WORDS = re.compile(r"\w")


def is_deepgrams(voice: str) -> bool:
    """Whether a name is one of Deepgram's voices, such as `aura-2-thalia-en`."""
    return voice.startswith("aura-")


class DeepgramVoice:
    """Speaks with Aura. One object may serve many calls at once: a socket each."""

    name = NAME

    def __init__(
        self,
        api_key: str,
        url: str = "",
        settings: AuraSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check the key; nothing is sent yet.

        Args:
            api_key: Key of the account.
            url: `http(s)://host[:port]`; empty: the public service.
            settings: How Deepgram speaks.
            clock: Seconds, for the limit of flushes.

        Raises:
            SettingError: there is no key.
        """
        if not api_key:
            raise SettingError("DEEPGRAM_API_KEY", "", "a key of console.deepgram.com")
        self.settings = settings or AuraSettings()
        self._service = Service(api_key, (url or PUBLIC_URL).rstrip("/"), self.settings, clock)
        self._idle: list[Socket] = []
        self._strangers: set[str] = set()

    @property
    def fingerprint(self) -> str:
        """What the sound of a sentence depends on, for the cache."""
        return f"{self.settings.voice} {self.settings.encoding}"

    async def speak(self, sentence: str, voice: str = "") -> AsyncGenerator[Sound, None]:
        """Yield the sound as it comes. Closing the iterator early stops Deepgram.

        A voice of another provider is replaced by the default one.

        Raises:
            ProviderError: Deepgram could not be reached, refused, or broke off.
        """
        if not _HAS_WORDS.search(sentence):
            return
        samples = _Samples(self.settings)
        async with aclosing(self._audio(sentence, self._own(voice))) as chunks:
            async for chunk in chunks:
                if (sound := samples.push(chunk)) is not None:
                    yield sound

    async def warm_up(self, voice: str = "") -> None:
        """Open a socket, so that the first sentence need not wait for it.

        Raises:
            ProviderError: Deepgram can't be reached, or refused.
        """
        name = self._own(voice)
        socket = self._take(name) or await self._service.open(name)
        await self._keep(socket)

    async def close(self) -> None:
        """Close the sockets of the running loop that are not in use."""
        loop = asyncio.get_running_loop()
        idle, self._idle = self._idle, []
        for socket in idle:
            if socket.loop is loop:
                await socket.close()

    def _own(self, voice: str) -> str:
        if not voice or is_deepgrams(voice):
            return voice or self.settings.voice
        if voice not in self._strangers:
            self._strangers.add(voice)
            log.warning("voice %r is not Deepgram's: %s speaks", voice, self.settings.voice)
        return self.settings.voice

    async def _audio(self, sentence: str, voice: str) -> AsyncGenerator[bytes, None]:
        """Yield audio from a socket, an idle one if there is one, or by REST."""
        socket = self._take(voice)
        if socket is not None:
            if not socket.may_flush():
                await self._keep(socket)
                async with aclosing(self._service.by_rest(sentence, voice)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            got_any = False
            try:
                async with aclosing(self._spoken(socket, sentence)) as chunks:
                    async for chunk in chunks:
                        got_any = True
                        yield chunk
                return
            except Gone as gone:  # Deepgram closes idle sockets, and so do proxies
                if got_any:
                    raise ProviderError(NAME, gone.reason) from gone
        socket = await self._service.open(voice)
        try:
            async with aclosing(self._spoken(socket, sentence)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except Gone as gone:
            raise ProviderError(NAME, gone.reason) from gone

    async def _spoken(self, socket: Socket, sentence: str) -> AsyncGenerator[bytes, None]:
        """Speak over a socket, and keep it if it can be used again."""
        can_stay = False
        try:
            async with aclosing(socket.speak(sentence)) as chunks:
                async for chunk in chunks:
                    yield chunk
            can_stay = True
        except (GeneratorExit, asyncio.CancelledError):  # the listener wants no more
            can_stay = await socket.clear()
            raise
        finally:
            if can_stay:
                await self._keep(socket)
            else:
                await socket.close()

    def _take(self, voice: str) -> Socket | None:
        loop = asyncio.get_running_loop()
        self._idle = [socket for socket in self._idle if not socket.loop.is_closed()]
        for socket in reversed(self._idle):
            if socket.voice == voice and socket.loop is loop:
                self._idle.remove(socket)
                socket.wake()
                return socket
        return None

    async def _keep(self, socket: Socket) -> None:
        self._idle.append(socket)
        socket.rest()
        mine = [kept for kept in self._idle if kept.loop is socket.loop]
        if len(mine) > KEPT_SOCKETS:
            self._idle.remove(mine[0])
            await mine[0].close()


class _Samples:
    """Makes samples of the bytes of one sentence."""

    def __init__(self, settings: AuraSettings) -> None:
        self._settings = settings
        self._odd = b""

    def push(self, chunk: bytes) -> Sound | None:
        rate_hz = self._settings.rate_hz
        if self._settings.encoding == "mulaw":
            return Sound(mulaw_to_pcm(chunk), rate_hz)
        chunk = self._odd + chunk
        size = len(chunk) // 2 * 2
        self._odd = chunk[size:]
        return Sound(np.frombuffer(chunk[:size], "<i2").astype(np.int16), rate_hz) if size else None
