"""Is the caller speaking? A level gate that follows the noise of the line.

It works on the RMS of 20 ms frames alone, so it costs a few microseconds. The noise floor is
the minimum of the smoothed level over the last two seconds: speech has gaps, noise has none.
Method after R. Martin, "Noise power spectral density estimation based on optimal smoothing and
minimum statistics" (2001), reduced to one band.
"""

from __future__ import annotations

from collections import deque

from sdr_lab.records import FRAME_MS

BLOCK_FRAMES = 12
"""The minimum is kept per block of 240 ms…"""
BLOCKS = 8
"""…over 8 blocks: long enough to span a long vowel, short enough to follow a passing lorry."""
MIN_BIAS = 1.4
"""The minimum of a noise lies below its mean by about this factor at our smoothing."""
FIRST_FLOOR = 60.0
"""Assumed noise, RMS in int16 units, until the first block is complete."""
LOWEST_FLOOR = 20.0
"""A digitally silent line must not make a click count as speech."""
ON_FACTOR = 2.2
"""A frame is voiced from 7 dB above the noise…"""
ON_MARGIN = 90.0
"""…plus this much, so that quantisation noise of µ-law stays below."""
OFF_FACTOR = 1.6
"""While the caller speaks, frames count down to 4 dB above the noise: word ends are soft."""
OFF_MARGIN = 60.0
ONSET_FRAMES = 4
"""Speech begins when `ONSET_VOICED` of so many frames are voiced: clicks are shorter."""
ONSET_VOICED = 3


class SpeechGate:
    """Tells speech from noise, frame by frame. Pure: equal frames in, equal answers out."""

    def __init__(self) -> None:
        self.noise = FIRST_FLOOR
        """Estimated noise of the line, RMS in int16 units."""
        self.is_open = False
        """The caller is speaking (word gaps included; the floor counts the silence)."""
        self.voiced_ms = 0
        """Voiced audio since the gate opened."""
        self._smooth = 0.0
        self._block_min = float("inf")
        self._block_frames = 0
        self._minima: deque[float] = deque(maxlen=BLOCKS)
        self._recent: deque[bool] = deque(maxlen=ONSET_FRAMES)

    def hear(self, energy: int, at_least: float = 0.0) -> bool:
        """Take one frame; return whether it is voiced.

        Args:
            energy: RMS of the frame, 0..32124.
            at_least: Frames below this level are not voiced, whatever the noise. Used while
                the agent's own voice may come back as echo.
        """
        self._follow_noise(energy)
        if self.is_open:
            level = self.noise * OFF_FACTOR + OFF_MARGIN
        else:
            level = self.noise * ON_FACTOR + ON_MARGIN
        voiced = energy > level and energy > at_least
        self._recent.append(voiced)
        if not self.is_open and sum(self._recent) >= ONSET_VOICED:
            self.is_open = True
            self.voiced_ms = (sum(self._recent) - voiced) * FRAME_MS
        if self.is_open and voiced:
            self.voiced_ms += FRAME_MS
        return voiced

    def onset_ms(self, end_ms: int) -> int:
        """Stream time of the first voiced frame of the onset that ends at `end_ms`."""
        recent = list(self._recent)
        first = recent.index(True) if True in recent else len(recent) - 1
        return end_ms - (len(recent) - first) * FRAME_MS

    def open(self) -> None:
        """Somebody else heard the caller begin."""
        self.is_open = True
        self.voiced_ms = 0

    def close(self) -> None:
        """The caller has been silent long enough."""
        self.is_open = False
        self._recent.clear()

    def _follow_noise(self, energy: int) -> None:
        self._smooth += 0.4 * (energy - self._smooth)
        if self._smooth < self._block_min:
            self._block_min = self._smooth
        self._block_frames += 1
        if self._block_frames == BLOCK_FRAMES:
            self._minima.append(self._block_min)
            self._block_min = float("inf")
            self._block_frames = 0
        lowest = min(self._minima, default=FIRST_FLOOR / MIN_BIAS)
        if self._block_min < lowest and self._block_frames > 4:
            lowest = self._block_min
        self.noise = max(LOWEST_FLOOR, lowest * MIN_BIAS)
