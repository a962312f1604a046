"""A live server in a thread of its own, for tests that have no event loop: hypothesis."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from sdr_lab.config import Settings
from sdr_lab.simulate.phone_network import PhoneNetwork
from tests.e2e.world import KEY, SETTINGS, WAIT_S, World, free_socket, serving


@dataclass(frozen=True)
class Held:
    """What a process holds at a quiet moment."""

    tasks: int
    files: int
    threads: int
    megabytes: float


class Faults(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "websockets.client":  # the test's own end of the socket
            self.records.append(self.format(record))


@dataclass
class Threaded:
    """The server, seen from another thread."""

    here: World
    loop: asyncio.AbstractEventLoop
    http: httpx.Client
    faults: Faults

    def token(self) -> str:
        """Return the address of a stream that may be opened once."""
        reply = self.http.post("/v1/convai/streams", json={})
        assert reply.status_code == 200, reply.text
        return reply.json()["url"]

    def quiet(self) -> Held:
        """Wait until no call and nothing that follows calls goes on; return what is held then."""
        return asyncio.run_coroutine_threadsafe(self._quiet(), self.loop).result(WAIT_S)

    async def _quiet(self) -> Held:
        least, since_s = len(asyncio.all_tasks()), self.loop.time()
        while self.here.desk.switchboard.running or self.loop.time() < since_s + 0.3:
            await asyncio.sleep(0.02)
            if (now := len(asyncio.all_tasks())) != least:
                least, since_s = now, self.loop.time()
        gc.collect()
        process = psutil.Process()
        megabytes = process.memory_info().rss / 2**20
        return Held(least, process.num_fds(), process.num_threads(), megabytes)


@contextmanager
def threaded(home: Path, **changes: object) -> Iterator[Threaded]:
    """Run a server in a thread."""
    ready, done = threading.Event(), threading.Event()
    made: dict[str, Any] = {}
    given = {**SETTINGS, "SDR_LAB_HOME": home, **changes}
    settings = Settings.load(None, given, environ={})

    async def live() -> None:
        with free_socket() as bound:
            async with PhoneNetwork() as network, serving(settings, bound, network) as here:
                made.update(here=here, loop=asyncio.get_running_loop())
                ready.set()
                await asyncio.to_thread(done.wait)

    def run() -> None:
        try:
            asyncio.run(live())
        finally:
            ready.set()

    faults, thread = Faults(), threading.Thread(target=run, name="live server")
    logging.getLogger().addHandler(faults)
    thread.start()
    try:
        assert ready.wait(WAIT_S)
        headers = {"xi-api-key": KEY}
        with httpx.Client(base_url=made["here"].url, headers=headers, timeout=WAIT_S) as http:
            yield Threaded(made["here"], made["loop"], http, faults)
    finally:
        done.set()
        thread.join(WAIT_S)
        logging.getLogger().removeHandler(faults)
