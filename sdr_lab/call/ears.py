"""The caller's audio on its way to the transcriber, and the words on their way back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from sdr_lab.call.inbox import Expired, Item, TranscriberFailed
from sdr_lab.call.streams import closing
from sdr_lab.errors import ProviderError
from sdr_lab.stt.base import Cue, Heard, Transcriber

log = logging.getLogger(__name__)

TRIES = 3
"""A transcriber that fails so often ends the call: nobody is listening."""


class Ears:
    """Feeds one transcriber for the length of a call and posts what it understands."""

    def __init__(self, transcriber: Transcriber, post: Callable[[Item], None]) -> None:
        self._transcriber = transcriber
        self._post = post
        self._queue: asyncio.Queue[Heard | Cue] = asyncio.Queue()

    def hear(self, item: Heard | Cue) -> None:
        """Take a frame or a cue."""
        self._queue.put_nowait(item)

    async def run(self) -> None:
        """Transcribe until cancelled; a broken connection is opened again."""
        for _ in range(TRIES):
            try:
                async with closing(self._transcriber.transcribe(self._audio())) as results:
                    async for words in results:
                        self._post(words)
                return
            except ProviderError as error:
                self._post(TranscriberFailed(error.provider, error.reason))
            except Exception as error:  # a fault in one call's transcriber must not end the call
                log.exception("transcriber %s", self._transcriber.name)
                self._post(TranscriberFailed(self._transcriber.name, repr(error)))
        self._post(Expired("error"))

    async def _audio(self) -> AsyncIterator[Heard | Cue]:
        while True:
            yield await self._queue.get()
