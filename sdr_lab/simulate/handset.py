"""The far end of a line: plays in real time what it is sent, and speaks by a script.

It keeps Twilio's buffer truth: what is sent is queued, played 20 ms at a time and acknowledged
by marks when it has been played; a `clear` throws away the rest and returns all marks. It has no
clock of its own: whoever owns it asks for one step every 20 ms.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from sdr_lab.audio.frame import FrameCutter
from sdr_lab.call.line import Digit, Frame
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


class Handset:
    """One caller in one call."""

    def __init__(
        self,
        caller: Caller,
        condition: Condition | None = None,
        *,
        keeps_sound: bool = True,
        waits_for_whole_frames: bool = False,
    ) -> None:
        """Take up the receiver.

        Args:
            caller: Who is on the line.
            condition: What the line does to his sound.
            keeps_sound: Keep `heard` and `spoken`: 29 MB an hour each.
            waits_for_whole_frames: Less than 20 ms at the end of the queue waits for more, instead
                of being played as it is.
        """
        self.caller = CallerRun(caller)
        self.clears: list[Clear] = []
        self.heard = bytearray()
        """What the caller really heard, from the start of the stream; silence where nothing."""
        self.spoken = bytearray()
        """What he said as it left him: noise and echo included, lost frames too."""
        self._keeps_sound = keeps_sound
        self._waits = waits_for_whole_frames
        self._path = Path(condition or Condition())
        self._queue: deque[bytes | str] = deque()
        self._cutter = FrameCutter()
        self._marks: list[str] = []
        self._late: deque[tuple[float, Frame]] = deque()
        self._digits: list[Digit] = []
        self._slot = 0

    @property
    def at_ms(self) -> int:
        """Stream time: what has been played and said so far."""
        return self._slot * FRAME_MS

    @property
    def queued_ms(self) -> int:
        """Sound that waits to be played."""
        return sum(isinstance(item, bytes) for item in self._queue) * FRAME_MS

    def play(self, mulaw: bytes) -> None:
        """Queue sound behind what is queued already."""
        self._queue.extend(self._cutter.push(mulaw))

    def mark(self, name: str) -> None:
        """Ask for the name back when all that is queued has been played."""
        self._queue.extend(self._cutter.flush())
        self._queue.append(name)
        self._return_marks()

    def clear(self) -> None:
        """Throw away what has not been played. All outstanding marks come back."""
        self._cutter.flush()
        dropped = [item for item in self._queue if isinstance(item, bytes)]
        self._marks += [item for item in self._queue if isinstance(item, str)]
        self._queue.clear()
        self.clears.append(Clear(self.at_ms, len(dropped) * FRAME_MS))

    def step(self, now_s: float) -> None:
        """Let 20 ms pass: the caller hears, and speaks.

        Args:
            now_s: The owner's clock, by which late frames arrive.
        """
        if not self._queue and not self._waits:
            self._queue.extend(self._cutter.flush())
        head = self._queue.popleft() if self._queue else b""
        heard = head if isinstance(head, bytes) else b""
        self._return_marks()
        at_ms = self.at_ms
        said = self.caller.say(at_ms, bool(heard.strip(NEAR_SILENCE)))
        if self.caller.pressed:
            self._digits += [Digit(digit) for digit in self.caller.pressed]
            self.caller.pressed.clear()
        received = self._path.carry(said, heard)
        if self._keeps_sound:
            self.heard += heard or SILENCE
            self.spoken += received
        if not self._path.is_lost():
            due_s = now_s + self._path.delay_ms() / 1000
            after_s = self._late[-1][0] if self._late else 0.0
            self._late.append((max(due_s, after_s), Frame(at_ms, received)))
        self._slot += 1

    def frames(self, now_s: float) -> list[Frame]:
        """Return the frames that have come through the line by now."""
        due: list[Frame] = []
        while self._late and self._late[0][0] <= now_s:
            due.append(self._late.popleft()[1])
        return due

    def marks(self) -> list[str]:
        """Return the names that have fallen due, each once."""
        marks, self._marks = self._marks, []
        return marks

    def digits(self) -> list[Digit]:
        """Return the keys pressed since the last time."""
        digits, self._digits = self._digits, []
        return digits

    def _return_marks(self) -> None:
        while self._queue and isinstance(name := self._queue[0], str):
            self._marks.append(name)
            self._queue.popleft()
