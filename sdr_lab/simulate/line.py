"""A telephone line made of code. It keeps Twilio's buffer truth: what is sent is queued, played
in real time (the loop's, so a virtual clock does) and acknowledged by marks when it has been
played; a `clear` throws away the rest and returns all marks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sdr_lab.audio.frame import FrameCutter
from sdr_lab.call.line import Digit, Frame, Mark
from sdr_lab.records import FRAME_MS
from sdr_lab.simulate.caller import SILENCE, Caller, CallerRun
from sdr_lab.simulate.condition import Condition, Path

NEAR_SILENCE = b"\xff\x7f\xfe\x7e"
"""µ-law codes of samples that nobody hears."""


@dataclass(frozen=True, slots=True)
class Clear:
    """A `clear` that the line received."""

    at_ms: int
    dropped_ms: int


class SimulatedLine:
    """The caller's end of a call, for one call."""

    kind = "simulated"

    def __init__(
        self, caller: Caller, condition: Condition | None = None, *, keeps_sound: bool = True
    ) -> None:
        self.caller = CallerRun(caller)
        self.clears: list[Clear] = []
        self.transferred_to = ""
        self.played = bytearray()
        """What the caller really heard, from the start of the stream; silence where nothing."""
        self._keeps_sound = keeps_sound
        self._path = Path(condition or Condition())
        self._queue: deque[bytes | str] = deque()
        self._cutter = FrameCutter()
        self._marks: list[str] = []
        self._late: deque[tuple[float, Frame]] = deque()
        self._is_over = False
        self._slot = 0

    async def frames(self) -> AsyncIterator[Frame | Mark | Digit]:
        """Yield a frame every 20 ms of the loop's time, and marks as they fall due."""
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        while not self._is_over:
            due_s = start_s + (self._slot + 1) * FRAME_MS / 1000
            if due_s > loop.time():
                await asyncio.sleep(due_s - loop.time())
            self._step(loop.time())
            while self._late and self._late[0][0] <= loop.time():
                yield self._late.popleft()[1]
            marks, self._marks = self._marks, []
            for name in marks:
                yield Mark(name)

    async def play(self, mulaw: bytes) -> None:
        self._queue.extend(self._cutter.push(mulaw))

    async def mark(self, name: str) -> None:
        self._queue.extend(self._cutter.flush())
        self._queue.append(name)
        self._return_marks()

    async def clear(self) -> None:
        self._cutter.flush()
        dropped = [item for item in self._queue if isinstance(item, bytes)]
        self._marks += [item for item in self._queue if isinstance(item, str)]
        self._queue.clear()
        self.clears.append(Clear(self._slot * FRAME_MS, len(dropped) * FRAME_MS))

    async def hang_up(self) -> None:
        self._is_over = True

    async def transfer(self, target: str) -> None:
        self.transferred_to = target
        self._is_over = True

    def _step(self, now_s: float) -> None:
        """Let 20 ms pass: the caller hears, and speaks."""
        head = self._queue.popleft() if self._queue else b""
        heard = head if isinstance(head, bytes) else b""
        self._return_marks()
        if self._keeps_sound:  # 29 MB an hour
            self.played += heard or SILENCE
        at_ms = self._slot * FRAME_MS
        said = self.caller.say(at_ms, bool(heard.strip(NEAR_SILENCE)))
        received = self._path.carry(said, heard)
        if not self._path.is_lost():
            due_s = now_s + self._path.delay_ms() / 1000
            after_s = self._late[-1][0] if self._late else 0.0
            self._late.append((max(due_s, after_s), Frame(at_ms, received)))
        self._is_over = self._is_over or self.caller.has_hung_up
        self._slot += 1

    def _return_marks(self) -> None:
        while self._queue and isinstance(name := self._queue[0], str):
            self._marks.append(name)
            self._queue.popleft()
