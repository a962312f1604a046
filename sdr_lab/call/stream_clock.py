"""Stream time: the line's timestamps made continuous.

Everything in a call is counted on it, so it must neither step back nor jump ahead of what was
recorded. A frame that is missing is filled with silence; a clock that jumps is followed.
"""

from __future__ import annotations

import logging

from sdr_lab.records import FRAME_MS

log = logging.getLogger(__name__)

REPEATED_MS = 2000
"""A frame that is older than this is no repetition: the line has set its clock back."""
AHEAD_MS = 1000
"""More than the time that has really passed, and this, can't be missing: the clock has jumped."""
TOLD_JUMPS = 3
"""So many jumps of one call are logged: a broken or hostile line must not fill the log."""


class StreamClock:
    """Says where a frame belongs."""

    def __init__(self, now_s: float) -> None:
        self._end_ms = 0
        self._shift_ms = 0
        """Added to the line's timestamps."""
        self._heard_s = now_s
        self._jumps = 0

    def place(self, at_ms: int, now_s: float) -> int | None:
        """Take a frame's timestamp.

        Args:
            at_ms: The line's own time of its first sample.
            now_s: Loop time of its arrival.

        Returns:
            Frames missing before it (0 as a rule), or None when it was heard already.
        """
        missing_ms = at_ms + self._shift_ms - self._end_ms
        if -REPEATED_MS <= missing_ms <= -FRAME_MS:
            return None
        passed_ms = (now_s - self._heard_s) * 1000
        if not -FRAME_MS < missing_ms <= passed_ms + AHEAD_MS:
            self._jumps += 1
            if self._jumps <= TOLD_JUMPS:
                log.warning("the line's clock jumps by %d ms", missing_ms)
            self._shift_ms -= missing_ms
            missing_ms = 0
        missing = max(0, missing_ms) // FRAME_MS
        self._heard_s = now_s
        self._end_ms += (missing + 1) * FRAME_MS
        return missing
