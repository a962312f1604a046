"""Deepgram's double in a thread of its own, so that the client's loop holds the client alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sdr_lab.simulate.deepgram_server import DeepgramServer, serving


@contextmanager
def in_a_thread(server: DeepgramServer) -> Iterator[DeepgramServer]:
    """Serve until the block is left. The client broke no rule and neither did the double."""
    is_up, loops = threading.Event(), list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]()

    async def serve() -> None:
        is_over = asyncio.Event()
        loops.append((asyncio.get_running_loop(), is_over))
        async with serving(server):
            is_up.set()
            await is_over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert is_up.wait(10)
    try:
        yield server
    finally:
        ((loop, is_over),) = loops
        loop.call_soon_threadsafe(is_over.set)
        thread.join(10)
    assert server.problems == []
