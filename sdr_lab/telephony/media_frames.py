"""The caller's sound put in its place: by the time it carries, never by the time it came."""

from __future__ import annotations

from sdr_lab.audio.codec import SILENCE
from sdr_lab.call.line import Frame
from sdr_lab.records import FRAME_BYTES, FRAME_MS

PER_MS = FRAME_BYTES // FRAME_MS
"""Samples, and bytes, a millisecond."""
ROUNDING = PER_MS
"""Timestamps are whole milliseconds: a sample's place is known no better."""
SET_BACK = 2000 * PER_MS
"""Sound so much older than the last is not repeated: the peer has set its clock back, which is
followed without a word."""


class MediaFrames:
    """Cuts pieces of any size at any time into frames of exactly 20 ms with honest times.

    Holes are left to the session, which fills and counts them; here only a frame that a hole
    tears is filled up. Time starts with the first sample.
    """

    def __init__(self) -> None:
        self.gaps = 0
        self.missing_ms = 0
        """What the timestamps say is missing."""
        self.repeated_ms = 0
        """Sound for a time that had been heard already; dropped."""
        self._carry = b""
        self._end = 0
        """Where the next sample belongs, in samples; the carry lies before it."""
        self._origin: int | None = None

    def push(self, timestamp_ms: int, mulaw: bytes) -> list[Frame]:
        """Take a piece of sound; return the frames that are complete now, possibly none."""
        if self._origin is None:
            self._origin = timestamp_ms * PER_MS
        jump = timestamp_ms * PER_MS - self._origin - self._end
        size = len(mulaw)
        if not -max(ROUNDING, min(size, FRAME_BYTES)) < jump < FRAME_BYTES:
            torn, mulaw = self._jump(jump, mulaw)
            return torn + self._cut(mulaw)
        if size == FRAME_BYTES and not self._carry:
            frame = Frame(self._end // PER_MS, mulaw)
            self._end += FRAME_BYTES
            return [frame]
        return self._cut(mulaw)

    def flush(self) -> list[Frame]:
        """Return what waits for the rest of its frame, filled up with silence."""
        if not self._carry:
            return []
        frame = Frame((self._end - len(self._carry)) // PER_MS, _filled(self._carry))
        self._carry = b""
        return [frame]

    def _jump(self, jump: int, mulaw: bytes) -> tuple[list[Frame], bytes]:
        """Step over a hole, or drop the part that was heard before."""
        if jump < -SET_BACK:
            self._origin = (self._origin or 0) + jump
            return [], mulaw
        if jump < 0:
            self.repeated_ms += min(-jump, len(mulaw)) // PER_MS
            return [], mulaw[-jump:]
        self.gaps += 1
        self.missing_ms += jump // PER_MS
        torn = self.flush()
        self._end += jump
        return torn, mulaw

    def _cut(self, mulaw: bytes) -> list[Frame]:
        start = self._end - len(self._carry)
        self._end += len(mulaw)
        data = self._carry + mulaw
        whole = len(data) - len(data) % FRAME_BYTES
        self._carry = data[whole:]
        return [
            Frame((start + at) // PER_MS, data[at : at + FRAME_BYTES])
            for at in range(0, whole, FRAME_BYTES)
        ]


def _filled(mulaw: bytes) -> bytes:
    return mulaw.ljust(FRAME_BYTES, bytes([SILENCE]))
