"""Listening and answering at the same time: what the transcribers on this machine share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from sdr_lab.records import Words
from sdr_lab.stt.base import Cue, Heard


class Task(Protocol):
    """A result that is wanted. An interim one may become final while it waits or runs."""

    is_final: bool


T = TypeVar("T", bound=Task)


class Backlog(Generic[T]):
    """Results that are wanted, in order. Final ones are kept; of interim ones the newest waits."""

    def __init__(self) -> None:
        self._waiting: list[T] = []
        self._running: T | None = None
        self._is_closed = False
        self._changed = asyncio.Event()

    def add(self, task: T) -> None:
        """Queue a task; interim tasks that have not begun are now pointless and go."""
        self._waiting = [t for t in self._waiting if t.is_final] + [task]
        self._changed.set()

    def unanswered(self) -> list[T]:
        """Return the tasks that run or wait, oldest first."""
        return [*([self._running] if self._running is not None else []), *self._waiting]

    def close(self) -> None:
        """Take no more: `next` gives out the final tasks that are left, then None."""
        self._waiting = [t for t in self._waiting if t.is_final]
        self._is_closed = True
        self._changed.set()

    async def next(self) -> T | None:
        """Wait for a task and mark it as running; None after the last."""
        self._running = None
        while not self._waiting and not self._is_closed:
            self._changed.clear()
            await self._changed.wait()
        self._running = self._waiting.pop(0) if self._waiting else None
        return self._running


async def answers(
    audio: AsyncIterator[Heard | Cue],
    take: Callable[[Heard | Cue], None],
    backlog: Backlog[T],
    perform: Callable[[T], Awaitable[Words | None]],
) -> AsyncGenerator[Words, None]:
    """Feed `audio` to `take` and perform what it puts into `backlog`, one task at a time.

    Ends when the audio has ended and all final tasks are answered. Closing it stops both sides.

    Raises:
        Exception: whatever `audio`, `take` or `perform` raised, not wrapped in a group.
    """
    # The sides hand errors over instead of raising them: a task group answers a raised error
    # by cancelling its parent, and that is the consumer's task, which may be elsewhere.
    results: asyncio.Queue[Words | Exception | None] = asyncio.Queue()

    async def listen() -> None:
        try:
            async for item in audio:
                take(item)
        except Exception as error:
            results.put_nowait(error)
        finally:
            backlog.close()

    async def work() -> None:
        try:
            while (task := await backlog.next()) is not None:
                if (words := await perform(task)) is not None:
                    results.put_nowait(words)
        except Exception as error:
            results.put_nowait(error)
        results.put_nowait(None)

    async with asyncio.TaskGroup() as group:
        sides = [group.create_task(listen()), group.create_task(work())]
        failure = None
        try:
            while isinstance(result := await results.get(), Words):
                yield result
            failure = result
        except GeneratorExit:
            return  # the group would wrap it, and closing would look like a failure
        finally:
            for side in sides:
                side.cancel()
    if failure is not None:
        raise failure
