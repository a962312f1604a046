"""Time-outs against a dead line or a dead model. They run on the loop's clock, since audio time
stands still when the audio does, and enter the session as inputs like all others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sdr_lab.call.inbox import Expired, Item, Tick
from sdr_lab.records import FRAME_MS, CallSettings

LOOK_EVERY_S = 0.1
"""Half of what is sent ahead: a stalled line does not run dry between two looks."""


class Guards:
    """Watches one call."""

    def __init__(self, settings: CallSettings, post: Callable[[Item], None]) -> None:
        self._settings = settings
        self._post = post
        self._frame_s = 0.0
        self._frame_end_ms = 0
        self._until_s: float | None = None

    def heard(self, end_ms: int) -> None:
        """A frame that ends at `end_ms` has come in."""
        self._frame_s = asyncio.get_running_loop().time()
        self._frame_end_ms = end_ms

    def end_within(self, seconds: float) -> None:
        """Post `Expired("overdue")` when the call is not over by then."""
        self._until_s = asyncio.get_running_loop().time() + seconds

    async def watch(self) -> None:
        """Post `Tick` while frames are late, `Expired` when something has taken too long."""
        loop = asyncio.get_running_loop()
        begun_s = self._frame_s = loop.time()
        is_stalled = is_long = False
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            late_s = loop.time() - self._frame_s
            if late_s > 3 * FRAME_MS / 1000:
                late_ms = int(late_s * 1000) // FRAME_MS * FRAME_MS
                self._post(Tick(self._frame_end_ms + late_ms))
            if late_s > self._settings.stall_timeout_s and not is_stalled:
                is_stalled = True
                self._post(Expired("stalled"))
            if loop.time() - begun_s > self._settings.max_call_s and not is_long:
                is_long = True
                self._post(Expired("max_length"))
            if self._until_s is not None and loop.time() > self._until_s:
                self._until_s = None
                self._post(Expired("overdue"))
