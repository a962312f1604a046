"""A call's audio on its way to Deepgram over connections that may break, and what comes back.

Audio is kept until a final result accounts for it. When a connection breaks, the next one gets
all that is kept, so that no word is lost and none comes twice; the service's clock starts at 0
with each connection and is put back into stream time here.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from sdr_lab.records import FRAME_BYTES, FRAME_MS, TurnSignal, Words
from sdr_lab.stt.base import Cue, Heard
from sdr_lab.stt.deepgram_client import Lost, Socket, failed

log = logging.getLogger(__name__)

FRAMES_PER_MESSAGE = 3
"""60 ms. Each message costs the same, whatever its size; cues send what waits at once."""
FLUSH_S = 0.1
"""A line that stalls holds back less than a message for no longer."""
CATCH_UP_FRAMES = 25
"""Half a second per message while audio is sent again."""
KEPT_MS = 30_000
"""Audio that is kept for the next connection, at most."""
TRIES = 5
"""Attempts in a row without a result; then the call is told."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what. Seconds."""

    finalize_s: float = 0.3
    """For the answer to an order when all audio of the turn has been looked at: there is none
    when nothing was left to do."""
    late_s: float = 1.0
    """For a final result while words are open, or audio of the turn has not been looked at."""
    outage_s: float = 2.5
    """For a final result when the connection broke meanwhile. The floor waits 3 s."""
    keep_alive_s: float = 4.0
    """Without audio, before a KeepAlive. Deepgram hangs up after 10 s."""
    back_off_s: float = 0.1
    """Before the second attempt to connect, twice as long before each further one; ± half by
    chance, so that a hundred calls do not come back at once."""


SILENCE = b"\xff" * FRAME_BYTES

Result = Words | TurnSignal


@dataclass(slots=True)
class Order:
    """Something to tell the service once it has all audio that came before."""

    name: str
    is_sent: bool = False


class Mind(Protocol):
    """What makes results of one API's messages. Does no I/O; has the state of one call."""

    results: deque[Result]
    """What the floor should be told, oldest first; taken from here."""
    orders: deque[Order]
    """What the service should be told. Those that are sent stay until the mind removes them:
    they are sent again after a loss."""
    acknowledged_ms: int
    """Audio before this never needs to be sent again."""
    due_s: float | None
    """Loop time at which `expire` is wanted."""
    is_deaf: bool
    """The service said nothing though the caller spoke: try another connection."""
    is_connected: bool
    """Kept up to date by the stream."""

    def take(self, item: Heard | Cue) -> None: ...

    def read(self, message: Any, origin_ms: int) -> bool:
        """Take a message of a connection whose time 0 is `origin_ms` in stream time.

        Returns:
            Whether it shows that the service works.

        Raises:
            Lost: the message says that it does not.
        """
        ...

    def expire(self) -> None: ...

    def lost(self) -> None:
        """The connection is gone: what was not final will come again."""
        ...


class Connect(Protocol):
    def __call__(self) -> AbstractAsyncContextManager[Socket]: ...


class Stream:
    """One call."""

    def __init__(self, name: str, connect: Connect, mind: Mind, patience: Patience) -> None:
        self._name = name
        self._connect = connect
        self._mind = mind
        self._patience = patience
        self._kept: deque[Heard] = deque()
        self._out: asyncio.Queue[Result | Exception | None] = asyncio.Queue()
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._sent_ms: int | None = None
        self._origin_ms = 0
        self._has_ended = False
        self._works = False

    async def results(self, audio: AsyncIterator[Heard | Cue]) -> AsyncGenerator[Result, None]:
        """Yield results while audio comes in.

        Raises:
            ProviderError: Deepgram could not be reached (again), or refused.
            Exception: whatever `audio` raised.
        """
        # Errors are handed over, not raised: see `answers.answers`.
        async with asyncio.TaskGroup() as group:
            sides = [group.create_task(self._listen(audio)), group.create_task(self._stay())]
            failure = None
            try:
                while isinstance(result := await self._out.get(), Words | TurnSignal):
                    yield result
                failure = result
            except GeneratorExit:
                return
            finally:
                if self._timer is not None:
                    self._timer.cancel()
                for side in sides:
                    side.cancel()
        if failure is not None:
            raise failure

    # ---- the caller's side

    async def _listen(self, audio: AsyncIterator[Heard | Cue]) -> None:
        try:
            async for item in audio:
                if isinstance(item, Heard):
                    self._kept.append(item)
                    if len(self._kept) * FRAME_MS > KEPT_MS:
                        self._kept.popleft()
                self._mind.take(item)
                self._tell()
        except Exception as error:
            self._out.put_nowait(error)
        self._has_ended = True
        self._tell()

    def _tell(self) -> None:
        """Hand out results, set the timer, wake the sender, and end after the last answer."""
        mind = self._mind
        while mind.results:
            self._out.put_nowait(mind.results.popleft())
        sent_ms = mind.acknowledged_ms if self._sent_ms is None else self._sent_ms
        while self._kept and self._kept[0].at_ms + FRAME_MS <= min(mind.acknowledged_ms, sent_ms):
            self._kept.popleft()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if mind.due_s is not None:
            self._timer = asyncio.get_running_loop().call_at(mind.due_s, self._expire)
        elif self._has_ended:
            self._out.put_nowait(None)
        self._wake.set()

    def _expire(self) -> None:
        self._mind.expire()
        self._tell()

    # ---- the service's side

    async def _stay(self) -> None:
        """Stay connected until cancelled; give up after some failures in a row."""
        failures = 0
        try:
            while True:
                self._works = False
                lost = await self._one_connection()
                failures = 1 if self._works else failures + 1
                self._mind.is_connected, self._sent_ms = False, None
                self._mind.lost()
                self._tell()
                if not lost.can_retry or failures >= TRIES:
                    self._out.put_nowait(failed(self._name, lost))
                    return
                log.warning("%s: %s", self._name, lost.reason)
                wait_s = self._patience.back_off_s * 2 ** (failures - 1)
                await asyncio.sleep(wait_s * random.uniform(0.5, 1.5))
                await self._something_to_send()
        except Exception as error:  # a fault of ours: the engine logs it
            self._out.put_nowait(error)

    async def _something_to_send(self) -> None:
        while not self._kept:
            self._wake.clear()
            await self._wake.wait()

    async def _one_connection(self) -> Lost:
        """Talk over one connection; return why it ended."""
        try:
            async with self._connect() as socket:
                return await self._talk(socket)
        except Lost as lost:
            return lost

    async def _talk(self, socket: Socket) -> Lost:
        self._sent_ms = None
        self._mind.is_connected, self._mind.is_deaf = True, False
        for order in self._mind.orders:
            order.is_sent = False
        async with asyncio.TaskGroup() as group:
            sides = [group.create_task(_until_lost(self._send(socket)))]
            sides.append(group.create_task(_until_lost(self._receive(socket))))
            done, rest = await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
            for side in rest:
                side.cancel()
        return next(iter(done)).result()

    async def _send(self, socket: Socket) -> None:
        while True:
            self._wake.clear()
            if self._mind.is_deaf:
                self._mind.is_deaf = False
                raise Lost("Deepgram heard nothing though the caller spoke")
            is_idle = not await self._send_audio(socket, is_stalled=False)
            is_idle &= not await self._send_orders(socket)
            if is_idle:
                await self._wait_for_more(socket)

    async def _wait_for_more(self, socket: Socket) -> None:
        has_rest = bool(self._waiting())
        try:
            async with asyncio.timeout(FLUSH_S if has_rest else self._patience.keep_alive_s):
                await self._wake.wait()
        except TimeoutError:
            if has_rest:
                await self._send_audio(socket, is_stalled=True)
            else:
                await socket.order("keep_alive")

    async def _send_audio(self, socket: Socket, is_stalled: bool) -> bool:
        """Send a message of what waits, if that is enough for one; return whether it was."""
        waiting = self._waiting()
        is_urgent = is_stalled or any(not order.is_sent for order in self._mind.orders)
        if not waiting or (len(waiting) < FRAMES_PER_MESSAGE and not is_urgent):
            return False
        frames = waiting[:CATCH_UP_FRAMES]
        if self._sent_ms is None:
            self._sent_ms = self._origin_ms = frames[0].at_ms
        message = bytearray()
        for frame in frames:
            missing = (frame.at_ms - self._sent_ms) // FRAME_MS  # the engine dropped some
            message += SILENCE * missing + frame.mulaw
            self._sent_ms = frame.at_ms + FRAME_MS
        await socket.send(bytes(message))
        return True

    async def _send_orders(self, socket: Socket) -> bool:
        for order in list(self._mind.orders):
            if not order.is_sent and not self._waiting():
                order.is_sent = True
                await socket.order(order.name)
                return True
        return False

    def _waiting(self) -> list[Heard]:
        """The frames that this connection has not been given, oldest first."""
        sent_ms, fresh = self._sent_ms, []
        for frame in reversed(self._kept):
            if sent_ms is not None and frame.at_ms < sent_ms:
                break
            fresh.append(frame)
        return fresh[::-1]

    async def _receive(self, socket: Socket) -> None:
        while True:
            message = await socket.receive()
            if message is None:
                log.warning("%s: a message that is none of the known ones", self._name)
                continue
            self._works |= self._mind.read(message, self._origin_ms)
            self._tell()


async def _until_lost(work: Any) -> Lost:
    with suppress(asyncio.CancelledError):
        try:
            await work
        except Lost as lost:
            return lost
    return Lost("cancelled")
