"""A telephone line made of code: a handset, in the time of the loop (so a virtual clock does)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from sdr_lab.call.line import Digit, Frame, Mark
from sdr_lab.records import FRAME_MS
from sdr_lab.simulate.caller import Caller, CallerRun
from sdr_lab.simulate.condition import Condition
from sdr_lab.simulate.handset import Clear, Handset

__all__ = ["Clear", "SimulatedLine"]


class SimulatedLine:
    """The caller's end of a call, for one call."""

    kind = "simulated"

    def __init__(
        self, caller: Caller, condition: Condition | None = None, *, keeps_sound: bool = True
    ) -> None:
        self.transferred_to = ""
        self._handset = Handset(
            caller, condition, keeps_sound=keeps_sound, waits_for_whole_frames=True
        )
        self._is_over = False

    @property
    def caller(self) -> CallerRun:
        """Who is on the line."""
        return self._handset.caller

    @property
    def clears(self) -> list[Clear]:
        """Each `clear` that came."""
        return self._handset.clears

    @property
    def played(self) -> bytearray:
        """What the caller really heard, from the start of the stream; silence where nothing."""
        return self._handset.heard

    async def frames(self) -> AsyncIterator[Frame | Mark | Digit]:
        """Yield a frame every 20 ms of the loop's time, and marks and keys as they fall due."""
        loop = asyncio.get_running_loop()
        handset = self._handset
        start_s = loop.time()
        while not self._is_over:
            due_s = start_s + (handset.at_ms + FRAME_MS) / 1000
            if due_s > loop.time():
                await asyncio.sleep(due_s - loop.time())
            handset.step(loop.time())
            self._is_over = self._is_over or handset.caller.has_hung_up
            for frame in handset.frames(loop.time()):
                yield frame
            for digit in handset.digits():
                yield digit
            for name in handset.marks():
                yield Mark(name)

    async def play(self, mulaw: bytes) -> None:
        self._handset.play(mulaw)

    async def mark(self, name: str) -> None:
        self._handset.mark(name)

    async def clear(self) -> None:
        self._handset.clear()

    async def hang_up(self) -> None:
        self._is_over = True

    async def transfer(self, target: str) -> None:
        self.transferred_to = target
        self._is_over = True
