"""What a telephone line does to a call: noise, loss, jitter, echo. Seeded, so repeatable."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.codec import mulaw_to_pcm, pcm_to_mulaw
from sdr_lab.errors import NotFound
from sdr_lab.records import FRAME_BYTES, FRAME_MS

LEAK = 0.79
"""One-pole low-pass at 300 Hz for 8 kHz."""

SPEECH_RMS = 2600.0
"""Level of speech on the line, RMS in int16 units (-22 dBFS), that an SNR refers to."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The line between us and the caller."""

    name: str = "clean"
    snr_db: float | None = None
    """Ratio of the caller's speech to the noise around him; None: no noise."""
    loss: float = 0.0
    """Share of the caller's frames that never arrive, in bursts of 1-3."""
    jitter_ms: int = 0
    """Frames arrive up to so much late, in bunches; their timestamps stay right."""
    echo_db: float | None = None
    """Level of our own voice that comes back, relative to what we sent; None: none."""
    echo_delay_ms: int = 180
    seed: int = 1


CONDITIONS: dict[str, Condition] = {
    "clean": Condition("clean"),
    "noisy": Condition("noisy", snr_db=18.0),
    "echo": Condition("echo", echo_db=-24.0),
    "lossy": Condition("lossy", loss=0.02, jitter_ms=60),
}


def condition_named(name: str) -> Condition:
    """Return a condition.

    Raises:
        NotFound: there is none of that name.
    """
    if name not in CONDITIONS:
        raise NotFound(f"line condition {name!r} is unknown; allowed: {', '.join(CONDITIONS)}")
    return CONDITIONS[name]


class Path:
    """Applies a condition to 20 ms frames."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self._random = np.random.default_rng(condition.seed)
        self._burst = 0
        self._brown = 0.0
        self._sent: deque[bytes] = deque(maxlen=max(1, condition.echo_delay_ms // FRAME_MS))

    def carry(self, caller: bytes, sent: bytes) -> bytes:
        """Return what we receive while the caller says `caller` and hears `sent`.

        Args:
            caller: 160 bytes of µ-law.
            sent: 160 bytes of µ-law, or empty when he hears nothing.
        """
        condition = self.condition
        if condition.snr_db is None and condition.echo_db is None:
            return caller
        pcm = mulaw_to_pcm(caller).astype(np.float32)
        if condition.snr_db is not None:
            pcm += self._noise(SPEECH_RMS / 10 ** (condition.snr_db / 20))
        if condition.echo_db is not None:
            delayed = self._sent[0] if len(self._sent) == self._sent.maxlen else b""
            self._sent.append(sent)
            if delayed:
                pcm += mulaw_to_pcm(delayed) * np.float32(10 ** (condition.echo_db / 20))
        return pcm_to_mulaw(np.clip(pcm, -32000, 32000).astype(np.int16))

    def is_lost(self) -> bool:
        """Tell whether the next frame is lost."""
        if self.condition.loss <= 0:
            return False
        if self._burst > 0:
            self._burst -= 1
            return True
        if self._random.random() < self.condition.loss / (2 - self.condition.loss):
            self._burst = int(self._random.integers(0, 3))
            return True
        return False

    def delay_ms(self) -> float:
        """How late the next frame arrives."""
        if not self.condition.jitter_ms:
            return 0.0
        return float(self._random.uniform(0, self.condition.jitter_ms))

    def _noise(self, rms: float) -> NDArray[np.float32]:
        """Room noise: its power falls by about 6 dB an octave above 300 Hz."""
        noise = np.empty(FRAME_BYTES, np.float32)
        level = self._brown
        for i, step in enumerate(self._random.normal(0.0, 1.0, FRAME_BYTES)):
            level = LEAK * level + step
            noise[i] = level
        self._brown = float(level)
        return noise * np.float32(rms * np.sqrt(1 - LEAK**2))
