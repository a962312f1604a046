"""The caller's audio on its way to the transcriber, and the words on their way back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from sdr_lab.call.inbox import Expired, Item, TranscriberFailed
from sdr_lab.call.streams import closing
from sdr_lab.errors import ProviderError
from sdr_lab.records import FRAME_MS, TurnSignal
from sdr_lab.stt.base import Cue, Heard, Transcriber

log = logging.getLogger(__name__)

TRIES = 3
"""A transcriber that fails so often, without a word in between, ends the call: nobody listens."""

RETRY_S = 0.5
"""Wait before the second attempt, twice as long before the third."""

LONGEST_MS = 60_000
"""Audio kept for a transcriber that does not take it; then the oldest is lost."""


class Ears:
    """Feeds one transcriber for the length of a call and posts what it understands."""

    def __init__(self, transcriber: Transcriber, post: Callable[[Item], None]) -> None:
        self._transcriber = transcriber
        self._post = post
        self._queue: asyncio.Queue[Heard | Cue] = asyncio.Queue()

    def hear(self, item: Heard | Cue) -> None:
        """Take a frame or a cue."""
        if self._queue.qsize() > LONGEST_MS // FRAME_MS:
            self._queue.get_nowait()
        self._queue.put_nowait(item)

    async def run(self) -> None:
        """Transcribe until cancelled; a transcriber that breaks off is asked again."""
        failures = 0
        while failures < TRIES:
            await asyncio.sleep(failures * RETRY_S)
            name, reason = self._transcriber.name, "ended in the middle of the call"
            try:
                async with closing(self._transcriber.transcribe(self._audio())) as results:
                    async for result in results:
                        if isinstance(result, TurnSignal) or result.text:
                            failures = 0
                        self._post(result)
            except ProviderError as error:
                name, reason = error.provider, error.reason
            except Exception as error:  # a fault in one call's transcriber must not end the call
                log.exception("transcriber %s", self._transcriber.name)
                reason = repr(error)
            failures += 1
            self._post(TranscriberFailed(name, reason))
        self._post(Expired("error"))

    async def _audio(self) -> AsyncIterator[Heard | Cue]:
        while True:
            yield await self._queue.get()
