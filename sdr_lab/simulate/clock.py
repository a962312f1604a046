"""A virtual clock: an event loop that jumps to the next timer instead of waiting for it.

While a job runs in a thread the clock stands still, so that a model's 50 ms do not count as
minutes of a call. No real sockets on it: their readiness is not waited for.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

DEADLOCK_S = 60.0
"""Real time after which a loop that nothing can wake is given up."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes only when everything that can run has run."""

    def __init__(self) -> None:
        super().__init__(_JumpingSelector(self))
        self._now_s = 0.0
        self._jobs = 0

    def time(self) -> float:
        return self._now_s

    @property
    def is_working(self) -> bool:
        """A job runs in a thread."""
        return self._jobs > 0

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self._now_s += seconds

    def run_in_executor(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        self._jobs += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._job_done)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads to end, in real time: from 3.12 on a timer runs beside it."""
        self._jobs += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._jobs -= 1

    def _job_done(self, _: asyncio.Future[Any]) -> None:
        self._jobs -= 1


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        loop = self._loop
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if loop.is_working:
            return super().select(None)  # only a thread can wake us: wait for it in real time
        if timeout is None:
            return self._wait_for_a_foreign_thread()
        ready = super().select(0)
        if not ready:
            loop.jump(timeout)
        return ready

    def _wait_for_a_foreign_thread(self) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(DEADLOCK_S)
        if not ready:
            raise RuntimeError("deadlock: no timer is set, no job runs, and nothing is ready")
        return ready


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a virtual clock and return its result."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
