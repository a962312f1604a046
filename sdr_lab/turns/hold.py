"""How long the agent stays silent to find out whether he is being interrupted."""

from __future__ import annotations

from sdr_lab.records import FRAME_MS

QUIET_MS = 200
"""A caller who still talks when a hold is over is let finish: until he is silent for so long…"""
LONGEST_HOLDS = 2
"""…but the hold lasts this many times `hold_ms` at most: what is no interruption by then is a
voice or a noise that the agent has to talk over."""
AGAIN_MS = 500
"""From going on to the next hold at least, and the caller was silent in between: one noise holds
the agent once."""


class Hold:
    """Pure: told the time."""

    def __init__(self) -> None:
        self.is_on = False
        self.since_ms = 0
        """When it began; after it, when it did."""
        self._is_spent = False
        self._released_ms = 0

    def may_begin(self, now_ms: int, is_voice: bool) -> bool:
        """Tell whether the next sign may hold the agent. To be asked every frame."""
        if not is_voice and now_ms - self._released_ms >= AGAIN_MS:
            self._is_spent = False
        return not (self.is_on or self._is_spent)

    def begin(self, now_ms: int) -> None:
        self.is_on = True
        self.since_ms = now_ms

    def release(self, now_ms: int) -> None:
        """The agent goes on."""
        self.is_on = False
        self._is_spent = True
        self._released_ms = now_ms

    def end(self) -> None:
        """The speech is over: the next one may be held at once."""
        self.is_on = self._is_spent = False

    def is_over(self, now_ms: int, quiet_ms: int, hold_ms: int) -> str:
        """Return why the agent goes on (`why` of RELEASE); empty: not yet.

        Args:
            now_ms: Stream time.
            quiet_ms: Since the caller's last voiced frame.
            hold_ms: Of the settings.
        """
        held_ms = now_ms - self.since_ms
        if not self.is_on or held_ms < hold_ms:
            return ""
        if held_ms >= LONGEST_HOLDS * hold_ms:
            return "expired"
        if quiet_ms < QUIET_MS:
            return ""
        return "expired" if held_ms < hold_ms + FRAME_MS else "quiet"
