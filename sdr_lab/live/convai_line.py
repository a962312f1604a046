"""A call with the official `elevenlabs` SDK: sound at 16 kHz, and what was said as text.

The protocol has no marks. What has been played is worked out: sound is played from when it was
sent, half a round trip later, one piece after the other. That is honest as long as the client
plays what it gets at once, as the SDK's own audio interface does.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator

import numpy as np

from sdr_lab.audio.codec import mulaw_to_pcm, pcm_to_mulaw
from sdr_lab.audio.frame import FrameCutter
from sdr_lab.audio.octave import Doubler, Halver
from sdr_lab.call.inbox import Context, Order, UserText
from sdr_lab.call.line import Digit, Frame, Mark
from sdr_lab.events import Event
from sdr_lab.live import convai_messages as messages
from sdr_lab.live.convai_words import Words
from sdr_lab.records import FRAME_BYTES, FRAME_MS
from sdr_lab.telephony.twilio_line import LineFault, Socket
from sdr_lab.telephony.twilio_media import ProtocolError

log = logging.getLogger(__name__)

SILENCE = b"\xff" * FRAME_BYTES

FILL_AFTER_S = 0.6
"""A client that sends nothing for so long is muted, or types: silence stands in, so that the
call's time goes on. The SDK sends a quarter of a second at a time."""

EARLY_S = 0.1
"""Sound may come so much before its time; what comes faster waits."""

MOST_WAITING_S = 60
"""A client that sends faster than it can speak is stopped here."""

TEXTS_PER_S = 2
MOST_TEXTS = 20
"""Texts at once. Who sends more, and more of them a second, is no person at a keyboard."""

PING_S = 2.0
MOST_UNSENT = 500
"""Messages, a minute of sound and more, that a client may leave unread."""

CLOSE_S = 2.0
"""A client may take so long to read the last words."""

GONE_S = 20.0
"""A client that says nothing, not even `pong`, for so long is gone."""

FRAME_S = FRAME_MS / 1000
MULAW_HZ = 8000


class ConvaiLine:
    """The client's end of one call, for one session.

    Args:
        first: A message that was read already, to be taken as the first.
        tell: Gives the call an order.
    """

    kind = "convai"

    def __init__(self, socket: Socket, tell: Callable[[Order], object], first: str = "") -> None:
        self._socket = socket
        self._tell = tell
        self._first = first
        self._words = Words(self._send)
        self._halver, self._doubler = Halver(), Doubler()
        self._odd = b""
        """Half a sample that a chunk ended with."""
        self._cutter = FrameCutter()
        self._waiting: deque[bytes] = deque()
        self._position = 0
        """Frames handed on."""
        self._begun_s: float | None = None
        """Loop time at which the first frame began."""
        self._marks: deque[tuple[float, str]] = deque()
        self._played_s = 0.0
        """Loop time at which all that was sent has been played."""
        self._outgoing: deque[str] = deque()
        self._event_id = 0
        self._round_trip_s = 0.0
        self._pings: dict[int, float] = {}
        self._last_heard_s = 0.0
        self._may_type = float(MOST_TEXTS)
        """Texts that may come now."""
        self._wake = asyncio.Event()
        self._to_send = asyncio.Event()
        self._fault: Exception | None = None
        self._is_over = False

    # ---- Line

    async def frames(self) -> AsyncIterator[Frame | Mark | Digit]:
        """Yield what comes in. To be read once.

        Raises:
            ProtocolError: the client broke the protocol.
            LineFault: the client is gone.
        """
        loop = asyncio.get_running_loop()
        self._last_heard_s = loop.time()
        async with asyncio.TaskGroup() as tasks:
            helpers = [
                tasks.create_task(work()) for work in (self._receive, self._give, self._ping)
            ]
            try:
                while not self._is_over:
                    self._wake.clear()
                    for item in self._due(loop.time()):
                        yield item
                    await self._wait(FRAME_S)
            except GeneratorExit:
                return
            finally:
                for helper in helpers:
                    helper.cancel()
                await self._close()
        if self._fault is not None:
            raise self._fault

    async def play(self, mulaw: bytes) -> None:
        """Send sound; it is played behind what was sent before."""
        if self._is_over:
            return
        now_s = asyncio.get_running_loop().time()
        self._event_id += 1
        pcm = self._doubler.push(mulaw_to_pcm(mulaw)).astype("<i2").tobytes()
        self._send(messages.audio(self._event_id, pcm))
        heard_from_s = now_s + self._round_trip_s / 2
        self._played_s = max(self._played_s, heard_from_s) + len(mulaw) / MULAW_HZ

    async def mark(self, name: str) -> None:
        self._marks.append((self._played_s, name))

    async def clear(self) -> None:
        """Have the client throw away what it has not played. All marks come back now."""
        now_s = asyncio.get_running_loop().time()
        self._marks = deque((now_s, name) for _, name in self._marks)
        self._played_s = now_s
        self._doubler = Doubler()
        self._send(messages.interruption(self._event_id))
        self._wake.set()

    async def hang_up(self) -> None:
        self._end(None)
        await self._close()

    async def transfer(self, target: str) -> None:
        """There is no telephone behind this line: it is just closed."""
        log.warning("a transfer to %s has no telephone to move: hung up", target)
        await self.hang_up()

    def on_event(self, event: Event) -> None:
        """Take an event of the call: the client is told what is said (a `call.log.Sink`)."""
        self._words.take(event)

    # ---- what comes in

    def _due(self, now_s: float) -> Iterator[Frame | Mark]:
        """Yield what belongs to the time up to now."""
        if self._begun_s is None:
            self._begun_s = now_s
        elapsed = (now_s - self._begun_s) / FRAME_S
        while self._waiting and self._position + 1 <= elapsed + EARLY_S / FRAME_S:
            yield self._frame(self._waiting.popleft())
        while not self._waiting and self._position + FILL_AFTER_S / FRAME_S < elapsed:
            yield self._frame(SILENCE)
        while self._marks and self._marks[0][0] <= now_s:
            yield Mark(self._marks.popleft()[1])

    def _frame(self, mulaw: bytes) -> Frame:
        self._position += 1
        return Frame((self._position - 1) * FRAME_MS, mulaw)

    async def _receive(self) -> None:
        try:
            if self._first:
                self._take(messages.read(self._first))
            while (text := await self._socket.receive()) is not None:
                self._take(messages.read(text))
        except ProtocolError as error:
            self._end(error)
        except Exception as error:  # whatever a socket raises when it breaks
            self._end(LineFault(f"the connection broke: {error or type(error).__name__}"))
        else:
            self._end(None)

    def _take(self, message: messages.Incoming) -> None:
        now_s = asyncio.get_running_loop().time()
        passed_s, self._last_heard_s = now_s - self._last_heard_s, now_s
        self._may_type = min(MOST_TEXTS, self._may_type + passed_s * TEXTS_PER_S)
        match message:
            case messages.Spoken(pcm):
                self._hear(pcm, now_s)
            case messages.Typed(text) if text:
                self._give_order(UserText(text))
            case messages.Told(text) if text:
                self._give_order(Context(text))
            case messages.Pong(event_id):
                sent_s = self._pings.pop(event_id, None)
                if sent_s is not None:
                    self._round_trip_s = now_s - sent_s
            case _:
                return

    def _give_order(self, order: Order) -> None:
        self._may_type -= 1
        if self._may_type < 0:
            raise ProtocolError(f"more than {TEXTS_PER_S} texts a second")
        self._tell(order)

    def _hear(self, pcm: bytes, now_s: float) -> None:
        data = self._odd + pcm
        whole = len(data) - len(data) % 2
        self._odd = data[whole:]
        samples = np.frombuffer(data[:whole], "<i2").astype(np.int16)
        frames = self._cutter.push(pcm_to_mulaw(self._halver.push(samples)))
        if self._position == 0 and not self._waiting and frames:
            self._begun_s = now_s - len(frames) * FRAME_S  # it was spoken before it was sent
        self._waiting.extend(frames)
        if len(self._waiting) * FRAME_S > MOST_WAITING_S:
            raise ProtocolError(f"sound for {MOST_WAITING_S} s was sent ahead of its time")
        self._wake.set()

    async def _wait(self, for_s: float) -> None:
        try:
            async with asyncio.timeout(for_s):
                await self._wake.wait()
        except TimeoutError:
            return

    # ---- what goes out

    def _send(self, text: str) -> None:
        if self._is_over:
            return
        if len(self._outgoing) >= MOST_UNSENT:
            self._end(LineFault(f"the client has left {MOST_UNSENT} messages unread"))
            return
        self._outgoing.append(text)
        self._to_send.set()

    async def _give(self) -> None:
        try:
            while True:
                await self._to_send.wait()
                while self._outgoing:
                    await self._socket.send(self._outgoing.popleft())
                self._to_send.clear()
        except Exception as error:  # as above; `_receive` sees the end as well
            self._end(LineFault(f"the connection broke: {error or type(error).__name__}"))

    async def _ping(self) -> None:
        loop = asyncio.get_running_loop()
        number = 0
        while True:
            number += 1
            self._pings = {number: loop.time()}
            last_ms = round(self._round_trip_s * 1000) or None
            self._send(messages.ping(number, last_ms))
            await asyncio.sleep(PING_S)
            if loop.time() - self._last_heard_s > GONE_S:
                self._end(LineFault(f"the client has said nothing for {GONE_S:g} s"))

    # ---- the end

    def _end(self, fault: Exception | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._fault = fault
        self._wake.set()

    async def _close(self) -> None:
        self._is_over = True
        is_policy = isinstance(self._fault, ProtocolError)
        try:
            async with asyncio.timeout(CLOSE_S):
                for text in list(self._outgoing):  # the last words
                    await self._socket.send(text)
                self._outgoing.clear()
                await self._socket.close(1008 if is_policy else 1000, str(self._fault or ""))
        except Exception as error:  # gone either way
            log.debug("closing: %r", error)
