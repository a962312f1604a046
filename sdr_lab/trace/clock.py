"""From audio time to loop time.

Events carry both: `at_ms`, how much of the caller's audio had come in, and `clock_ms`. Their
difference is the delay of the line; it is larger in an event that happened between two frames or
while the audio stood still, never smaller. So the smallest difference near a moment is the delay
at that moment, and a stall does not count as the caller's speaking time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from sdr_lab.events import Event

BEFORE_MS, AFTER_MS = 5000, 2000
"""How near: long enough to hold frames that came in time, short enough to follow a line whose
delay has changed for good."""


class CallClock:
    """Tells when (loop time) a moment of the caller's audio reached us."""

    def __init__(self, events: Sequence[Event]) -> None:
        pairs = sorted((event.at_ms, event.clock_ms - event.at_ms) for event in events)
        self._at_ms = [at_ms for at_ms, _ in pairs]
        self._delay_ms = [delay_ms for _, delay_ms in pairs]

    def clock_ms(self, at_ms: float) -> float:
        """Return the loop time at which the audio up to `at_ms` had come in."""
        first = bisect_left(self._at_ms, at_ms - BEFORE_MS)
        last = bisect_right(self._at_ms, at_ms + AFTER_MS)
        near = self._delay_ms[first:last] or self._delay_ms
        return round(at_ms + min(near, default=0.0), 3)
