"""From scores to signs: limits, debounce, and one hold until the caller was quiet.

Scores come frame by frame; a sweep may run a latch alone over scores that were worked out once.
"""

from __future__ import annotations

from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.turns.detectors.base import Sign, SignKind

QUIET_SHARE = 0.7
"""A hold score below this share of its limit is quiet…"""
QUIET_MS = 100
"""…and for so long, it is over: the next sound may hold again."""
AGAIN_MS = 1500
"""Who goes on for so long after a sign is answered again: it may be another sound by now."""


class Latch:
    """Decides on a pair of scores per frame."""

    def __init__(self, debounce_ms: int) -> None:
        self.debounce_ms = debounce_ms
        self.waits_since_ms: int | None = None
        """Onset of a stop that waits for words. It waits on in silence: words come late."""
        self._quiet_ms = QUIET_MS
        self._is_held = False
        self._is_stopped = False
        self._stop_ms: int | None = None
        self._hold_ms = 0

    def reset(self) -> None:
        """The agent begins to be heard (not: goes on after a hold). The debounce goes on."""
        self.waits_since_ms = None
        self._quiet_ms = QUIET_MS
        self._is_held = False
        self._is_stopped = False

    def hear(
        self, scores: tuple[float, float], limits: tuple[float, float], now_ms: int, onset_ms: int
    ) -> Sign | None:
        """Take the (hold, stop) scores of the frame that ends at `now_ms`."""
        hold, stop = scores
        hold_limit, stop_limit = limits
        if hold < QUIET_SHARE * hold_limit and stop < stop_limit:
            self._quiet_ms += FRAME_MS
            if self._quiet_ms >= QUIET_MS:
                self._is_held = False
                self._is_stopped = False
            return None
        self._quiet_ms = 0
        since_ms = AGAIN_MS if self._stop_ms is None else now_ms - self._stop_ms
        if self._stop_ms is not None and since_ms < self.debounce_ms:
            return None
        if stop >= stop_limit and (not self._is_stopped or since_ms >= AGAIN_MS):
            return self._stop(now_ms, onset_ms, stop)
        if hold >= hold_limit and (not self._is_held or now_ms - self._hold_ms >= AGAIN_MS):
            self._is_held = True
            self._hold_ms = now_ms
            return Sign(SignKind.HOLD, onset_ms, hold)
        return None

    def _stop(self, now_ms: int, onset_ms: int, score: float) -> Sign:
        self._is_held = True
        self._is_stopped = True
        self._stop_ms = self._hold_ms = now_ms
        return Sign(SignKind.STOP, onset_ms, score)

    def answer(self, sign: Sign | None, settings: InterruptSettings) -> Sign | None:
        """Return what the settings let through; a stop may have to wait for words."""
        if sign is None:
            return None
        if sign.kind is SignKind.HOLD:
            return sign if settings.hold else None
        if settings.require_text:
            self.waits_since_ms = sign.onset_ms
            return None
        return sign

    def read(self, text: str, score: float) -> Sign | None:
        """Take words; return the stop that waited for them."""
        onset_ms = self.waits_since_ms
        if onset_ms is None or not text.strip():
            return None
        self.waits_since_ms = None
        return Sign(SignKind.STOP, onset_ms, score)
