"""Callers without a phone network, for load: each opens a media stream itself and talks on it.

A hundred of them fit into a part of one core: no task per message, no JSON that need not be made.

    report = await MediaCaller(url, Caller().says("Hello?", at=0.5)).run()
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from sdr_lab.records import FRAME_MS
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.condition import Condition
from sdr_lab.simulate.handset import Handset
from sdr_lab.simulate.phone_call import new_sid
from sdr_lab.simulate.phone_checks import AskClear, AskMark, Play, Violation, read_order
from sdr_lab.simulate.phone_frames import CONNECTED, StreamName, StreamWriter
from sdr_lab.simulate.phone_playback import LATE_MS, Playback
from sdr_lab.simulate.phone_wire import WireSocket, connect

GOODBYE_S = 2.0
"""The server has so long to close after `stop`."""


@dataclass
class MediaReport:
    """What a caller saw of his call. Times in ms of stream time unless said otherwise."""

    playback: Playback = field(default_factory=Playback)
    sent_frames: int = 0
    lag_ms: float = 0.0
    """The most that this caller himself was behind: above 20, the fleet is too large for its
    process and its figures mean nothing."""
    lags: int = 0
    """Frames of his own that he sent more than 20 ms late."""
    opened_ms: float = 0.0
    """Real time that opening the socket took."""
    replies_ms: list[float] = field(default_factory=list)
    """From his last word to the first sound of the agent."""
    clears_ms: list[float] = field(default_factory=list)
    """From the begin of his last word to each `clear`."""
    cleared_at_ms: list[float] = field(default_factory=list)
    """Stream time at which each `clear` came."""
    violations: list[str] = field(default_factory=list)
    ended_by: str = ""
    """`caller`, `server` or `cancelled`."""
    close_code: int | None = None


class MediaCaller:
    """One caller."""

    def __init__(
        self,
        url: str,
        caller: Caller | bytes,
        *,
        condition: Condition | None = None,
        name: StreamName | None = None,
        headers: Mapping[str, str] | None = None,
        keeps_sound: bool = False,
    ) -> None:
        """Prepare a call; `run` makes it.

        Args:
            url: ws:// or wss://, as `/v1/convai/streams` hands it out.
            caller: A script, or µ-law that he says from the start on, once, before he hangs up.
            condition: What the line does to his sound.
            name: What `start` says; default: new SIDs.
            headers: Of the upgrade, such as a signature.
            keeps_sound: Keep `handset.heard` and `handset.spoken`.
        """
        if isinstance(caller, bytes):
            caller = Caller().says("", at=0.0, sound=caller)
        self.url = url
        self.headers = dict(headers or {})
        self.name = name or StreamName(new_sid("AC"), new_sid("CA"), new_sid("MZ"))
        self.handset = Handset(caller, condition, keeps_sound=keeps_sound)
        self.report = MediaReport()
        self.writer = StreamWriter(self.name)
        self._wire: WireSocket | None = None
        self._loop = asyncio.get_running_loop()
        self._start_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._over: asyncio.Future[str] = self._loop.create_future()

    async def run(self) -> MediaReport:
        """Make the call; return when it is over.

        Raises:
            ProviderError: the stream can't be opened.
        """
        report, loop = self.report, self._loop
        asked_s = loop.time()
        wire = self._wire = await connect(self.url, self.headers)
        wire.on_text = self._take
        wire.closed.add_done_callback(lambda _: self._finish("server"))
        self._start_s = loop.time()
        report.opened_ms = (self._start_s - asked_s) * 1000
        wire.send_text(CONNECTED)
        wire.send_text(self.writer.start())
        self._timer = loop.call_at(self._start_s + FRAME_MS / 1000, self._tick)
        try:
            report.ended_by = await self._over
            wire.send_text(self.writer.stop())
            wire.close()
            await asyncio.wait([wire.closed], timeout=GOODBYE_S)
        except asyncio.CancelledError:
            report.ended_by = "cancelled"
            raise
        finally:
            self._finish("caller")
            wire.abort()
            report.close_code = wire.close_code
        return report

    def hang_up(self) -> None:
        """Put the phone down now, whatever the script says."""
        self._finish("caller")

    def _tick(self) -> None:
        """Send what is due, and everything that was due while the loop was busy."""
        report, handset, wire = self.report, self.handset, self._wire
        now_s = self._loop.time()
        due_s = self._start_s + (handset.at_ms + FRAME_MS) / 1000
        report.lag_ms = max(report.lag_ms, (now_s - due_s) * 1000)
        while wire is not None and due_s <= now_s:
            if (now_s - due_s) * 1000 > LATE_MS:
                report.lags += 1
            handset.step(now_s)
            for frame in handset.frames(now_s):
                wire.send_text(self.writer.media(frame.at_ms, frame.mulaw))
                report.sent_frames += 1
            for digit in handset.digits():
                wire.send_text(self.writer.dtmf(digit.digit))
            for name in handset.marks():
                wire.send_text(self.writer.mark(name))
            if handset.caller.has_hung_up:
                self._finish("caller")
                return
            due_s += FRAME_MS / 1000
        self._timer = self._loop.call_at(due_s, self._tick)

    def _take(self, text: str) -> None:
        """Take a message of the server."""
        try:
            order = read_order(text, self.name.stream_sid)
        except Violation as violation:
            self.report.violations.append(f"{violation.code}: {violation.text}")
            return
        now_s = self._loop.time()
        handset, playback = self.handset, self.report.playback
        match order:
            case Play(mulaw):
                if now_s > playback.is_quiet_at:
                    self._note_reply(now_s)
                playback.sound(now_s, len(mulaw))
                handset.play(mulaw)
            case AskMark(name):
                playback.mark(name.partition(":")[0])
                handset.mark(name)
            case AskClear():
                playback.clear(now_s)
                handset.clear()
                at_ms = (now_s - self._start_s) * 1000
                self.report.cleared_at_ms.append(at_ms)
                if handset.caller.spoken:
                    begun_ms = handset.caller.spoken[-1].start_ms
                    self.report.clears_ms.append(at_ms - begun_ms)
        if self._wire is not None:
            for name in handset.marks():
                self._wire.send_text(self.writer.mark(name))

    def _note_reply(self, now_s: float) -> None:
        """The agent begins to speak: how long did he take?"""
        spoken = self.handset.caller.spoken
        replies = self.report.replies_ms
        if len(spoken) > len(replies):
            replies.append((now_s - self._start_s) * 1000 - spoken[-1].end_ms)

    def _finish(self, by: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._over.done():
            self._over.set_result(by)
