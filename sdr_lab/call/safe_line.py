"""A line whose faults end the call in order instead of breaking it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from sdr_lab.call.inbox import Item, LineClosed
from sdr_lab.call.line import Digit, Frame, Line, Mark
from sdr_lab.call.streams import closing
from sdr_lab.errors import SdrLabError

log = logging.getLogger(__name__)


class SafeLine:
    """Wraps a line; posts `LineClosed` when it ends, with the fault if there was one."""

    def __init__(self, line: Line, post: Callable[[Item], None]) -> None:
        self.kind = line.kind
        self._line = line
        self._post = post
        self._is_broken = False

    async def read(self) -> None:
        """Post what comes in until the line is closed."""
        try:
            async with closing(self.frames()) as items:
                async for item in items:
                    self._post(item)
        except Exception as error:  # a socket that broke, or a bug in the line
            self._broke(error)
        else:
            self._post(LineClosed())

    def frames(self) -> AsyncIterator[Frame | Mark | Digit]:
        return self._line.frames()

    async def play(self, mulaw: bytes) -> None:
        await self._do(self._line.play(mulaw))

    async def mark(self, name: str) -> None:
        await self._do(self._line.mark(name))

    async def clear(self) -> None:
        await self._do(self._line.clear())

    async def hang_up(self) -> None:
        await self._do(self._line.hang_up())

    async def transfer(self, target: str) -> None:
        await self._do(self._line.transfer(target))

    async def _do(self, action: Awaitable[None]) -> None:
        try:
            await action
        except Exception as error:  # as above
            self._broke(error)

    def _broke(self, error: Exception) -> None:
        if self._is_broken:
            return
        self._is_broken = True
        if isinstance(error, SdrLabError):  # the other side's doing: no bug to be traced
            log.warning("line %s: %s", self.kind, error)
        else:
            log.error("line %s", self.kind, exc_info=error)
        self._post(LineClosed(repr(error)))
