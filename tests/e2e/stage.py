"""Plays in real time, all at once: what takes ten seconds alone takes ten seconds together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

Play = Callable[[Path], AbstractAsyncContextManager[T]]
"""Takes an empty workspace, acts in it, yields what came of it while its server still answers."""


class Tracebacks(logging.Handler):
    """Keeps what was logged with a traceback: mistakes of ours, whoever caused them."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.texts.append(self.format(record))


class Stage:
    """Holds what came of each play until all tests have looked at it."""

    def __init__(self) -> None:
        self.tracebacks = Tracebacks()
        self._results: dict[Any, asyncio.Future[Any]] = {}
        self._has_closed = asyncio.Event()

    async def of(self, play: Play[T]) -> T:
        """Return what came of a play; raises what went wrong in it."""
        return await self._results[play]

    async def perform(self, play: Play[Any], home: Path) -> None:
        """Run a play and hold it. To be run in a task of its own."""
        result = self._results[play]
        try:
            async with play(home) as value:
                result.set_result(value)
                await self._has_closed.wait()
        except Exception as error:
            if result.done():
                raise
            result.set_exception(error)

    @asynccontextmanager
    async def all(
        self,
        plays: Collection[Play[Any]],
        home: Callable[[], Path],
        crowds: Collection[Play[Any]] = (),
    ) -> AsyncIterator[None]:
        """Run all plays at once; go on when each has come to its end.

        Args:
            crowds: Plays of so many calls that they would disturb the timing of others; they run
                when the others have been played.
        """
        loop = asyncio.get_running_loop()
        self._results = {play: loop.create_future() for play in (*plays, *crowds)}
        logging.getLogger().addHandler(self.tracebacks)
        async with asyncio.TaskGroup() as tasks:
            for together in (plays, crowds):
                for play in together:
                    tasks.create_task(self.perform(play, home()))
                if together:
                    await asyncio.wait([self._results[play] for play in together])
            try:
                yield
            finally:
                self._has_closed.set()
        logging.getLogger().removeHandler(self.tracebacks)
