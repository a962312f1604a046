"""Sustained energy over a running baseline: the seed's algorithm with the seed's settings.

Where the seed is silent:

- *Baseline*: an exponential mean (1/20 per frame, 0.4 s) of the frames that the speech gate calls
  silent, whether the agent speaks or not. It starts at the first such frame. Speech never raises
  it; noise does, even noise above the threshold (it would interrupt every reply for ever).
- *Buffer*: begins at the first frame above the threshold. Frames between 0.6 × threshold and the
  threshold lengthen it but do not count as high. A frame below 0.6 × threshold empties it. So does
  arming: what the caller said before the agent spoke is no interruption.
- *Sustained*: at least two high frames, and from the first frame of the buffer to the end of this
  one at least `min_speech_ms`.
- *Debounce*: `debounce_ms` from one interruption to the next; frames in between are buffered, so
  that a caller who keeps talking is noticed when it is over.
"""

from __future__ import annotations

from sdr_lab.records import FRAME_MS, InterruptSettings
from sdr_lab.turns.detectors.base import Listened, Reading, Sign, SignKind

RESET_SHARE = 0.6
"""Energy below this share of the threshold empties the buffer (the seed's value)."""
HIGH_FRAMES = 2
"""High frames that make energy "sustained" (the seed's value)."""
BASELINE_STEP = 1 / 20


class EnergyDetector:
    """Sustained energy above max(baseline × factor, minimum)."""

    name = "energy"

    def __init__(self, settings: InterruptSettings) -> None:
        self.settings = settings
        self._baseline: float | None = None
        self._armed = False
        self._since_ms: int | None = None
        self._high = 0
        self._has_voiced = False
        self._waits_since_ms: int | None = None
        self._last_ms: int | None = None
        self._now_ms = 0
        self._energy = 0
        self.threshold = float(settings.min_energy)

    def arm(self, at_ms: int, settings: InterruptSettings) -> None:
        self.settings = settings
        self._armed = True
        self._empty()

    def disarm(self, at_ms: int) -> None:
        self._armed = False
        self._empty()

    def hear(self, frame: Listened) -> Sign | None:
        self._energy = frame.energy
        self._now_ms = frame.at_ms + FRAME_MS
        if not frame.is_voiced:
            self._follow_baseline(frame.energy)
        if not (self._armed and self.settings.enabled):
            return None
        if frame.energy < RESET_SHARE * self.threshold:
            self._empty()
            return None
        if frame.energy > self.threshold:
            self._high += 1
            if self._since_ms is None:
                self._since_ms = frame.at_ms
        self._has_voiced = self._has_voiced or frame.is_voiced
        return self._decide(frame.at_ms + FRAME_MS)

    def read(self, text: str) -> Sign | None:
        since_ms = self._waits_since_ms
        if since_ms is None or not text.strip() or not self._armed:
            return None
        return self._cut_in(since_ms, since_ms)

    def reading(self) -> Reading:
        speech_ms = 0 if self._since_ms is None else self._now_ms - self._since_ms
        return Reading(
            {
                "energy": self._energy,
                "baseline": self._baseline or 0.0,
                "speech_ms": speech_ms,
                "high_frames": self._high,
            },
            {
                "energy": self.threshold,
                "speech_ms": self.settings.min_speech_ms,
                "high_frames": HIGH_FRAMES,
            },
        )

    def _decide(self, now_ms: int) -> Sign | None:
        since_ms = self._since_ms
        if since_ms is None or self._high < HIGH_FRAMES:
            return None
        if now_ms - since_ms < self.settings.min_speech_ms:
            return None
        if self.settings.use_vad and not self._has_voiced:
            return None
        last_ms = self._last_ms
        if last_ms is not None and now_ms - last_ms < self.settings.debounce_ms:
            return None
        if self.settings.require_text:
            self._waits_since_ms = since_ms
            return None
        return self._cut_in(since_ms, now_ms)

    def _cut_in(self, since_ms: int, now_ms: int) -> Sign:
        self._last_ms = now_ms
        self._waits_since_ms = None
        self._empty()
        return Sign(SignKind.STOP, since_ms, self._energy / max(self.threshold, 1.0))

    def _follow_baseline(self, energy: int) -> None:
        if self._baseline is None:
            self._baseline = float(energy)
        self._baseline += BASELINE_STEP * (energy - self._baseline)
        settings = self.settings
        self.threshold = max(self._baseline * settings.baseline_factor, float(settings.min_energy))

    def _empty(self) -> None:
        self._since_ms = None
        self._high = 0
        self._has_voiced = False
        if not self._armed:
            self._waits_since_ms = None
