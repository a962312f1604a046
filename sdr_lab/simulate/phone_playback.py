"""When sound was needed for playback, and when it came. Pure: told the time."""

from __future__ import annotations

from dataclasses import dataclass, field

from sdr_lab.records import FRAME_BYTES

BYTES_S = 8000
LATE_MS = 20.0
"""A frame that comes later than this leaves a hole that a listener hears."""
IN_HAND_MS, IN_HAND_STEPS = 10, 64


@dataclass(slots=True)
class Playback:
    """Sound is played in order and at once. While more of the same sentence is to come, it must
    be there when what came before has been played; after a mark or a clear nothing is owed."""

    frames: int = 0
    """Frames (20 ms) received, incomplete ones counted by their part."""
    late_frames: int = 0
    """Those that came more than 20 ms after they were needed."""
    late_ms: list[float] = field(default_factory=list)
    """Each hole within a sentence, however short."""
    gaps_ms: list[float] = field(default_factory=list)
    """From the end of a sentence that was played to the next sound."""
    seams_ms: list[float] = field(default_factory=list)
    """Those of them between two sentences of one reply, as `mark` tells."""
    in_hand: list[int] = field(default_factory=lambda: [0] * IN_HAND_STEPS)
    """How many messages in the middle of a sentence came how long before they were needed, in
    steps of 10 ms; the last holds all above."""
    ahead_ms: float = 0.0
    """The most that was received before its time."""
    _end_s: float = 0.0
    _is_owed: bool = False
    _has_begun: bool = False
    _bytes: int = 0
    _reply: str = ""
    _seam_ms: float = 0.0

    def sound(self, now_s: float, size_bytes: int) -> None:
        """Sound has come."""
        hole_ms = (now_s - self._end_s) * 1000
        if hole_ms > 0:
            if self._is_owed:
                self.late_ms.append(hole_ms)
                self.late_frames += hole_ms > LATE_MS
            elif self._has_begun:
                self.gaps_ms.append(hole_ms)
                self._seam_ms = hole_ms
        if self._is_owed:
            step = int(-hole_ms / IN_HAND_MS) if hole_ms < 0 else 0
            self.in_hand[min(step, IN_HAND_STEPS - 1)] += 1
        self._end_s = max(now_s, self._end_s) + size_bytes / BYTES_S
        self.ahead_ms = max(self.ahead_ms, (self._end_s - now_s) * 1000)
        self._is_owed = self._has_begun = True
        self._bytes += size_bytes
        self.frames = self._bytes // FRAME_BYTES

    def mark(self, reply: str = "") -> None:
        """What came so far is whole.

        Args:
            reply: Which reply it is a sentence of, if that is known.
        """
        self._is_owed = False
        if reply and reply == self._reply and self._seam_ms:
            self.seams_ms.append(self._seam_ms)
        self._reply, self._seam_ms = reply, 0.0

    def clear(self, now_s: float) -> None:
        """What waits is thrown away."""
        self._end_s = min(self._end_s, now_s)
        self._is_owed = self._has_begun = False
        self._seam_ms = 0.0

    @property
    def is_quiet_at(self) -> float:
        """Time (s) at which all that came so far has been played."""
        return self._end_s
