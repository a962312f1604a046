"""Voice counted in frames: the double for tests, which can add up when it holds and stops.

It is no good on a real line (it takes every noise and echo for the caller) and therefore not in
the table; settings name it as `sdr_lab.turns.detectors.scripted:VoicedDetector`.
"""

from __future__ import annotations

from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.turns.detectors.base import Listened, Reading, Sign, SignKind

THRESHOLD = 400.0
QUIET_MS = 160
"""Silence that ends an utterance."""


class VoicedDetector:
    """Holds after `hold_activity_ms` of voiced frames, stops after `activity_ms`."""

    name = "voiced"
    threshold = THRESHOLD

    def __init__(self, settings: InterruptSettings) -> None:
        self.settings = settings
        self._armed = False
        self._since_ms = 0
        self._voiced_ms = 0
        self._quiet_ms = 0
        self._is_held = False

    def arm(self, at_ms: int, settings: InterruptSettings) -> None:
        self.settings = settings
        self._armed = True
        self._voiced_ms = 0
        self._is_held = False

    def disarm(self, at_ms: int) -> None:
        self._armed = False

    def hear(self, frame: Listened) -> Sign | None:
        if not (self._armed and self.settings.enabled):
            return None
        if not frame.is_voiced or frame.energy < THRESHOLD:
            self._quiet_ms += FRAME_MS
            if self._quiet_ms >= QUIET_MS:
                self._voiced_ms = 0
                self._is_held = False
            return None
        self._quiet_ms = 0
        if not self._voiced_ms:
            self._since_ms = frame.at_ms
        self._voiced_ms += FRAME_MS
        return self._decide()

    def read(self, text: str) -> Sign | None:
        is_waiting = self.settings.require_text and self._voiced_ms >= self.settings.activity_ms
        return Sign(SignKind.STOP, self._since_ms) if is_waiting and self._armed else None

    def reading(self) -> Reading:
        limit = {"voiced_ms": self.settings.activity_ms}
        return Reading({"voiced_ms": self._voiced_ms}, limit)

    def _decide(self) -> Sign | None:
        settings = self.settings
        if self._voiced_ms >= settings.activity_ms and not settings.require_text:
            self._voiced_ms = 0
            return Sign(SignKind.STOP, self._since_ms)
        if self._voiced_ms >= settings.hold_activity_ms and not self._is_held:
            self._is_held = True
            return Sign(SignKind.HOLD, self._since_ms)
        return None
