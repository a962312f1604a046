"""What the app holds: the settings once they are read, the lab, and the desk.

Nothing is read or opened before it is needed. With a lifespan (uvicorn, `with TestClient(app)`)
the desk opens at the start, with its background work, and closes at the end. Without one
(`TestClient(app)`) every request may have an event loop of its own: a desk is then opened in the
loop that asks, without background work, and closed with that loop. The lab is the same for all.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.requests import HTTPConnection

from sdr_lab.config import Settings
from sdr_lab.doctor import Check, examine
from sdr_lab.lab import Lab
from sdr_lab.live.metrics import Metrics

if TYPE_CHECKING:
    from sdr_lab.live.desk import Desk

log = logging.getLogger(__name__)

KEPT_CHECKS_S = 10.0
"""Load balancers ask every few seconds; a check asks Ollama and writes to the disk."""

Loop = asyncio.AbstractEventLoop


class AppState:
    """Made with the app, costs nothing until something is asked of it."""

    def __init__(self, settings: Settings | None = None, lab: Lab | None = None) -> None:
        self._given = lab.settings if lab is not None else settings
        self._given_lab = lab
        self._making = threading.RLock()  # requests of several TestClients come from threads
        self._desks: weakref.WeakKeyDictionary[Loop, Desk] = weakref.WeakKeyDictionary()
        self._opening: weakref.WeakKeyDictionary[Loop, asyncio.Lock] = weakref.WeakKeyDictionary()
        self._holds: weakref.WeakKeyDictionary[Loop, AsyncIterator[None]] = (
            weakref.WeakKeyDictionary()
        )
        self._looking: weakref.WeakKeyDictionary[Loop, asyncio.Lock] = weakref.WeakKeyDictionary()
        self._examining = threading.Lock()
        self._examined: tuple[float, list[Check]] = (0.0, [])
        self.started_s = time.time()
        self.has_shipped_agents = False

    @property
    def owns_settings(self) -> bool:
        """The settings are those of the environment."""
        return self._given is None

    @property
    def settings(self) -> Settings:
        """The settings; read from the environment at first use."""
        with self._making:
            return self._settings

    @property
    def lab(self) -> Lab:
        """The workspace."""
        with self._making:
            return self._lab

    @property
    def metrics(self) -> Metrics:
        """What /metrics tells."""
        with self._making:
            return self._metrics

    @cached_property
    def _settings(self) -> Settings:
        return self._given or Settings.load()

    @cached_property
    def _lab(self) -> Lab:
        return self._given_lab or Lab(self._settings)

    @cached_property
    def _metrics(self) -> Metrics:
        return Metrics()

    def examined(self) -> list[Check]:
        """Return what the machine has and lacks; blocks for a second, then is kept for a while."""
        settings = self.settings
        with self._examining:
            known_s, checks = self._examined
            if not checks or time.monotonic() - known_s > KEPT_CHECKS_S:
                checks = examine(settings)
                self._examined = (time.monotonic(), checks)
            return checks

    @property
    def looking(self) -> asyncio.Lock:
        """Held by the request that looks at the machine. Others wait for it without taking a
        thread each: anybody may ask for /ready, and calls need those threads."""
        return self._looking.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    async def desk(self) -> Desk:
        """Return the desk of the running loop; open one if there is none."""
        loop = asyncio.get_running_loop()
        if (desk := self._desks.get(loop)) is not None:
            return desk
        async with self._opening.setdefault(loop, asyncio.Lock()):
            if (desk := self._desks.get(loop)) is None:
                desk = await self._open(background=False)
                self._desks[loop] = desk
                hold = self._closed_with(loop, desk)
                await anext(hold)
                self._holds[loop] = hold
        return desk

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Desk]:
        """Keep a desk with its background work open: the lifespan of the app."""
        loop = asyncio.get_running_loop()
        desk = await self._open(background=True)
        self._desks[loop] = desk
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self.metrics.watch_loop())
            try:
                yield desk
            finally:
                watch.cancel()
                del self._desks[loop]
                await desk.close()

    async def _open(self, background: bool) -> Desk:
        from sdr_lab.live.desk import Desk

        return await Desk.open(
            self.settings, lab=self.lab, metrics=self.metrics, background=background
        )

    async def _closed_with(self, loop: Loop, desk: Desk) -> AsyncIterator[None]:
        """Close `desk` when its loop shuts down: asyncio closes the generators left in it."""
        try:
            yield
        finally:
            self._desks.pop(loop, None)  # it holds its loop, so it would keep itself here
            self._holds.pop(loop, None)
            await desk.close()


def state_of(conn: HTTPConnection | FastAPI) -> AppState:
    """Return the state of the app that a request or WebSocket came to."""
    app = conn if isinstance(conn, FastAPI) else conn.app
    return app.state.sdr_lab


async def desk_of(conn: HTTPConnection) -> Desk:
    """Return the desk, as a dependency: `desk: Annotated[Desk, Depends(desk_of)]`."""
    return await state_of(conn).desk()


def lab_of(conn: HTTPConnection) -> Lab:
    """Return the lab, as a dependency. Its stores block: `await asyncio.to_thread(…)`."""
    return state_of(conn).lab


def settings_of(conn: HTTPConnection) -> Settings:
    """Return the settings, as a dependency."""
    return state_of(conn).settings
