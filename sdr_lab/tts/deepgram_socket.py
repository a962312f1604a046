"""Sockets and requests to Deepgram's text to speech: the file that touches the SDK.

Source: https://developers.deepgram.com/docs/tts-websocket and deepgram-sdk 7.

Surprises: the SDK makes a `Cleared` message an object of class `SpeakV1Flushed`, so only `.type`
counts; a refused handshake is `ApiError` with a fixed text (Deepgram's own reason is lost), an
unreachable host a bare `OSError`; over REST the default is a WAV file, whose header is a click.
"""

from __future__ import annotations

import asyncio
import logging
import textwrap
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from sdr_lab.errors import ProviderError

if TYPE_CHECKING:
    from deepgram import AsyncDeepgramClient
    from deepgram.speak.v1.socket_client import AsyncV1SocketClient

log = logging.getLogger(__name__)

NAME = "deepgram"
PUBLIC_URL = "https://api.deepgram.com"
DEFAULT_VOICE = "aura-2-thalia-en"

CONNECT_S = 5.0
CLOSE_S = 0.5
FLUSHES, FLUSH_WINDOW_S = 18, 60.0
"""Deepgram ignores more than 20."""
MAX_CHARS = 1800
"""Deepgram takes 2000 characters per message."""

_clients: dict[tuple[asyncio.AbstractEventLoop, str, str], AsyncDeepgramClient] = {}


class Gone(Exception):
    """A socket is of no use any more."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = " ".join(reason.split())


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what. Seconds."""

    first_s: float = 6.0
    """For the first sound of a sentence."""
    next_s: float = 4.0
    """For each further piece."""
    cleared_s: float = 2.0
    """For `Cleared`; then the socket is given up."""
    idle_s: float = 60.0
    """An unused socket is dropped then: each counts against the project's limit, and a call may
    end without a word to its voice."""


@dataclass(frozen=True, slots=True)
class AuraSettings:
    """How Deepgram speaks."""

    voice: str = DEFAULT_VOICE
    encoding: Literal["linear16", "mulaw"] = "mulaw"
    """`mulaw`: 8 kHz, the phone's own bytes, which decoding and encoding again leave as they are;
    `linear16`: 16 kHz, resampled here."""
    patience: Patience = field(default_factory=Patience)

    @property
    def rate_hz(self) -> int:
        return 8000 if self.encoding == "mulaw" else 16_000


@dataclass(frozen=True, slots=True)
class Service:
    """Where Deepgram is, who asks, and for what kind of sound."""

    api_key: str
    url: str
    settings: AuraSettings
    clock: Callable[[], float]

    async def open(self, voice: str) -> Socket:
        """Open a socket.

        Raises:
            ProviderError: it can't be opened; the message says what to do.
        """
        try:
            client = await _client(self.api_key, self.url)
            connecting = client.speak.v1.connect(
                model=voice,
                encoding=self.settings.encoding,
                sample_rate=self.settings.rate_hz,
            )
            async with asyncio.timeout(CONNECT_S):
                vendor = await connecting.__aenter__()
        except Exception as error:
            raise ProviderError(NAME, self._refused(error, voice)) from error
        # the SDK has no public way; a loop that ends with idle sockets would wait 10 s for each
        vendor._websocket.close_timeout = CLOSE_S / 2
        return Socket(voice, connecting, vendor, self.settings.patience, self.clock)

    async def by_rest(self, sentence: str, voice: str) -> AsyncGenerator[bytes, None]:
        """Yield the audio of one request.

        Raises:
            ProviderError: it failed.
        """
        try:
            client = await _client(self.api_key, self.url)
            for part in _parts(sentence):
                stream = client.speak.v1.audio.generate(
                    text=part,
                    model=voice,
                    encoding=self.settings.encoding,
                    sample_rate=self.settings.rate_hz,
                    container="none",
                    request_options={"timeout_in_seconds": 10, "max_retries": 0},
                )
                async with aclosing(stream):  # pyright: ignore[reportArgumentType]  # a generator
                    async for chunk in stream:
                        yield chunk
        except Exception as error:
            raise ProviderError(NAME, self._refused(error, voice)) from error

    def _refused(self, error: Exception, voice: str) -> str:
        host = urlsplit(self.url).netloc
        status = getattr(error, "status_code", None)
        if status is not None:
            return _refusal(status, voice)
        if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
            return f"no answer from {host} in time"
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        why = " ".join(str(why).split())
        return f"{host} can't be reached ({why}): check the network and DEEPGRAM_URL"


class Socket:
    """One connection. Speaks one sentence at a time."""

    def __init__(
        self,
        voice: str,
        connecting: AbstractAsyncContextManager[AsyncV1SocketClient],
        vendor: AsyncV1SocketClient,
        patience: Patience,
        clock: Callable[[], float],
    ) -> None:
        self.voice = voice
        self.loop = asyncio.get_running_loop()
        self._connecting = connecting
        self._vendor = vendor
        self._patience = patience
        self._clock = clock
        self._flushes: deque[float] = deque(maxlen=FLUSHES)
        self._to_clear = 0
        self._timer: asyncio.TimerHandle | None = None

    def may_flush(self) -> bool:
        """Whether one more sentence is within Deepgram's limit."""
        full = len(self._flushes) == FLUSHES
        return not full or self._clock() - self._flushes[0] > FLUSH_WINDOW_S

    def rest(self) -> None:
        """Not in use: drop the connection when that lasts too long."""
        self._timer = asyncio.get_running_loop().call_later(self._patience.idle_s, self._abort)

    def wake(self) -> None:
        """In use again."""
        if self._timer is not None:
            self._timer.cancel()

    async def speak(self, sentence: str) -> AsyncGenerator[bytes, None]:
        """Yield the audio of a sentence.

        Raises:
            Gone: the connection broke, or nothing came.
        """
        from deepgram.speak.v1.types.speak_v1text import SpeakV1Text

        try:
            for part in _parts(sentence):
                await self._vendor.send_text(SpeakV1Text(text=part))
            self._flushes.append(self._clock())
            await self._vendor.send_flush()
        except Exception as error:
            raise Gone(_why(error)) from error
        wait_s = self._patience.first_s
        while (chunk := await self._next(wait_s)) is not None:
            if chunk:
                yield chunk
                wait_s = self._patience.next_s

    async def _next(self, wait_s: float) -> bytes | None:
        """Return the next audio of this sentence, perhaps empty; None after the last."""
        wait_s = self._patience.cleared_s if self._to_clear else wait_s
        try:
            async with asyncio.timeout(wait_s):
                message = await self._vendor.recv()
        except TimeoutError:
            raise Gone(f"nothing came for {wait_s:g} s") from None
        except ValueError:  # not JSON
            log.warning("deepgram: a message that can't be read")
            return b""
        except Exception as error:
            raise Gone(_why(error)) from error
        if isinstance(message, bytes):
            return b"" if self._to_clear else message
        match getattr(message, "type", ""):
            case "Cleared":
                self._to_clear = max(0, self._to_clear - 1)
            case "Flushed" if not self._to_clear:
                return None
            case "Warning" | "Error":
                self._warned(message)
        return b""

    def _warned(self, message: Any) -> None:
        text = f"{getattr(message, 'code', '')}: {getattr(message, 'description', '')}"
        log.warning("deepgram: %s", text)
        if "flush" in text.lower() or message.type == "Error":
            raise Gone(f"Deepgram says {text}")

    async def clear(self) -> bool:
        """Break the sentence off; what still comes of it is dropped. False: of no use any more."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._vendor.send_clear()
        except Exception:
            return False
        self._to_clear += 1
        return True

    async def close(self) -> None:
        """Close, without waiting long for a peer that is gone."""
        self.wake()
        try:
            async with asyncio.timeout(CLOSE_S):
                with suppress(Exception):
                    await self._vendor.send_close()
                await self._connecting.__aexit__(None, None, None)
        except Exception:
            self._abort()

    def _abort(self) -> None:
        transport = self._vendor._websocket.transport  # the SDK has no public way
        if transport is not None:
            transport.abort()


async def _client(api_key: str, url: str) -> AsyncDeepgramClient:
    """Return the client of an account: one per loop, since its REST connections belong to it."""
    loop = asyncio.get_running_loop()
    key = (loop, api_key, url)
    if key not in _clients:
        for old in [old for old in _clients if old[0].is_closed()]:
            del _clients[old]
        # in a thread: the first time it imports the SDK, 0.3 s
        client = await asyncio.to_thread(_new_client, api_key, url)
        _clients.setdefault(key, client)
    return _clients[key]


def _new_client(api_key: str, url: str) -> AsyncDeepgramClient:
    from deepgram import AsyncDeepgramClient
    from deepgram.environment import DeepgramClientEnvironment

    sockets = url.replace("http", "ws", 1)
    environment = DeepgramClientEnvironment(
        base=url, production=sockets, agent=sockets, agent_rest=url
    )
    client = AsyncDeepgramClient(api_key=api_key, environment=environment)
    _ = client.speak.v1.audio  # imported on first use
    return client


def _parts(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, MAX_CHARS, break_on_hyphens=False)


def _why(error: Exception) -> str:
    received = getattr(error, "rcvd", None)
    if received is not None:
        return f"Deepgram closed the connection ({received.code} {received.reason})"
    return f"the connection to Deepgram broke ({error or type(error).__name__})"


def _refusal(status: int, voice: str) -> str:
    return {
        400: f"voice {voice!r} was refused (400): check DEEPGRAM_VOICE and the agent's voice",
        401: "the key was refused (401): check DEEPGRAM_API_KEY",
        402: "the account has no credit left (402): top it up at console.deepgram.com",
        403: f"the key may not use {voice!r} (403): check the project's plan and the key's scopes",
        404: "nothing answers there (404): check DEEPGRAM_URL",
        429: "too many requests at once (429): the project's limit is reached, wait or raise it",
    }.get(status, f"Deepgram answered {status}: it has trouble, see status.deepgram.com")
