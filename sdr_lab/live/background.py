"""Work that goes on beside calls, and ends with the desk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Background:
    """A task group that outlives the request in which it was opened.

    A task that fails is logged and ends alone: it takes no other with it.
    """

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._endless: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """To be called once, inside the loop."""
        await self._group.__aenter__()

    def start(
        self, work: Coroutine[Any, Any, Any], name: str, endless: bool = False
    ) -> asyncio.Task[None]:
        """Run `work` until it is done or the desk closes.

        Args:
            endless: It never finishes by itself, so that closing does not wait for it.
        """
        task = self._group.create_task(_guarded(work, name), name=name)
        kept = self._endless if endless else self._tasks
        kept.add(task)
        task.add_done_callback(kept.discard)
        return task

    async def close(self, patience_s: float = 0) -> None:
        """Give tasks `patience_s` to finish, cancel the rest, and wait for them."""
        if patience_s and self._tasks:
            await asyncio.wait(set(self._tasks), timeout=patience_s)
        for task in [*self._tasks, *self._endless]:
            task.cancel()
        await self._group.__aexit__(None, None, None)


async def _guarded(work: Coroutine[Any, Any, Any], name: str) -> None:
    try:
        await work
    except Exception:  # a bug or a full disk: the calls go on
        log.exception("background work %r failed", name)
