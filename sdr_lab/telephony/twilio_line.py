"""A phone call on a Twilio media stream, or whatever speaks like one: a browser, a simulator.

Three parties meet here: the session, which must never wait for the network; a sender with a
queue; a receiver. The last two live as long as `frames()` is read.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from sdr_lab.call.line import Digit, Frame, Mark
from sdr_lab.errors import ProviderError, SdrLabError
from sdr_lab.records import FRAME_MS
from sdr_lab.telephony.media_frames import PER_MS, MediaFrames
from sdr_lab.telephony.twilio_media import (
    Connected,
    Dtmf,
    MarkEcho,
    Media,
    Message,
    ProtocolError,
    Start,
    Stop,
    Unknown,
    clear_text,
    mark_text,
    media_text,
    read_message,
)

log = logging.getLogger(__name__)

MESSAGES_BEFORE_START = 10
PIECE_BYTES = 1000 * PER_MS
"""Most sound in one message: 1 s. What is not sent yet can still be dropped at a `clear`."""
MAX_QUEUED_BYTES = 8_000_000
"""A quarter of an hour of sound. Far more than any reply: a session gone mad, or a dead peer."""
AHEAD_S = 60
"""Sound may come so much before its time: a network that was stuck delivers all at once."""
MESSAGES_PER_S = 200
"""Twilio sends 50 of sound, a mark per sentence, and keys as fast as fingers are."""
LOOK_EVERY = 32
"""Messages between two looks at how fast they come."""
CLOSE_S = 2.0
"""How long a peer may take to say goodbye, and to end by itself when a send has failed."""
LOOKS = 5
"""How often it is looked, within the time that a peer may be stuck, whether it reads."""
REASON_CHARS = 120
"""A close frame has room for 123 bytes."""
DIGITS = frozenset("0123456789*#")


class Socket(Protocol):
    """An accepted WebSocket."""

    async def receive(self) -> str | None:
        """Return the next text message; None when the connection is closed.

        Raises:
            ProtocolError: a binary message.
        """
        ...

    async def send(self, text: str) -> None: ...

    async def close(self, code: int = 1000, reason: str = "") -> None: ...


class CallControl(Protocol):
    """How the leg behind a stream is ended or moved."""

    async def hang_up(self, call_sid: str) -> None: ...

    async def transfer(self, call_sid: str, target: str) -> None:
        """Connect the caller to `target` (E.164); the stream ends."""
        ...


class LineFault(SdrLabError):
    """The stream can't go on. The message says why."""


async def open_stream(socket: Socket, timeout_s: float = 5.0) -> Start:
    """Wait until the peer has said who it is. Closing the socket after an error is yours.

    Raises:
        ProtocolError: anything but `connected` and `start`, or none within the time.
    """
    try:
        async with asyncio.timeout(timeout_s):
            for _ in range(MESSAGES_BEFORE_START):
                text = await socket.receive()
                if text is None:
                    raise ProtocolError("the stream was closed before its start")
                message = read_message(text)
                if isinstance(message, Start):
                    return message
                if not isinstance(message, Connected | Unknown):
                    raise ProtocolError(f"{type(message).__name__} came before start")
    except TimeoutError:
        raise ProtocolError(f"no start within {timeout_s:g} s") from None
    raise ProtocolError(f"no start among the first {MESSAGES_BEFORE_START} messages")


@dataclass(slots=True)
class LineCounts:
    """What happened on a line."""

    received: int = 0
    """Messages."""
    frames: int = 0
    """Frames of 20 ms handed on."""
    ignored: int = 0
    """Messages of unknown events, of the outbound track, of keys that no telephone has."""
    sent: int = 0
    """Messages."""
    sent_ms: int = 0
    """Sound."""
    dropped_ms: int = 0
    """Sound that a `clear` found unsent."""
    clears: int = 0


class TwilioLine:
    """The caller's end of one call, for one session.

    Args:
        start: What `open_stream` returned.
        control: Ends and moves the leg; None where closing the socket is all there is.
        kind: `twilio`, `browser`, …
        stuck_s: A peer that does not take a message for so long is given up.
    """

    def __init__(
        self,
        socket: Socket,
        start: Start,
        control: CallControl | None,
        kind: str = "twilio",
        *,
        stuck_s: float = 5.0,
    ) -> None:
        self.kind = kind
        self.start = start
        self.counts = LineCounts()
        self.media = MediaFrames()
        """Places the caller's sound; counts its gaps and repetitions."""
        self.is_stopped = False
        """The peer has said `stop`."""
        self.transferred_to = ""
        """Where the session wanted the caller to go, whether that worked or not."""
        self._socket = socket
        self._control = control
        self._stuck_s = stuck_s
        self._inbox: asyncio.Queue[Frame | Mark | Digit | None] = asyncio.Queue()
        self._outgoing: deque[bytes | str | None] = deque()
        """Sound, names of marks, None for a `clear`."""
        self._queued_bytes = 0
        self._wake = asyncio.Event()
        self._is_sending = False
        self._fault: SdrLabError | None = None
        self._has_ended = False
        self._is_over = False
        """Nothing goes out any more."""
        self._is_closed = False

    # ---- Line

    async def frames(self) -> AsyncIterator[Frame | Mark | Digit]:
        """Yield what comes in. To be read once.

        Raises:
            ProtocolError: the peer broke the protocol.
            LineFault: the peer does not read, or the connection broke.
        """
        async with asyncio.TaskGroup() as tasks:
            helpers = [
                tasks.create_task(work()) for work in (self._receive, self._send, self._watch)
            ]
            try:
                while (item := await self._inbox.get()) is not None:
                    yield item
            except GeneratorExit:
                return  # whoever reads has enough; a task group would wrap it
            finally:
                for helper in helpers:
                    helper.cancel()
                await self._close()
        if self._fault is not None:
            raise self._fault

    async def play(self, mulaw: bytes) -> None:
        if self._is_over:
            return
        self._queued_bytes += len(mulaw)
        if self._queued_bytes > MAX_QUEUED_BYTES:
            waiting_s = self._queued_bytes // PER_MS // 1000
            self._end(LineFault(f"{waiting_s} s of sound wait to be sent"))
            return
        for at in range(0, len(mulaw), PIECE_BYTES):
            self._outgoing.append(mulaw[at : at + PIECE_BYTES])
        self._wake.set()

    async def mark(self, name: str) -> None:
        if not self._is_over:
            self._outgoing.append(name)
            self._wake.set()

    async def clear(self) -> None:
        """Silence the peer. Marks that it has not got yet are returned here and now."""
        if self._is_over:
            return
        for item in self._outgoing:
            if isinstance(item, str):
                self._inbox.put_nowait(Mark(item))
        self.counts.dropped_ms += self._queued_bytes // PER_MS
        self.counts.clears += 1
        self._outgoing.clear()
        self._queued_bytes = 0
        self._outgoing.append(None)
        self._wake.set()

    async def hang_up(self) -> None:
        """End the call at the provider, then the stream.

        A refusal is only logged: when the stream is closed, the TwiML behind it hangs up as well.
        """
        self._is_over = True
        try:
            if self._control is not None and not self.is_stopped and not self._is_closed:
                await self._control.hang_up(self.start.call_sid)
        except ProviderError as error:
            log.warning("%s: hung up by closing its stream: %s", self.start.call_sid, error)
        finally:
            await self._close()

    async def transfer(self, target: str) -> None:
        """Move the caller to `target`. Without a `CallControl` the stream is just closed.

        Raises:
            ProviderError: refused. The stream is closed all the same, so that the TwiML behind
                it can try (`transferred_to` says where to).
        """
        self._is_over = True
        self.transferred_to = target
        try:
            if self._control is not None and not self.is_stopped and not self._is_closed:
                await self._control.transfer(self.start.call_sid, target)
        finally:
            await self._close()

    # ---- what comes in

    async def _receive(self) -> None:
        fault: SdrLabError | None = None
        begun_s = asyncio.get_running_loop().time()
        try:
            while not self.is_stopped and (text := await self._socket.receive()) is not None:
                self.counts.received += 1
                self._take(read_message(text))
                if self.counts.received % LOOK_EVERY == 0:
                    self._check_pace(begun_s)
        except ProtocolError as error:
            fault = error
        except Exception as error:  # whatever a socket raises when it breaks
            if not self._is_closed:
                fault = LineFault(f"the stream broke: {error or type(error).__name__}")
        for frame in self.media.flush():
            self._inbox.put_nowait(frame)
        self._end(fault)

    def _take(self, message: Message) -> None:
        if isinstance(message, Media):
            self._check(message.stream_sid)
            if message.track == "inbound":
                for frame in self.media.push(message.timestamp_ms, message.payload):
                    self.counts.frames += 1
                    self._inbox.put_nowait(frame)
                return
        elif isinstance(message, MarkEcho):
            self._check(message.stream_sid)
            self._inbox.put_nowait(Mark(message.name))
            return
        elif isinstance(message, Dtmf):
            self._check(message.stream_sid)
            if message.digit in DIGITS:
                self._inbox.put_nowait(Digit(message.digit))
                return
        elif isinstance(message, Stop):
            self._check(message.stream_sid)
            self.is_stopped = True
            return
        elif isinstance(message, Start):
            raise ProtocolError("a second start")
        self.counts.ignored += 1

    def _check(self, stream_sid: str) -> None:
        if stream_sid != self.start.stream_sid:
            raise ProtocolError(
                f"a message for stream {stream_sid[:60]!a} on {self.start.stream_sid}"
            )

    def _check_pace(self, begun_s: float) -> None:
        """A peer that sends faster than anybody speaks would take the time of all other calls."""
        may_s = asyncio.get_running_loop().time() - begun_s + AHEAD_S
        if self.counts.frames * FRAME_MS > 1000 * may_s:
            raise ProtocolError(f"sound for {AHEAD_S} s was sent ahead of its time")
        if self.counts.received > MESSAGES_PER_S * may_s:
            raise ProtocolError(f"more than {MESSAGES_PER_S} messages a second")

    # ---- what goes out

    async def _send(self) -> None:
        try:
            while True:
                await self._wake.wait()
                while self._outgoing:
                    text = self._next()
                    self._is_sending = True
                    await self._socket.send(text)
                    self._is_sending = False
                    self.counts.sent += 1
                self._wake.clear()
        except Exception as error:  # whatever a socket raises when it breaks
            log.info("%s: can't send: %r", self.start.stream_sid, error)
            self._is_sending = False
            self._is_over = True
            await asyncio.sleep(CLOSE_S)  # if the peer has hung up, what it said is on its way
            self._end(LineFault(f"the stream broke: {error or type(error).__name__}"))

    def _next(self) -> str:
        item = self._outgoing.popleft()
        if item is None:
            return clear_text(self.start.stream_sid)
        if isinstance(item, str):
            return mark_text(self.start.stream_sid, item)
        self._queued_bytes -= len(item)
        self.counts.sent_ms += len(item) // PER_MS
        return media_text(self.start.stream_sid, item)

    async def _watch(self) -> None:
        """Give up a peer that does not read. One timer a call: one a message would cost 3 µs."""
        looks, sent = 0, -1
        while looks < LOOKS:
            await asyncio.sleep(self._stuck_s / LOOKS)
            looks = looks + 1 if self._is_sending and self.counts.sent == sent else 0
            sent = self.counts.sent
        self._end(LineFault(f"the peer has not read for {self._stuck_s:g} s"))

    # ---- the end

    def _end(self, fault: SdrLabError | None = None) -> None:
        """Let `frames()` end. The first to call this says why."""
        self._is_over = True
        self._outgoing.clear()
        if not self._has_ended:
            self._has_ended = True
            self._fault = fault
            self._inbox.put_nowait(None)

    async def _close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._end()
        code, reason = 1000, ""
        if (fault := self._fault) is not None:
            log.warning("%s: %s", self.start.stream_sid, fault)
            code = 1008 if isinstance(fault, ProtocolError) else 1011
            reason = str(fault).encode("ascii", "replace").decode()[:REASON_CHARS]
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._socket.close(code, reason)
        except Exception as error:  # it was broken, or its peer does not answer: gone either way
            log.debug("%s: closing: %r", self.start.stream_sid, error)
