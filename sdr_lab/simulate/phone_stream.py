"""The media stream of a call: a WebSocket from the phone network to the server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal

import aiohttp

from sdr_lab.audio.frame import FrameCutter
from sdr_lab.records import FRAME_MS
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.condition import Condition
from sdr_lab.simulate.handset import Handset
from sdr_lab.simulate.phone_call import PhoneCall, new_sid
from sdr_lab.simulate.phone_callbacks import Callbacks
from sdr_lab.simulate.phone_checks import MALFORMED, AskClear, AskMark, Play, Violation, read_order
from sdr_lab.simulate.phone_faults import StreamFaults
from sdr_lab.simulate.phone_frames import CONNECTED, StreamName, StreamWriter
from sdr_lab.simulate.phone_twiml import Connect
from sdr_lab.simulate.phone_webhooks import Courier, signature_of

Ending = Literal["refused", "hung up", "server closed", "cut", "replaced"]
CLOSE_S = 2.0
"""The server must answer the closing handshake within this time."""


class StreamLeg:
    """One stream. It outlives the call as its record."""

    def __init__(
        self,
        call: PhoneCall,
        verb: Connect,
        caller: Caller,
        condition: Condition,
        faults: StreamFaults,
    ) -> None:
        self.sid = new_sid("MZ")
        self.call = call
        self.verb = verb
        self.faults = faults
        self.handset = Handset(caller, condition)
        self.ending: Ending = "replaced"
        self.close_code: int | None = None
        """With which the server closed, if it did."""
        self.received: list[tuple[int, Play | AskMark | AskClear]] = []
        """What the server sent, with the stream time in ms of its arrival."""
        self.marks: list[tuple[int, str]] = []
        """Marks that were sent back, with the stream time in ms."""
        self.is_open = False
        """`start` has been sent and the end has not come."""
        self.ahead_ms = 0
        """The most that was queued here: how far the server ran ahead of playback."""
        name = StreamName(
            call.account_sid,
            faults.call_sid or call.sid,
            self.sid,
            dict(verb.parameters),
            faults.encoding,
        )
        self.writer = StreamWriter(name)
        self._cutter = FrameCutter(faults.payload_bytes)
        self._payload_at_ms = 0
        self._is_closed = False

    async def run(self, courier: Courier, callbacks: Callbacks, connect_s: float) -> Ending:
        """Open the stream, let the caller talk, and close it."""
        ws = await self._open(courier, connect_s)
        if ws is None:
            self.ending = "refused"
            self._tell(callbacks, "stream-error", self.call.notices[-1].text)
            return self.ending
        self._tell(callbacks, "stream-started")
        try:
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(self._listen(ws))
                try:
                    self.ending = await self._talk(ws)
                finally:
                    await self._close(ws)
                    listening.cancel()
        finally:
            self.is_open = False
            self._tell(callbacks, "stream-stopped")
        return self.ending

    async def _open(
        self, courier: Courier, connect_s: float
    ) -> aiohttp.ClientWebSocketResponse | None:
        url = self.verb.url
        headers = signature_of(self.faults.signature, url, (), courier.auth_token)
        address, host = courier.real(url)
        headers |= {**host, "User-Agent": "Twilio.TmeWs/1.0"}
        try:
            async with asyncio.timeout(connect_s):
                return await courier.session.ws_connect(address, headers=headers)
        except aiohttp.WSServerHandshakeError as error:
            self.call.report(31920, f"stream {url}: HTTP {error.status} instead of 101")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.call.report(31901, f"stream {url}: {str(error) or 'no answer in time'}")
        return None

    async def _talk(self, ws: aiohttp.ClientWebSocketResponse) -> Ending:
        """Play and speak in real time until somebody has had enough."""
        loop = asyncio.get_running_loop()
        faults, handset = self.faults, self.handset
        await self._send(ws, CONNECTED)
        if faults.has_start:
            await self._send(ws, self.writer.start())
        self.is_open = True
        self.call.touch()
        start_s = loop.time()
        while not self._is_closed:
            due_s = start_s + (handset.at_ms + FRAME_MS) / 1000
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            if _has_come(faults.cut_at_s, handset.at_ms):
                _cut(ws)
                return "cut"
            handset.step(loop.time())
            if faults.has_start:
                await self._speak(ws, loop.time)
            if handset.caller.has_hung_up:
                return "hung up"
        return "server closed"

    async def _speak(self, ws: aiohttp.ClientWebSocketResponse, clock: Callable[[], float]) -> None:
        faults, handset = self.faults, self.handset
        if faults.stall_at_s is not None:
            stalled_ms = handset.at_ms - faults.stall_at_s * 1000
            if 0 < stalled_ms <= faults.stall_s * 1000:
                return
        is_mute = _has_come(faults.mute_at_s, handset.at_ms)
        for frame in handset.frames(clock()):
            jump_ms = faults.jump_ms if _has_come(faults.jump_at_s, frame.at_ms) else 0
            if not self._cutter.carried:
                self._payload_at_ms = frame.at_ms + jump_ms
            for payload in self._cutter.push(frame.mulaw):
                if not is_mute:
                    await self._send(ws, self.writer.media(self._payload_at_ms, payload))
                self._payload_at_ms += len(payload) // 8
        for digit in handset.digits():
            await self._send(ws, self.writer.dtmf(digit.digit))
        await self._send_marks(ws)

    async def _send_marks(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        for name in self.handset.marks():
            self.marks.append((self.handset.at_ms, name))
            await self._send(ws, self.writer.mark(name))

    async def _listen(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Take what the server sends; marks with nothing before them go back at once."""
        async for message in ws:
            if message.type != aiohttp.WSMsgType.TEXT:
                self.call.report(MALFORMED, f"a {message.type.name} message; only text is taken")
                continue
            try:
                order = read_order(message.data, self.sid)
            except Violation as violation:
                self.call.report(violation.code, violation.text)
                continue
            self._obey(order)
            await self._send_marks(ws)
        self.close_code = ws.close_code
        self._is_closed = True

    def _obey(self, order: Play | AskMark | AskClear) -> None:
        handset = self.handset
        self.received.append((handset.at_ms, order))
        self.call.touch()
        match order:
            case Play(mulaw):
                handset.play(mulaw)
                self.ahead_ms = max(self.ahead_ms, handset.queued_ms)
            case AskMark(name):
                handset.mark(name)
            case AskClear():
                handset.clear()

    async def _send(self, ws: aiohttp.ClientWebSocketResponse, text: str) -> None:
        with suppress(ConnectionError, aiohttp.ClientError):  # the listener notices the end
            await ws.send_str(text)

    async def _close(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        if self.ending == "cut":
            self.call.report(31924, "the connection of the stream broke", True)
            return
        if self._is_closed:
            code = self.close_code
            is_clean = code in (1000, 1001)
            self.call.report(31921, f"the server closed the stream with {code}", is_clean)
            return
        if self.faults.has_start:
            await self._send(ws, self.writer.stop())
        with suppress(ConnectionError, aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await ws.close()

    def _tell(self, callbacks: Callbacks, event: str, error: str = "") -> None:
        form = {
            "AccountSid": self.call.account_sid,
            "CallSid": self.call.sid,
            "StreamSid": self.sid,
            "StreamName": self.verb.name or self.sid,
            "StreamEvent": event,
            "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        if error:
            form["StreamError"] = error
        method = self.verb.status_callback_method
        callbacks.send(event, self.verb.status_callback, tuple(form.items()), method)


def _has_come(at_s: float | None, at_ms: int) -> bool:
    return at_s is not None and at_ms >= at_s * 1000


def _cut(ws: aiohttp.ClientWebSocketResponse) -> None:
    """Break the connection without a word, as a cable does."""
    connection: socket.socket = ws.get_extra_info("socket")
    connection.shutdown(socket.SHUT_RDWR)
